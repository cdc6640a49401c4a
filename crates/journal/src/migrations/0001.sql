-- Schema 1. Frozen: a later change is a later file. What the columns mean stands in lib.rs.

-- Read by every version before anything else; its shape never changes.
CREATE TABLE format (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    min_reader INTEGER NOT NULL
) STRICT;
INSERT INTO format (one, min_reader) VALUES (1, 1);

CREATE TABLE epochs (
    number               INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 4194303),
    epoch                BLOB NOT NULL UNIQUE CHECK (length(epoch) = 16),
    predecessor_epoch    BLOB CHECK (length(predecessor_epoch) = 16),
    predecessor_sequence INTEGER,
    predecessor_hash     BLOB CHECK (length(predecessor_hash) = 32),
    reason               TEXT CHECK (reason IN ('rewound', 'salvaged')),
    CHECK ((predecessor_epoch IS NULL) = (predecessor_sequence IS NULL)),
    CHECK ((predecessor_epoch IS NULL) = (predecessor_hash IS NULL)),
    CHECK ((predecessor_epoch IS NULL) = (reason IS NULL))
) STRICT;

CREATE TABLE entries (
    place        INTEGER PRIMARY KEY,
    event_id     BLOB NOT NULL CHECK (length(event_id) = 16),
    natural_key  TEXT NOT NULL,
    content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
    chain_hash   BLOB NOT NULL CHECK (length(chain_hash) = 32),
    journaled_at INTEGER NOT NULL,
    conflict_of  BLOB CHECK (length(conflict_of) = 16)
) STRICT;
CREATE UNIQUE INDEX entries_by_content ON entries (natural_key, content_hash);
CREATE INDEX entries_by_event ON entries (event_id);
CREATE INDEX entries_in_conflict ON entries (place) WHERE conflict_of IS NOT NULL;

-- Apart from their entries, so that pruning gives whole pages back to be used again.
CREATE TABLE bodies (
    place  INTEGER PRIMARY KEY,
    packed BLOB NOT NULL
) STRICT;

CREATE TABLE local_extensions (
    place      INTEGER PRIMARY KEY,
    extensions TEXT NOT NULL
) STRICT;

CREATE TABLE acknowledgements (
    place           INTEGER PRIMARY KEY,
    acknowledged_at INTEGER NOT NULL
) STRICT;

CREATE TABLE input_cursors (
    input  TEXT PRIMARY KEY,
    cursor BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE progress (
    place     INTEGER NOT NULL,
    target    TEXT NOT NULL,
    state     TEXT NOT NULL,
    reference TEXT,
    detail    TEXT,
    at        INTEGER NOT NULL,
    PRIMARY KEY (place, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE downlink (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    cursor INTEGER NOT NULL
) STRICT;
INSERT INTO downlink (one, cursor) VALUES (1, 0);

CREATE TABLE notes (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER epochs_never_change BEFORE UPDATE ON epochs
BEGIN SELECT RAISE(ABORT, 'an epoch never changes'); END;
CREATE TRIGGER epochs_never_go BEFORE DELETE ON epochs
BEGIN SELECT RAISE(ABORT, 'an epoch is never removed'); END;

CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry never changes'); END;
CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never removed'); END;

CREATE TRIGGER bodies_never_change BEFORE UPDATE ON bodies
BEGIN SELECT RAISE(ABORT, 'a body never changes'); END;
-- Places of one epoch share their upper bits: OLD.place | 1099511627775 is the epoch's last.
CREATE TRIGGER bodies_go_when_acknowledged BEFORE DELETE ON bodies
WHEN NOT EXISTS (
    SELECT 1 FROM acknowledgements WHERE place BETWEEN OLD.place AND OLD.place | 1099511627775)
BEGIN SELECT RAISE(ABORT, 'a body stays until it is acknowledged'); END;

CREATE TRIGGER acknowledgements_never_change BEFORE UPDATE ON acknowledgements
BEGIN SELECT RAISE(ABORT, 'an acknowledgement never changes'); END;
CREATE TRIGGER acknowledgements_never_move_back BEFORE INSERT ON acknowledgements
WHEN EXISTS (
    SELECT 1 FROM acknowledgements WHERE place BETWEEN NEW.place AND NEW.place | 1099511627775)
BEGIN SELECT RAISE(ABORT, 'an acknowledgement never moves back'); END;
CREATE TRIGGER acknowledgements_keep_the_last BEFORE DELETE ON acknowledgements
WHEN NOT EXISTS (
    SELECT 1 FROM acknowledgements WHERE place BETWEEN OLD.place + 1 AND OLD.place | 1099511627775)
BEGIN SELECT RAISE(ABORT, 'the last acknowledgement is never removed'); END;
