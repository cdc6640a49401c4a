-- Schema 1. Times are microseconds since 1970 UTC. Enumerations stand as numbers where an index
-- sorts by them, as words elsewhere.

CREATE TABLE tokens (
    label      TEXT PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    store      TEXT,
    uses_left  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE devices (
    device_row    INTEGER PRIMARY KEY,
    device        TEXT NOT NULL UNIQUE,
    store         TEXT NOT NULL,
    public_key    BLOB NOT NULL,
    state         TEXT NOT NULL,
    hold_reason   TEXT,
    state_since   INTEGER,
    agent_version TEXT NOT NULL,
    enrolled_at   INTEGER NOT NULL,
    seen_at       INTEGER,
    level_at      INTEGER,
    next_cursor   INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX devices_by_key ON devices (public_key);

-- The current session and the last challenge of a device.
CREATE TABLE sessions (
    device_row INTEGER NOT NULL REFERENCES devices,
    role       TEXT NOT NULL,
    epoch      BLOB NOT NULL,
    ticket     BLOB NOT NULL,
    instance   BLOB NOT NULL,
    attempt    INTEGER NOT NULL,
    PRIMARY KEY (device_row, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE superseded (
    device_row INTEGER NOT NULL REFERENCES devices,
    number     INTEGER NOT NULL,
    instance   BLOB NOT NULL,
    PRIMARY KEY (device_row, number)
) STRICT, WITHOUT ROWID;

-- One head per (device, epoch). An epoch that was never begun only has entries in `holding`.
CREATE TABLE epochs (
    epoch_row     INTEGER PRIMARY KEY,
    device_row    INTEGER NOT NULL REFERENCES devices,
    epoch         BLOB NOT NULL,
    begun         INTEGER NOT NULL,
    head_sequence INTEGER NOT NULL,
    head_hash     BLOB NOT NULL,
    predecessor   TEXT,
    begun_at      INTEGER NOT NULL,
    UNIQUE (device_row, epoch)
) STRICT;

-- Records of neighbouring entries, compressed together.
CREATE TABLE pages (
    page_row INTEGER PRIMARY KEY,
    packed   BLOB NOT NULL
) STRICT;

CREATE TABLE inbox (
    inbox_row     INTEGER PRIMARY KEY,
    epoch_row     INTEGER NOT NULL REFERENCES epochs,
    sequence      INTEGER NOT NULL,
    chain_hash    BLOB NOT NULL,
    page_row      INTEGER NOT NULL REFERENCES pages,
    page_offset   INTEGER NOT NULL,
    record_bytes  INTEGER NOT NULL,
    event_id      BLOB NOT NULL,
    natural_key   TEXT NOT NULL,
    variant       INTEGER NOT NULL,
    -- The key of a conflict's second event once a person called it a sale of its own.
    own_key       TEXT,
    -- The entry that this one repeats.
    replay_of     INTEGER REFERENCES inbox,
    occurred_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX inbox_by_position ON inbox (epoch_row, sequence);
CREATE INDEX inbox_by_event ON inbox (event_id);
CREATE INDEX inbox_replays ON inbox (replay_of) WHERE replay_of IS NOT NULL;

-- Never archived: what is re-read years later is still recognised. Variant 0 is the event that
-- has the key; each other content under the same key is a conflict.
CREATE TABLE natural_keys (
    natural_key  TEXT NOT NULL,
    variant      INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    inbox_row    INTEGER NOT NULL REFERENCES inbox,
    PRIMARY KEY (natural_key, variant)
) STRICT, WITHOUT ROWID;

-- One row an event: the movements as JSON. Items are looked at only within one store and time.
CREATE TABLE moves (
    store       TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    inbox_row   INTEGER NOT NULL REFERENCES inbox,
    movements   TEXT NOT NULL,
    PRIMARY KEY (store, occurred_at, inbox_row)
) STRICT, WITHOUT ROWID;

CREATE TABLE targets (
    target       TEXT PRIMARY KEY,
    paused_until INTEGER NOT NULL,
    reason       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lanes (
    lane_id     INTEGER PRIMARY KEY,
    store       TEXT NOT NULL,
    target      TEXT NOT NULL,
    class       INTEGER NOT NULL,
    next_number INTEGER NOT NULL DEFAULT 1,
    waiting     INTEGER NOT NULL DEFAULT 0,
    done        INTEGER NOT NULL DEFAULT 0,
    exceptions  INTEGER NOT NULL DEFAULT 0,
    -- When a worker may claim it; the end of the lease while one holds it.
    due_at      INTEGER,
    -- Work that arrived while a worker held it.
    woken_at    INTEGER,
    holder      TEXT,
    fence       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (store, target, class)
) STRICT;
CREATE INDEX lanes_due ON lanes (class, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lanes_by_target ON lanes (target);

-- States: 0 due, 1 unknown, 2 draft, 3 waiting, 4 bundled; 10 done, 11 exception, 12 resolved.
CREATE TABLE outbox (
    lane_id         INTEGER NOT NULL REFERENCES lanes,
    number          INTEGER NOT NULL,
    inbox_row       INTEGER NOT NULL REFERENCES inbox,
    action          TEXT NOT NULL,
    part            INTEGER NOT NULL,
    mode            INTEGER NOT NULL,
    depends_on      TEXT,
    amount_minor    INTEGER,
    amount_currency TEXT,
    state           INTEGER NOT NULL,
    due_at          INTEGER,
    state_detail    TEXT,
    exception       TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (lane_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_open ON outbox (lane_id, number) WHERE state < 10;
CREATE INDEX outbox_exceptions ON outbox (lane_id, number) WHERE state = 11;
CREATE INDEX outbox_by_event ON outbox (inbox_row);

-- The last attempts of a delivery, in a ring.
CREATE TABLE attempts (
    lane_id  INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    slot     INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    deadline INTEGER,
    said     TEXT,
    PRIMARY KEY (lane_id, number, slot)
) STRICT, WITHOUT ROWID;

-- A bundle stands here from before it is sent until no delivery is tied to it.
CREATE TABLE bundles (
    key           BLOB PRIMARY KEY,
    lane_id       INTEGER NOT NULL UNIQUE REFERENCES lanes,
    body          TEXT NOT NULL,
    members       TEXT NOT NULL,
    tied          INTEGER NOT NULL,
    first_sent_at INTEGER,
    deadline      INTEGER,
    due_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE downlink (
    device_row INTEGER NOT NULL REFERENCES devices,
    cursor     INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (device_row, cursor)
) STRICT, WITHOUT ROWID;

-- What a held device sent, every branch of it: the chain hash tells branches apart. `plan` is the
-- entry without its record, as it will go into inbox and outbox if it is released.
CREATE TABLE holding (
    holding_row   INTEGER PRIMARY KEY,
    epoch_row     INTEGER NOT NULL REFERENCES epochs,
    sequence      INTEGER NOT NULL,
    chain_hash    BLOB NOT NULL,
    previous_hash BLOB NOT NULL,
    record        BLOB NOT NULL,
    plan          TEXT NOT NULL,
    held_at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX holding_by_position ON holding (epoch_row, sequence, chain_hash);
