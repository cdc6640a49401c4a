//! Deliveries as people see them, filtered and paged.
//!
//! Exceptions, an event's deliveries and a natural key's are each found by an index. Changes
//! nothing.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::codec::{
    Fault, amount, class, event_id, mode, parsed, signed, state, time, time_option,
};
use crate::store::model::{AttemptView, DeliveryFilter, DeliveryId, DeliveryView, Lane};

/// The columns of a view; the tables stand in an order that the filter's index begins.
const COLUMNS: &str = "o.lane_id, o.number, l.store, l.target, l.class, i.event_id,
    coalesce(i.own_key, i.natural_key), o.action, o.mode, o.due_at, o.state_detail,
    o.amount_minor, o.amount_currency, o.attempts, o.created_at";

fn view_of(row: &Row<'_>) -> rusqlite::Result<DeliveryView> {
    Ok(DeliveryView {
        id: DeliveryId { lane_id: row.get(0)?, number: row.get(1)? },
        lane: Lane { store: parsed(row, 2)?, target: parsed(row, 3)?, class: class(row, 4)? },
        event_id: event_id(row, 5)?,
        natural_key: row.get(6)?,
        action: row.get(7)?,
        mode: mode(row, 8)?,
        state: state(row, 9)?,
        amount: amount(row, 11)?,
        attempts: row.get(13)?,
        created_at: time(row, 14)?,
        history: Vec::new(),
    })
}

pub(super) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
) -> Result<Vec<DeliveryView>, Fault> {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut with = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(id) = filter.event_id {
        // A repeated entry has no deliveries of its own; those of the first one are shown.
        with(
            "o.inbox_row IN (SELECT coalesce(replay_of, inbox_row) FROM inbox WHERE event_id = ?)",
            Value::Blob(id.0.as_bytes().to_vec()),
        );
    }
    if let Some(key) = &filter.natural_key {
        with(
            "o.inbox_row IN (SELECT inbox_row FROM natural_keys WHERE natural_key = ?)",
            Value::Text(key.clone()),
        );
    }
    if let Some(store) = &filter.store {
        with("l.store = ?", Value::Text(store.to_string()));
    }
    if let Some(target) = &filter.target {
        with("l.target = ?", Value::Text(target.to_string()));
    }
    if let Some(class) = filter.class {
        with("o.exception = ?", Value::Text(class.as_str().to_owned()));
    }
    if let Some(after) = filter.after {
        values.extend([Value::Integer(after.lane_id), Value::Integer(after.number)]);
        let last = values.len();
        conditions.push(format!("(o.lane_id, o.number) > (?{}, ?{last})", last - 1));
    }
    if filter.open_exceptions || filter.class.is_some() {
        conditions.push("o.state = 11".to_owned());
    }
    let conditions = match conditions.as_slice() {
        [] => "1".to_owned(),
        conditions => conditions.join(" AND "),
    };
    values.push(Value::Integer(signed(filter.count_max)?));
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox o JOIN lanes l USING (lane_id) JOIN inbox i USING (inbox_row)
         WHERE {conditions} ORDER BY o.lane_id, o.number LIMIT ?{}",
        values.len()
    ))?;
    let rows = select.query_map(params_from_iter(values), view_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn delivery(
    connection: &Connection,
    id: DeliveryId,
) -> Result<Option<DeliveryView>, Fault> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM outbox o JOIN lanes l USING (lane_id)
               JOIN inbox i USING (inbox_row)
             WHERE o.lane_id = ?1 AND o.number = ?2"
        ))?
        .query_row([id.lane_id, id.number], view_of)
        .optional()?;
    let Some(mut view) = found else { return Ok(None) };
    let mut select = connection.prepare_cached(
        "SELECT at, deadline, said FROM attempts WHERE lane_id = ?1 AND number = ?2
         ORDER BY attempt, at",
    )?;
    let rows = select.query_map([id.lane_id, id.number], |row| {
        Ok(AttemptView { at: time(row, 0)?, deadline: time_option(row, 1)?, said: row.get(2)? })
    })?;
    view.history = rows.collect::<Result<_, _>>()?;
    Ok(Some(view))
}
