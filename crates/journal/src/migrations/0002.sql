-- Schema 2. Frozen: a later change is a later file. What the columns mean stands in lib.rs.

CREATE TABLE incidents (
    number    INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('copy_missing', 'copy_forged', 'copy_old', 'tail_lost',
                                            'replaced', 'damaged', 'journal_missing')),
    epoch     BLOB NOT NULL CHECK (length(epoch) = 16),
    set_aside TEXT
) STRICT;

CREATE TABLE missing (
    epoch    BLOB NOT NULL CHECK (length(epoch) = 16),
    first    INTEGER NOT NULL CHECK (first > 0),
    last     INTEGER NOT NULL CHECK (last >= first),
    relayed  INTEGER NOT NULL CHECK (relayed IN (0, 1)),
    incident INTEGER NOT NULL,
    PRIMARY KEY (epoch, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX missing_by_incident ON missing (incident);
