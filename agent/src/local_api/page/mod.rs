//! The local page: one sentence on how things stand, and the last receipts.
//!
//! For the people in the store, who should hardly ever need it. Shows numbers, times, totals and
//! states; no line, no customer, no secret. A few lines of script fetch it anew; without script it
//! still says everything. Changes nothing.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::response::Response;
use journal::{Filter, Journal, JournaledEvent};
use protocol::envelope::Event;
use protocol::event::Body;
use protocol::problem::{Code, Problem};
use protocol::progress::ProgressState;
use protocol::record::Record;

use super::status::{self, Status};
use super::{Shared, policy, respond};

/// Nothing but the page's own script and style, from nowhere but here.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                              connect-src 'self'; base-uri 'none'; form-action 'none'; \
                              frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "local_api/page/page.html")]
struct Page {
    status: Status,
    receipts: Vec<Row>,
}

/// One event as a line of the page.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    /// The receipt or document number.
    number: String,
    /// What it is, in a word.
    kind: String,
    /// When it happened, as the POS's clock showed it.
    time: String,
    /// What was due or paid out; empty where no money moves.
    total: String,
    /// Where it stands.
    state: String,
    /// Whether a person has to look at it.
    needs_person: bool,
}

/// `GET /`.
pub(super) async fn page(State(shared): State<Arc<Shared>>) -> Response {
    match render(&shared).await {
        Ok(page) => with_policy(respond::text("text/html; charset=utf-8", page)),
        Err(problem) => respond::problem(&problem),
    }
}

/// `GET /page.css`.
pub(super) async fn style() -> Response {
    respond::text("text/css; charset=utf-8", include_str!("page.css"))
}

/// `GET /page.js`.
pub(super) async fn script() -> Response {
    respond::text("text/javascript; charset=utf-8", include_str!("page.js"))
}

async fn render(shared: &Shared) -> Result<String, Problem> {
    let status = status::read(shared).await?;
    let journal = &shared.parts.journal;
    let latest = journal.latest(Filter::All, None, policy::PAGE_RECEIPTS).await;
    let mut receipts = Vec::new();
    for event in latest.map_err(|error| respond::unreadable(&error))? {
        receipts.push(row(journal, &event).await?);
    }
    Page { status, receipts }.render().map_err(|error| {
        Problem::new(Code::Internal, format!("write the local page: {error}"))
            .next("`storekeep-agent status` says the same")
    })
}

async fn row(journal: &Journal, entry: &JournaledEvent) -> Result<Row, Problem> {
    let (state, needs_person) = state(journal, entry).await?;
    let written = written(entry).unwrap_or_else(|| Written {
        // A natural key begins with the type and ends with what people know the event by.
        number: entry.natural_key.clone(),
        ..Written::default()
    });
    let Written { number, kind, time, total } = written;
    Ok(Row { number, kind, time, total, state, needs_person })
}

async fn state(journal: &Journal, entry: &JournaledEvent) -> Result<(String, bool), Problem> {
    if entry.conflict_of.is_some() {
        return Ok(("kept; another receipt has this number".to_owned(), true));
    }
    if !entry.acknowledged {
        return Ok(("safe on this machine".to_owned(), false));
    }
    let progress = journal.progress_of(entry.event_id).await;
    let progress = progress.map_err(|error| respond::unreadable(&error))?;
    let mut states = Vec::new();
    let mut needs_person = false;
    for item in progress.iter().filter(|item| item.sequence == entry.sequence) {
        let word = match item.state {
            ProgressState::Waiting => "on the way to",
            ProgressState::Applied => "in",
            ProgressState::Exception => "needs a person for",
            ProgressState::Resolved => "settled for",
        };
        needs_person |= item.state == ProgressState::Exception;
        states.push(format!("{word} {}", item.target));
    }
    match states.is_empty() {
        true => Ok(("at the relay".to_owned(), false)),
        false => Ok((states.join(", "), needs_person)),
    }
}

/// What the event itself says.
#[derive(Default)]
struct Written {
    number: String,
    kind: String,
    time: String,
    total: String,
}

/// Reads an event; none if its content was pruned.
fn written(entry: &JournaledEvent) -> Option<Written> {
    let record = Record::parse(entry.record.as_deref()?).ok()?;
    let event = Event::parse(record.event.get().as_bytes()).ok()?;
    let time = event.time.to_string().chars().skip("2026-11-23T".len()).take(5).collect();
    let (number, kind, total) = match &event.body {
        Body::Transaction(t) => {
            let total = t.total.map(|_| t.signed_total());
            let total = total.map(|total| format!("{} {}", total.decimal(), t.currency));
            (t.receipt.to_string(), t.kind.as_str(), total)
        }
        Body::Till(t) => {
            let money = t.amount.zip(t.currency);
            let total = money.map(|(amount, currency)| {
                let money = protocol::money::Money::new(amount.minor(), currency);
                format!("{} {currency}", money.decimal())
            });
            (t.receipt.to_string(), t.kind.as_str(), total)
        }
        Body::Stock(s) => (s.document.to_string(), s.kind.as_str(), None),
        Body::Fiscal(f) => (f.counter.to_string(), f.kind.as_str(), None),
    };
    let total = total.unwrap_or_default();
    Some(Written { number, kind: kind.replace('_', " "), time, total })
}

fn with_policy(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
