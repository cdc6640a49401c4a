//! What each table takes from a SQLite file.
//!
//! A query gives the table's columns in order. `:row` stands for what is added to a row's number,
//! `:day` for the day of the migration: the file does not say when an entry came, so all of it
//! stands in that day's partition. Runs nothing.

/// A table and the query on the file that fills it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
    pub(super) query: &'static str,
}

/// Every table that holds something, in an order that a reader of the log can follow.
pub(super) const TABLES: [Table; 23] = [
    Table {
        name: "tokens",
        columns: "label, hash, store_id, uses_left, created_at, expires_at, revoked_at",
        query: "SELECT label, hash, store, uses_left, created_at, expires_at, revoked_at
                FROM tokens",
    },
    Table {
        name: "targets",
        columns: "target, paused_until, reason",
        query: "SELECT target, paused_until, reason FROM targets",
    },
    Table { name: "stores", columns: "store_id", query: "SELECT DISTINCT store FROM devices" },
    Table {
        name: "devices",
        columns: "store_id, device, public_key, state, hold_reason, state_since, agent_version,
                  enrolled_at, seen_at, level_at, next_cursor",
        query: "SELECT store, device, public_key, state, hold_reason, state_since, agent_version,
                  enrolled_at, seen_at, level_at, next_cursor FROM devices",
    },
    Table {
        name: "sessions",
        columns: "store_id, device, role, epoch, ticket, instance, attempt",
        query: "SELECT store, device, role, epoch, ticket, instance, attempt
                FROM sessions JOIN devices USING (device_row)",
    },
    Table {
        name: "superseded",
        columns: "store_id, device, number, instance",
        query: "SELECT store, device, number, instance
                FROM superseded JOIN devices USING (device_row)",
    },
    Table {
        name: "copies",
        columns: "store_id, device, instance, ticket, attempt, epoch, head_sequence, head_hash,
                  first_at, answered_at, seen_at, displaced, shared_sequence, shared_hash",
        query: "SELECT store, device, instance, ticket, attempt, epoch, head_sequence, head_hash,
                  first_at, answered_at, copies.seen_at, displaced, shared_sequence, shared_hash
                FROM copies JOIN devices USING (device_row)",
    },
    Table {
        name: "epochs",
        columns: "store_id, epoch_row, device, epoch, begun, head_sequence, head_hash,
                  predecessor, begun_at",
        query: "SELECT store, epoch_row, device, epoch, begun, head_sequence, head_hash,
                  predecessor, begun_at FROM epochs JOIN devices USING (device_row)",
    },
    Table {
        name: "stretches",
        columns: "store_id, epoch_row, first_sequence, day",
        query: "SELECT store, epoch_row, min(sequence), :day
                FROM inbox JOIN epochs USING (epoch_row) JOIN devices USING (device_row)
                GROUP BY epoch_row",
    },
    Table {
        name: "pages",
        columns: "store_id, page_row, packed",
        query: "SELECT store, page_row + :row, packed
                FROM (SELECT DISTINCT page_row, epoch_row FROM inbox) JOIN pages USING (page_row)
                  JOIN epochs USING (epoch_row) JOIN devices USING (device_row)",
    },
    Table {
        name: "inbox",
        columns: "store_id, inbox_row, epoch_row, sequence, chain_hash, page_row, page_offset,
                  record_bytes, event_id, natural_key, variant, own_key, replay_of, occurred_at",
        query: "SELECT store, inbox_row + :row, epoch_row, sequence, chain_hash, page_row + :row,
                  page_offset, record_bytes, event_id, natural_key, variant, own_key,
                  replay_of + :row, occurred_at
                FROM inbox JOIN epochs USING (epoch_row) JOIN devices USING (device_row)",
    },
    Table {
        name: "replays",
        columns: "store_id, replay_of, inbox_row",
        query: "SELECT store, replay_of + :row, inbox_row + :row
                FROM inbox JOIN epochs USING (epoch_row) JOIN devices USING (device_row)
                WHERE replay_of IS NOT NULL",
    },
    Table {
        name: "natural_keys",
        columns: "store_id, natural_key, variant, content_hash, inbox_row",
        query: "SELECT store, k.natural_key, k.variant, content_hash, k.inbox_row + :row
                FROM natural_keys k JOIN inbox USING (inbox_row)
                  JOIN epochs USING (epoch_row) JOIN devices USING (device_row)",
    },
    Table {
        name: "moves",
        columns: "store_id, occurred_at, inbox_row, movements",
        query: "SELECT store, occurred_at, inbox_row + :row, movements FROM moves",
    },
    Table {
        name: "lanes",
        columns: "store_id, lane_id, target, class, next_number, waiting, done, exceptions,
                  due_at, woken_at, holder, fence",
        query: "SELECT store, lane_id, target, class, next_number, waiting, done, exceptions,
                  due_at, woken_at, holder, fence FROM lanes",
    },
    Table {
        name: "outbox",
        columns: "store_id, lane_id, number, inbox_row, action, part, mode, depends_on,
                  amount_minor, amount_currency, state, due_at, state_detail, exception, attempts,
                  created_at",
        query: "SELECT store, lane_id, number, inbox_row + :row, action, part, mode, depends_on,
                  amount_minor, amount_currency, state, outbox.due_at, state_detail, exception,
                  attempts, created_at
                FROM outbox JOIN lanes USING (lane_id)",
    },
    Table {
        name: "attempts",
        columns: "store_id, lane_id, number, slot, attempt, at, deadline, said",
        query: "SELECT store, lane_id, number, slot, attempt, at, deadline, said
                FROM attempts JOIN lanes USING (lane_id)",
    },
    Table {
        name: "bundles",
        columns: "store_id, lane_id, key, body, members, tied, first_sent_at, deadline, due_at,
                  attempts",
        query: "SELECT store, lane_id, key, body, members, tied, first_sent_at, deadline,
                  bundles.due_at, attempts
                FROM bundles JOIN lanes USING (lane_id)",
    },
    Table {
        name: "downlink",
        columns: "store_id, device, cursor, body",
        query: "SELECT store, device, cursor, body FROM downlink JOIN devices USING (device_row)",
    },
    Table {
        name: "register_days",
        columns: "store_id, business_date, register, day",
        query: "SELECT store, business_date, register, day FROM register_days",
    },
    Table {
        name: "waiting_figures",
        columns: "store_id, inbox_row, session, addition",
        query: "SELECT store, inbox_row + :row, session, addition
                FROM waiting_figures JOIN inbox USING (inbox_row)
                  JOIN epochs USING (epoch_row) JOIN devices USING (device_row)",
    },
    Table {
        name: "certificates",
        columns: "store_id, business_date, version, certificate, issued_at",
        query: "SELECT store, business_date, version, certificate, issued_at FROM certificates",
    },
    Table {
        name: "holding",
        columns: "store_id, holding_row, epoch_row, sequence, chain_hash, previous_hash, record,
                  plan, held_at",
        query: "SELECT store, holding_row, epoch_row, sequence, chain_hash, previous_hash, record,
                  plan, held_at
                FROM holding JOIN epochs USING (epoch_row) JOIN devices USING (device_row)",
    },
];

/// Columns that number themselves, and go on after what was carried over.
pub(super) const NUMBERED: [(&str, &str); 3] =
    [("epochs", "epoch_row"), ("lanes", "lane_id"), ("holding", "holding_row")];
