//! What is journaled, for the commands that list, show and verify while the agent has it open.
//!
//! Answers what `crate::lookup` finds. Changes nothing, and a verification waits for no sale.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;
use protocol::problem::{Code, Problem};
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};

use super::{Shared, nothing, respond};
use crate::lookup::{self, Place, Reference, Verifying, Which};

/// Verifications at a time: each reads the whole journal, and the second one learns nothing new.
static VERIFICATIONS: Semaphore = Semaphore::const_new(1);

/// Lines that wait for a slow reader; the verification waits with them.
const LINES_WAITING_MAX: usize = 16;

/// The media type of JSON lines.
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Which entries to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    which: Which,
    #[serde(default = "page_entries")]
    count: usize,
    before: Option<Place>,
}

const fn page_entries() -> usize {
    lookup::PAGE_ENTRIES_MAX
}

/// `GET /v1/journal?which=all|unsent|conflicts&count=N&before=EPOCH.SEQUENCE`: the newest entries.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Asked { which, count, before } = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => {
            let problem = Problem::new(Code::InvalidRequest, error.to_string())
                .next("ask with `which`, `count` and `before`");
            return respond::problem(&problem);
        }
    };
    match lookup::page(&shared.parts.journal, which, before, count).await {
        Ok(page) => respond::json(StatusCode::OK, &page),
        Err(error) => respond::problem(&respond::unreadable(&error)),
    }
}

/// Where to read on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadOn {
    after: Option<Place>,
}

/// `GET /v1/journal/export?after=EPOCH.SEQUENCE`: entries with their records, oldest first.
pub(super) async fn export(
    State(shared): State<Arc<Shared>>,
    asked: Result<Query<ReadOn>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let after = match asked {
        Ok(Query(ReadOn { after })) => after,
        Err(error) => {
            let problem =
                Problem::new(Code::InvalidRequest, error.to_string()).next("ask with `after`");
            return respond::problem(&problem);
        }
    };
    match lookup::export(&shared.parts.journal, after).await {
        Ok(page) => respond::json(StatusCode::OK, &page),
        Err(error) => respond::problem(&respond::unreadable(&error)),
    }
}

/// `GET /v1/journal/{entry}`: one entry with its record, by its number or its event's id.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(entry): Path<String>) -> Response {
    let reference: Reference = match entry.parse() {
        Ok(reference) => reference,
        Err(error) => return respond::problem(&nothing(format!("{error}"))),
    };
    match lookup::entry(&shared.parts.journal, reference).await {
        Ok(Some(entry)) => respond::json(StatusCode::OK, &entry),
        Ok(None) => respond::problem(&nothing(format!("no entry {reference} in the journal"))),
        Err(error) => respond::problem(&respond::unreadable(&error)),
    }
}

/// `GET /v1/journal/verification`: recomputes the chain; one JSON line for each step and one for
/// what was found.
pub(super) async fn verify(State(shared): State<Arc<Shared>>) -> Response {
    let Ok(permit) = VERIFICATIONS.try_acquire() else {
        let problem = Problem::new(Code::Busy, "the journal is being verified already")
            .next("wait for it, then ask again");
        return respond::problem(&problem);
    };
    let (lines, waiting) = mpsc::channel::<Verifying>(LINES_WAITING_MAX);
    let journal = shared.parts.journal.clone();
    tokio::task::spawn_blocking(move || {
        let found = journal.verify(&mut |step| {
            let (entries, entries_total) = (step.entries, step.entries_total);
            tell(&lines, Verifying::Progress { entries, entries_total });
        });
        tell(
            &lines,
            match found {
                Ok(found) => Verifying::Done(found.into()),
                Err(error) => Verifying::Failed { detail: error.to_string() },
            },
        );
        drop(permit);
    });
    let lines = stream::unfold(waiting, |mut waiting| async move {
        let line = waiting.recv().await?;
        let mut line = serde_json::to_vec(&line).expect("a line is plain data");
        line.push(b'\n');
        Some((Ok::<_, std::convert::Infallible>(line), waiting))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(CONTENT_TYPE, LINES);
    response
}

fn tell(lines: &mpsc::Sender<Verifying>, line: Verifying) {
    if lines.blocking_send(line).is_err() {
        tracing::debug!("nobody waits for the verification any more");
    }
}
