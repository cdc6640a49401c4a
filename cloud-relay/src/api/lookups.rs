//! What operators look up: the whole, the lanes, how far one event is.
//!
//! Reads the store and changes nothing.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use protocol::id::{EventId, StoreId, TargetId};
use protocol::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Api;
use super::answer::{Answer, Bad, Good, invalid};
use super::status::{self, Status};
use crate::store::model::{DeliveryFilter, DeliveryView, LaneView, OriginalState, RELAY_TARGET};

/// Deliveries of one event: some ten actions at some ten targets.
const DELIVERIES_MAX: usize = 1_000;

pub(super) async fn status(State(api): State<Arc<Api>>) -> Answer<Status> {
    Ok(Good(status::gather(api.store.as_ref(), &api.tenant, api.now()).await?))
}

/// Which lanes.
#[derive(Debug, Deserialize)]
pub(super) struct LaneQuery {
    store: Option<StoreId>,
    target: Option<TargetId>,
}

/// The lanes.
#[derive(Debug, Serialize)]
pub(super) struct Lanes {
    now: Timestamp,
    lanes: Vec<LaneView>,
}

pub(super) async fn lanes(
    State(api): State<Arc<Api>>,
    query: Result<Query<LaneQuery>, QueryRejection>,
) -> Answer<Lanes> {
    let Query(query) = query.map_err(|error| invalid(&error, "ask with `store` and `target`"))?;
    let mut lanes = api.store.lanes().await?;
    lanes.retain(|view| {
        query.store.as_ref().is_none_or(|store| *store == view.lane.store)
            && query.target.as_ref().is_none_or(|target| *target == view.lane.target)
    });
    Ok(Good(Lanes { now: api.now(), lanes }))
}

/// How far an event is at each target.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standing {
    /// Whether the relay holds it.
    received: bool,
    /// Its documents; none if it calls for none.
    deliveries: Vec<DeliveryView>,
}

pub(super) async fn event(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer<Standing> {
    let id = id.parse::<Uuid>().map_err(|error| {
        invalid(&format!("`{id}`: {error}"), "name the event by its UUID, or ask by receipt")
    })?;
    let event_id = Some(EventId(id));
    let filter =
        DeliveryFilter { event_id, count_max: DELIVERIES_MAX, ..DeliveryFilter::default() };
    let deliveries = api.store.deliveries(&filter).await?;
    if deliveries.is_empty() {
        let detail = format!("no document of event {id}: it never came, or calls for none");
        return Err(Bad(Problem::new(Code::NotFound, detail)
            .next("`GET /api/v1/receipts?key=` tells the two apart")));
    }
    Ok(Good(Standing { received: true, deliveries }))
}

/// Which receipt.
#[derive(Debug, Deserialize)]
pub(super) struct ReceiptQuery {
    /// The natural key.
    key: String,
}

pub(super) async fn receipt(
    State(api): State<Arc<Api>>,
    query: Result<Query<ReceiptQuery>, QueryRejection>,
) -> Answer<Standing> {
    let Query(ReceiptQuery { key }) =
        query.map_err(|error| invalid(&error, "ask with `key`, the event's natural key"))?;
    let relay = TargetId::new(RELAY_TARGET).expect("the name is a valid identifier");
    let received = api.store.original(&relay, &key).await? != OriginalState::NeverSeen;
    let natural_key = Some(key);
    let filter =
        DeliveryFilter { natural_key, count_max: DELIVERIES_MAX, ..DeliveryFilter::default() };
    let deliveries = api.store.deliveries(&filter).await?;
    Ok(Good(Standing { received, deliveries }))
}
