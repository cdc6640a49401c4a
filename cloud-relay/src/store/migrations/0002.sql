-- Schema 2: the hosts that spoke under a device's identity while it was held, and those that lost
-- it. Displaced ones stay: by instance or ticket each is told so whenever it speaks.

CREATE TABLE copies (
    device_row      INTEGER NOT NULL REFERENCES devices,
    instance        BLOB NOT NULL,
    ticket          BLOB NOT NULL,
    attempt         INTEGER NOT NULL,
    epoch           BLOB NOT NULL,
    head_sequence   INTEGER NOT NULL,
    head_hash       BLOB NOT NULL,
    first_at        INTEGER NOT NULL,
    answered_at     INTEGER,
    seen_at         INTEGER NOT NULL,
    displaced       INTEGER NOT NULL,
    -- The last position that a displaced copy shares with the device.
    shared_sequence INTEGER,
    shared_hash     BLOB,
    PRIMARY KEY (device_row, instance)
) STRICT, WITHOUT ROWID;
