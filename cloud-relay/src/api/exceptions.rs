//! Exceptions over HTTP: list, show, retry, settle; the same as the command line.
//!
//! Posts nothing: what is retried goes back into its lane.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use protocol::id::{StoreId, TargetId};
use protocol::problem::{Code, Problem};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Api;
use super::answer::{Answer, Bad, Good, invalid};
use crate::connectors::ExceptionClass;
use crate::dispatch::exceptions::Case;
use crate::store::model::{DeliveryFilter, DeliveryId, DeliveryView, Resolution, ResolutionKind};

/// Exceptions in a page unless asked for fewer: some 100 KiB.
const PAGE_MAX: usize = 200;

/// Which exceptions.
#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    store: Option<StoreId>,
    target: Option<TargetId>,
    class: Option<ExceptionClass>,
    after: Option<String>,
    limit: Option<usize>,
}

/// A page of open exceptions.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    exceptions: Vec<Case>,
    /// Ask for `after` this one next; none at the end.
    next: Option<DeliveryId>,
}

/// One exception with everything about it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    /// None once it is settled or back in its lane.
    exception: Option<Case>,
    delivery: DeliveryView,
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Answer<Page> {
    let Query(query) = query.map_err(|error| {
        invalid(&error, "ask with `store`, `target`, `class`, `after`, `limit`")
    })?;
    let count_max = query.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let filter = DeliveryFilter {
        open_exceptions: true,
        store: query.store,
        target: query.target,
        class: query.class,
        after: query.after.as_deref().map(id).transpose()?,
        count_max,
        ..DeliveryFilter::default()
    };
    let found = api.store.deliveries(&filter).await?;
    let next = found.last().map(|view| view.id).filter(|_| found.len() == count_max);
    let now = api.now();
    Ok(Good(Page {
        exceptions: found.iter().filter_map(|view| Case::of(view, now)).collect(),
        next,
    }))
}

pub(super) async fn show(State(api): State<Arc<Api>>, Path(text): Path<String>) -> Answer<Shown> {
    shown(&api, id(&text)?).await
}

/// Who puts it back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    by: String,
}

pub(super) async fn retry(
    State(api): State<Arc<Api>>,
    Path(text): Path<String>,
    body: Bytes,
) -> Answer<Shown> {
    let id = id(&text)?;
    let Retry { by } = read(&body, "send `{\"by\": \"who\"}`")?;
    stated("by", &by)?;
    api.store.retry(id, &by, api.now()).await?;
    tracing::info!(delivery = %id, by, "an exception is back in its lane");
    shown(&api, id).await
}

/// How it is settled.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolve {
    #[serde(rename = "as")]
    kind: ResolutionKind,
    note: String,
    by: String,
    reference: Option<String>,
}

pub(super) async fn resolve(
    State(api): State<Arc<Api>>,
    Path(text): Path<String>,
    body: Bytes,
) -> Answer<Shown> {
    let id = id(&text)?;
    let next =
        "send `as` (posted_by_hand, not_to_be_posted, duplicate or second_sale), `note`, `by`";
    let Resolve { kind, note, by, reference } = read(&body, next)?;
    stated("by", &by)?;
    stated("note", &note)?;
    let resolution = Resolution { kind, by: by.clone(), note, reference, at: api.now() };
    api.store.resolve(id, resolution).await?;
    tracing::info!(delivery = %id, by, ?kind, "an exception is settled");
    shown(&api, id).await
}

async fn shown(api: &Api, id: DeliveryId) -> Answer<Shown> {
    let delivery = api.store.delivery(id).await?.ok_or_else(|| {
        Bad(Problem::new(Code::NotFound, format!("there is no delivery {id}"))
            .next("`GET /api/v1/exceptions` names those there are"))
    })?;
    Ok(Good(Shown { exception: Case::of(&delivery, api.now()), delivery }))
}

fn id(text: &str) -> Result<DeliveryId, Bad> {
    text.parse().map_err(|error| invalid(&error, "take it from `GET /api/v1/exceptions`"))
}

fn read<T: DeserializeOwned>(body: &[u8], next: &str) -> Result<T, Bad> {
    serde_json::from_slice(body).map_err(|error| invalid(&format!("the body: {error}"), next))
}

/// What stays on record has to say something.
fn stated(name: &str, text: &str) -> Result<(), Bad> {
    if text.trim().is_empty() {
        return Err(invalid(&format!("`{name}` is empty"), "say it: it stays on record"));
    }
    Ok(())
}
