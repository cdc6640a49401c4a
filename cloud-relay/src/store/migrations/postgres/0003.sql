-- Schema 3: the books. One row a register and business date, with its figures, closings and receipt
-- numbers as JSON: it is read and written with each batch of the register, never summed again.

CREATE TABLE register_days (
    store_id      text NOT NULL,
    business_date text NOT NULL,
    register      text NOT NULL,
    day           text NOT NULL,
    PRIMARY KEY (store_id, business_date, register)
) WITH (fillfactor = 70);
CREATE INDEX register_days_by_register ON register_days (store_id, register, business_date);

-- What an entry in conflict will add once a person calls it a sale of its own.
CREATE TABLE waiting_figures (
    store_id  text NOT NULL,
    inbox_row bigint NOT NULL,
    session   bigint NOT NULL,
    addition  text NOT NULL,
    PRIMARY KEY (store_id, inbox_row)
);

-- Signed certificates of a store's days, each as it was issued.
CREATE TABLE certificates (
    store_id      text NOT NULL,
    business_date text NOT NULL,
    version       bigint NOT NULL,
    certificate   text NOT NULL,
    issued_at     bigint NOT NULL,
    PRIMARY KEY (store_id, business_date, version)
);
