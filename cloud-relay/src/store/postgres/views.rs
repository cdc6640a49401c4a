//! Deliveries as people see them, filtered and paged.
//!
//! Exceptions, an event's deliveries and a natural key's are each found by an index. Changes
//! nothing.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::codec::{
    Fault, amount, event_id, mode, signed, state, time, time_option, unsigned, value,
};
use super::lanes::lane_of;
use super::transaction::Transaction;
use crate::store::columns::EXCEPTION;
use crate::store::model::{AttemptView, DeliveryFilter, DeliveryId, DeliveryView};

const VIEWS: &str = "SELECT o.lane_id, o.number, l.store_id, l.target, l.class, i.event_id,
      coalesce(i.own_key, i.natural_key), o.action, o.mode, o.due_at, o.state_detail,
      o.amount_minor, o.amount_currency, o.attempts, o.created_at
    FROM outbox o
      JOIN lanes l ON l.store_id = o.store_id AND l.lane_id = o.lane_id
      JOIN inbox i ON i.store_id = o.store_id AND i.inbox_row = o.inbox_row";

fn view_of(row: &Row) -> Result<DeliveryView, Fault> {
    Ok(DeliveryView {
        id: DeliveryId { lane_id: value(row, 0)?, number: value(row, 1)? },
        lane: lane_of(row, 2)?,
        event_id: event_id(row, 5)?,
        natural_key: value(row, 6)?,
        action: value(row, 7)?,
        mode: mode(row, 8)?,
        state: state(row, 9)?,
        amount: amount(row, 11)?,
        attempts: unsigned(row, 13)?,
        created_at: time(row, 14)?,
        history: Vec::new(),
    })
}

/// A condition with `?` in place of its value.
type Condition = (&'static str, Box<dyn ToSql + Sync + Send>);

fn conditions_of(filter: &DeliveryFilter) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    let mut with = |condition, value: Box<dyn ToSql + Sync + Send>| {
        conditions.push((condition, value));
    };
    if let Some(id) = filter.event_id {
        // A repeated entry has no deliveries of its own; those of the first one are shown.
        with(
            "(o.store_id, o.inbox_row) IN (SELECT store_id, coalesce(replay_of, inbox_row)
                                           FROM inbox WHERE event_id = ?)",
            Box::new(id.0),
        );
    }
    if let Some(key) = &filter.natural_key {
        with(
            "(o.store_id, o.inbox_row) IN (SELECT k.store_id, k.inbox_row FROM stores s
                                             JOIN natural_keys k ON k.store_id = s.store_id
                                           WHERE k.natural_key = ?)",
            Box::new(key.clone()),
        );
    }
    if let Some(store) = &filter.store {
        with("o.store_id = ?", Box::new(store.to_string()));
    }
    if let Some(target) = &filter.target {
        with("l.target = ?", Box::new(target.to_string()));
    }
    if let Some(class) = filter.class {
        with("o.exception = ?", Box::new(class.as_str()));
    }
    conditions
}

pub(super) async fn deliveries(
    on: &Transaction<'_>,
    filter: &DeliveryFilter,
) -> Result<Vec<DeliveryView>, Fault> {
    let after = filter.after.unwrap_or(DeliveryId { lane_id: 0, number: 0 });
    let count_max = signed(filter.count_max)?;
    let conditions = conditions_of(filter);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&after.lane_id, &after.number, &count_max];
    let mut query = format!("{VIEWS} WHERE (o.lane_id, o.number) > ($1, $2)");
    for (condition, value) in &conditions {
        values.push(value.as_ref());
        query.push_str(" AND ");
        query.push_str(&condition.replace('?', &format!("${}", values.len())));
    }
    if filter.open_exceptions || filter.class.is_some() {
        // A literal, so that the index of open exceptions serves it.
        query.push_str(&format!(" AND o.state = {EXCEPTION}"));
    }
    query.push_str(" ORDER BY o.lane_id, o.number LIMIT $3");
    on.rows(&query, &values).await?.iter().map(view_of).collect()
}

pub(super) async fn delivery(
    on: &Transaction<'_>,
    id: DeliveryId,
) -> Result<Option<DeliveryView>, Fault> {
    let query = format!("{VIEWS} WHERE o.lane_id = $1 AND o.number = $2 AND l.lane_id = $1");
    let Some(row) = on.row(&query, &[&id.lane_id, &id.number]).await? else { return Ok(None) };
    let mut view = view_of(&row)?;
    let query = "SELECT at, deadline, said FROM attempts
                 WHERE store_id = $1 AND lane_id = $2 AND number = $3 ORDER BY attempt, at";
    let store = view.lane.store.as_str();
    let lines = on.rows(query, &[&store, &id.lane_id, &id.number]).await?;
    let line = |row: &Row| {
        Ok(AttemptView { at: time(row, 0)?, deadline: time_option(row, 1)?, said: value(row, 2)? })
    };
    view.history = lines.iter().map(line).collect::<Result<_, Fault>>()?;
    Ok(Some(view))
}
