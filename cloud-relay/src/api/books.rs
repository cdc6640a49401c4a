//! The books over HTTP: a store's business date as JSON, as a table, as a page to print.
//!
//! Targets are asked only if the caller says so: that costs their budget. Changes nothing.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use protocol::id::StoreId;
use protocol::problem::{Code, Problem};
use protocol::time::BusinessDate;
use serde::{Deserialize, Serialize};

use super::Api;
use super::answer::{Answer, Bad, Good, invalid};
use crate::reconcile::report::DayReport;
use crate::reconcile::{Sources, Targeting, gather, page, table};
use crate::store::books::Books;

/// Which day, and whether targets are asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DayQuery {
    store: StoreId,
    date: BusinessDate,
    #[serde(default)]
    read_back: bool,
    #[serde(default)]
    format: Format,
}

/// How a report is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Csv,
    Html,
}

pub(super) async fn reconcile(
    State(api): State<Arc<Api>>,
    query: Result<Query<DayQuery>, QueryRejection>,
) -> Result<Response, Bad> {
    let next = "ask with `store`, `date` such as `2026-11-23`, and if wanted `readBack=true` and \
                `format=json`, `csv` or `html`";
    let Query(query) = query.map_err(|error| invalid(&error, next))?;
    let targeting = if query.read_back { Targeting::Ask } else { Targeting::Spare };
    let sources = Sources {
        store: api.store.as_ref(),
        targets: &api.books.targets,
        tenant: &api.tenant,
        clock: &api.clock,
        cut_off: api.books.cut_off,
    };
    let report = gather(&sources, &query.store, query.date, targeting).await?;
    let report = report.ok_or_else(|| {
        let detail = format!("nothing of store {} is held on {}", query.store, query.date);
        Bad(Problem::new(Code::NotFound, detail).next("`GET /api/v1/books/days` names the days"))
    })?;
    Ok(shown(&report, query.format))
}

fn shown(report: &DayReport, format: Format) -> Response {
    let (kind, ending, body) = match format {
        Format::Json => return Good(report).into_response(),
        Format::Csv => ("text/csv; charset=utf-8", "csv", table::csv(std::slice::from_ref(report))),
        Format::Html => {
            ("text/html; charset=utf-8", "html", page::html(std::slice::from_ref(report)))
        }
    };
    let name = format!("books-{}-{}.{ending}", report.store, report.business_date);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .expect("a store's identifier and a date are plain");
    let mut response = super::answer::uncached(body.into_response());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    response
}

/// Which days.
#[derive(Debug, Deserialize)]
pub(super) struct DaysQuery {
    store: Option<StoreId>,
    from: BusinessDate,
    until: BusinessDate,
}

/// The days of which something is held.
#[derive(Debug, Serialize)]
pub(super) struct Days {
    days: Vec<DayOf>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DayOf {
    store: StoreId,
    business_date: BusinessDate,
}

pub(super) async fn days(
    State(api): State<Arc<Api>>,
    query: Result<Query<DaysQuery>, QueryRejection>,
) -> Answer<Days> {
    let next = "ask with `from` and `until`, such as `2026-11-23`, and if wanted `store`";
    let Query(query) = query.map_err(|error| invalid(&error, next))?;
    let DaysQuery { store, from, until } = query;
    let days = Books::business_dates(api.store.as_ref(), store.as_ref(), from, until).await?;
    let days = days.into_iter().map(|(store, business_date)| DayOf { store, business_date });
    Ok(Good(Days { days: days.collect() }))
}
