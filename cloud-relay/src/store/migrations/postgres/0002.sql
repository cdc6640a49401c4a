-- Schema 2: the hosts that spoke under a device's identity while it was held, and those that lost
-- it. Displaced ones stay: by instance or ticket each is told so whenever it speaks.

CREATE TABLE copies (
    store_id        text NOT NULL,
    device          text NOT NULL,
    instance        bytea NOT NULL,
    ticket          bytea NOT NULL,
    attempt         bigint NOT NULL,
    epoch           bytea NOT NULL,
    head_sequence   bigint NOT NULL,
    head_hash       bytea NOT NULL,
    first_at        bigint NOT NULL,
    answered_at     bigint,
    seen_at         bigint NOT NULL,
    displaced       boolean NOT NULL,
    -- The last position that a displaced copy shares with the device.
    shared_sequence bigint,
    shared_hash     bytea,
    PRIMARY KEY (store_id, device, instance)
);
