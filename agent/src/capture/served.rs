//! What this host serves: its store, its registers, business dates of this time.
//!
//! Does not look at the figures.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use protocol::event::Body;
use protocol::id::RegisterId;
use protocol::limits::BUSINESS_DATE_DAYS_AHEAD_MAX;
use protocol::problem::{Code, Problem};
use protocol::time::BusinessDate;

use crate::config::Config;

/// Checks that an event belongs here.
pub(super) fn check(config: &Config, body: &Body, latest: Timestamp) -> Result<(), Problem> {
    let store = body.store();
    if *store != config.store {
        let detail = format!("this host serves store `{}`, not `{store}`", config.store);
        return Err(Problem::new(Code::UnknownStore, detail)
            .at("data.store")
            .next("send the event to its own store's host, or correct `store` in either place"));
    }
    if let Some(register) = register(body)
        && !config.serves(register)
    {
        let detail = format!("register `{register}` is not among those of this host");
        return Err(Problem::new(Code::UnknownStore, detail)
            .at("data.register")
            .next("add it to `registers` in the agent's configuration, or correct the event"));
    }
    match business_date(body) {
        Some(date) => check_date(date, latest),
        None => Ok(()),
    }
}

const fn register(body: &Body) -> Option<&RegisterId> {
    match body {
        Body::Transaction(transaction) => Some(&transaction.register),
        Body::Till(till) => Some(&till.register),
        Body::Stock(_) | Body::Fiscal(_) => None,
    }
}

const fn business_date(body: &Body) -> Option<BusinessDate> {
    match body {
        Body::Transaction(transaction) => Some(transaction.business_date),
        Body::Till(till) => Some(till.business_date),
        Body::Stock(document) => Some(document.business_date),
        Body::Fiscal(_) => None,
    }
}

fn check_date(date: BusinessDate, now: Timestamp) -> Result<(), Problem> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let latest = today.saturating_add(BUSINESS_DATE_DAYS_AHEAD_MAX.days());
    if date.0 <= latest {
        return Ok(());
    }
    let detail = format!("{date} is later than {latest}; by what this host knows today is {today}");
    Err(Problem::new(Code::FutureBusinessDate, detail)
        .at("data.businessDate")
        .next("correct the business date at the register, or the clock of this host"))
}
