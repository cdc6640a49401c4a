//! `reconcile`: a store's business dates, as each system holds them, and what differs.
//!
//! Exits with 1 if something differs. Asks each target through its own interface unless told not
//! to. Changes nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use jiff::ToSpan;
use protocol::id::StoreId;
use protocol::time::BusinessDate;

use super::Outcome;
use crate::files;
use crate::reconcile::report::{DayReport, ReadBack, RegisterReport};
use crate::reconcile::{Sources, Targeting, gather, page, table};
use crate::store::books::Books;

/// Days that are reconciled in one go; more are asked for in parts.
const DAYS_AT_ONCE_MAX: usize = 400;

/// Which days to look at, and how to show them.
#[derive(Debug, Args)]
pub struct Reconcile {
    /// Only of this store.
    #[arg(long)]
    store: Option<StoreId>,
    /// The business date, such as `2026-11-23`. Left out: yesterday and today.
    #[arg(long)]
    date: Option<BusinessDate>,
    /// The first of several business dates.
    #[arg(long, conflicts_with = "date")]
    from: Option<BusinessDate>,
    /// The last of several business dates.
    #[arg(long, conflicts_with = "date")]
    until: Option<BusinessDate>,
    /// Ask no target: only POS, agent and relay.
    #[arg(long)]
    without_targets: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write it to this file and print only the differences.
    #[arg(long)]
    output: Option<PathBuf>,
}

/// How a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For the terminal.
    Text,
    /// For programs.
    Json,
    /// For a spreadsheet.
    Csv,
    /// For printing and filing.
    Html,
}

/// Runs the command.
///
/// # Errors
/// The store failed, nothing is known of the days, or what was asked for cannot be written.
pub async fn run(
    command: &Reconcile,
    sources: &Sources<'_>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    let reports = reports(command, sources).await?;
    let whole = match command.format {
        Format::Text => text(&reports),
        Format::Json => serde_json::to_string_pretty(&reports).context("write JSON")?,
        Format::Csv => table::csv(&reports),
        Format::Html => page::html(&reports),
    };
    match &command.output {
        None => write!(out, "{whole}")?,
        Some(file) => {
            write_file(file, &whole)?;
            reports.iter().try_for_each(|report| out.write_all(head(report).as_bytes()))?;
            writeln!(out, "Written to {}", file.display())?;
        }
    }
    let is_clean = reports.iter().all(|report| report.differences().next().is_none());
    Ok(if is_clean { Outcome::Done } else { Outcome::Found })
}

async fn reports(command: &Reconcile, sources: &Sources<'_>) -> anyhow::Result<Vec<DayReport>> {
    let today = (sources.clock)().to_zoned(jiff::tz::TimeZone::UTC).date();
    let yesterday = today.checked_sub(1.day()).context("tell yesterday")?;
    let (from, until) = match (command.date, command.from, command.until) {
        (Some(date), _, _) => (date, date),
        (None, from, until) => (
            from.or(until).unwrap_or(BusinessDate(yesterday)),
            until.unwrap_or(BusinessDate(today)),
        ),
    };
    let store = command.store.as_ref();
    let days = Books::business_dates(sources.store, store, from, until).await;
    let days = days.context("list the business dates")?;
    if days.is_empty() {
        let whose = store.map_or_else(|| "any store".to_owned(), |store| format!("store {store}"));
        bail!(
            "reconcile {from} to {until}: nothing of {whose} is held (next: `status` says what is \
             known of each store; name another day with --date)"
        );
    }
    if days.len() > DAYS_AT_ONCE_MAX {
        bail!(
            "reconcile {} store days at once: at most {DAYS_AT_ONCE_MAX} (next: name a store or \
             fewer days)",
            days.len()
        );
    }
    let targeting = if command.without_targets { Targeting::Spare } else { Targeting::Ask };
    let mut reports = Vec::with_capacity(days.len());
    for (store, date) in days {
        let report = gather(sources, &store, date, targeting).await;
        reports.extend(report.with_context(|| format!("reconcile store {store} on {date}"))?);
    }
    Ok(reports)
}

/// Writes a file that people name; it is whole or not there, and its owner's alone.
fn write_file(file: &Path, text: &str) -> anyhow::Result<()> {
    files::write_private(file, text.as_bytes())
        .with_context(|| format!("write the report to `{}`", file.display()))
}

/// The sentence of a day and its differences.
fn head(report: &DayReport) -> String {
    let count = report.differences().count();
    let verdict = match count {
        0 => "no difference".to_owned(),
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    let mut said = format!(
        "store {} on {}: {verdict}; {}; agents: {}\n",
        report.store,
        report.business_date,
        report.closed.words(),
        report.agent.words
    );
    for finding in &report.findings {
        let mark = if finding.kind.is_difference() { "!" } else { " " };
        said.push_str(&format!("  {mark} {}\n", finding.text));
    }
    said
}

fn text(reports: &[DayReport]) -> String {
    let mut said = String::new();
    for report in reports {
        said.push_str(&head(report));
        for register in &report.registers {
            said.push_str(&of_register(report, register));
        }
    }
    said
}

fn of_register(report: &DayReport, register: &RegisterReport) -> String {
    let mut said = String::new();
    for relay in &register.relay {
        let currency = relay.amount.currency;
        let pos = register.pos.iter().find(|it| it.amount.currency == currency);
        let pos = pos.map_or_else(
            || "no Z".to_owned(),
            |it| format!("{} ({} receipts)", it.amount, it.count),
        );
        let agent = if report.agent.is_level { relay.amount.to_string() } else { "unknown".into() };
        said.push_str(&format!(
            "  register {:<4} POS {pos} | agent {agent} | relay {} ({} receipts)",
            register.register.as_str(),
            relay.amount,
            relay.count
        ));
        for target in &report.targets {
            let columns = register.targets.get(&target.target).into_iter().flatten();
            let mut own = columns.filter(|it| it.stands.amount.currency == currency);
            let shown = match (&target.read, own.next()) {
                (ReadBack::At(_), Some(it)) => {
                    let bridging: i64 = it.bridging.values().sum();
                    let bridged = protocol::money::Money::new(bridging + it.settled, currency);
                    format!("{} + {bridged} bridging", it.stands.amount)
                }
                (ReadBack::At(_), None) => "nothing".to_owned(),
                (ReadBack::NotAsked, _) => "not asked".to_owned(),
                (ReadBack::Failed(_), _) => "no answer".to_owned(),
            };
            said.push_str(&format!(" | {} {shown}", target.target));
        }
        said.push('\n');
    }
    said
}
