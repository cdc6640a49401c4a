-- Schema 3: the books. One row a register and business date, with its figures, closings and receipt
-- numbers as JSON: it is read and written with each batch of the register, never summed again.

CREATE TABLE register_days (
    store         TEXT NOT NULL,
    business_date TEXT NOT NULL,
    register      TEXT NOT NULL,
    day           TEXT NOT NULL,
    PRIMARY KEY (store, business_date, register)
) STRICT, WITHOUT ROWID;
CREATE INDEX register_days_by_register ON register_days (store, register, business_date);

-- What an entry in conflict will add once a person calls it a sale of its own.
CREATE TABLE waiting_figures (
    inbox_row INTEGER PRIMARY KEY REFERENCES inbox,
    session   INTEGER NOT NULL,
    addition  TEXT NOT NULL
) STRICT;

-- Signed certificates of a store's days, each as it was issued.
CREATE TABLE certificates (
    store         TEXT NOT NULL,
    business_date TEXT NOT NULL,
    version       INTEGER NOT NULL,
    certificate   TEXT NOT NULL,
    issued_at     INTEGER NOT NULL,
    PRIMARY KEY (store, business_date, version)
) STRICT, WITHOUT ROWID;
