//! `gaps`: receipt numbers that are not there, and what people declare of them.
//!
//! The same as `reconcile` tells of numbers, for every register and day at once. Asks no target.

use std::io::Write;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::ToSpan;
use protocol::id::{Receipt, RegisterId, StoreId};
use protocol::time::BusinessDate;
use serde::Serialize;

use super::Outcome;
use crate::reconcile::figures::{Counter, Declared, Gap, GapState, Twice};
use crate::reconcile::{Sources, Targeting, gather};
use crate::store::books::Books;

/// Days that are looked at where none is named.
const DAYS_DEFAULT: i64 = 14;

/// What is to be done with receipt numbers.
#[derive(Debug, Subcommand)]
pub enum Gaps {
    /// List receipt numbers that are pending, declared or missing, and those that stand twice.
    Ls(Ls),
    /// Say why numbers are not there, such as a printer that was exchanged.
    Declare(Declare),
}

/// Which days to look at.
#[derive(Debug, Args)]
pub struct Ls {
    /// Only of this store.
    #[arg(long)]
    store: Option<StoreId>,
    /// The first business date. Left out: two weeks ago.
    #[arg(long)]
    from: Option<BusinessDate>,
    /// The last business date. Left out: today.
    #[arg(long)]
    until: Option<BusinessDate>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is declared.
#[derive(Debug, Args)]
pub struct Declare {
    /// The store.
    #[arg(long)]
    store: StoreId,
    /// The register.
    #[arg(long)]
    register: RegisterId,
    /// The business date.
    #[arg(long)]
    date: BusinessDate,
    /// The first number, as printed.
    #[arg(long)]
    first: Receipt,
    /// The last number. Left out: only the first.
    #[arg(long)]
    last: Option<Receipt>,
    /// Why they are not there.
    #[arg(long)]
    reason: String,
    /// Who says so.
    #[arg(long)]
    by: String,
}

/// A register's day with something to tell, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    store: StoreId,
    business_date: BusinessDate,
    register: RegisterId,
    gaps: Vec<Gap>,
    twice: Vec<Twice>,
    counter: Counter,
}

/// Runs the command.
///
/// # Errors
/// The store failed, nothing is known of the day, or `out` cannot be written.
pub async fn run(
    command: &Gaps,
    sources: &Sources<'_>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    match command {
        Gaps::Ls(ls) => list(ls, sources, out).await,
        Gaps::Declare(declare) => declared(declare, sources, out).await,
    }
}

async fn list(
    ls: &Ls,
    sources: &Sources<'_>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    let today = (sources.clock)().to_zoned(jiff::tz::TimeZone::UTC).date();
    let early = today.checked_sub(DAYS_DEFAULT.days()).context("tell a day two weeks ago")?;
    let (from, until) =
        (ls.from.unwrap_or(BusinessDate(early)), ls.until.unwrap_or(BusinessDate(today)));
    let days = Books::business_dates(sources.store, ls.store.as_ref(), from, until).await;
    let mut rows = Vec::new();
    for (store, date) in days.context("list the business dates")? {
        let report = gather(sources, &store, date, Targeting::Spare).await;
        let report = report.with_context(|| format!("look at store {store} on {date}"))?;
        for register in report.into_iter().flat_map(|report| report.registers) {
            if register.gaps.is_empty() && register.twice.0.is_empty() {
                continue;
            }
            rows.push(Row {
                store: store.clone(),
                business_date: date,
                register: register.register,
                gaps: register.gaps,
                twice: register.twice.0,
                counter: register.counter,
            });
        }
    }
    let is_missing = |row: &Row| row.gaps.iter().any(|gap| gap.state == GapState::Missing);
    let outcome = if rows.iter().any(is_missing) { Outcome::Found } else { Outcome::Done };
    if ls.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&rows).context("write JSON")?)?;
        return Ok(outcome);
    }
    if rows.is_empty() {
        writeln!(out, "No receipt number is missing from {from} to {until}.")?;
    }
    for row in &rows {
        print(row, out)?;
    }
    Ok(outcome)
}

fn print(row: &Row, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let Row { store, business_date, register, gaps, twice, .. } = row;
    for gap in gaps {
        let reason = gap.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        writeln!(
            out,
            "store {store} {business_date} register {register}: {} to {} ({}) {}{reason}",
            gap.first,
            gap.last,
            gap.count,
            gap.state.as_str()
        )?;
    }
    for number in twice {
        writeln!(
            out,
            "store {store} {business_date} register {register}: {} stands twice, the second time \
             as {}",
            number.receipt, number.kind
        )?;
    }
    Ok(())
}

async fn declared(
    declare: &Declare,
    sources: &Sources<'_>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    if declare.reason.trim().is_empty() || declare.by.trim().is_empty() {
        bail!("declare numbers without a reason or a name (next: say --reason and --by)");
    }
    let last = declare.last.as_ref().unwrap_or(&declare.first);
    let stated = Declared {
        first: declare.first.to_string(),
        last: last.to_string(),
        reason: declare.reason.clone(),
        by: declare.by.clone(),
        at: (sources.clock)(),
    };
    let place = (declare.register.clone(), declare.date);
    Books::declare_numbers(sources.store, &declare.store, &place, stated)
        .await
        .context("declare receipt numbers")?;
    writeln!(
        out,
        "{} to {last} of register {} on {} are declared",
        declare.first, declare.register, declare.date
    )?;
    Ok(Outcome::Done)
}
