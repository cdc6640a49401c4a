//! `exceptions`: list, show, retry and settle what needs a person.
//!
//! Works on the store, also while the relay runs. Does not post anything itself: what is retried
//! goes back into its lane.

#[cfg(test)]
mod tests;

use std::io::Write;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use protocol::id::{StoreId, TargetId};
use protocol::money::Money;
use serde::Serialize;

use crate::dispatch::exceptions::{Case, at_risk};
use crate::store::Store;
use crate::store::model::{DeliveryFilter, DeliveryId, Resolution, ResolutionKind};

/// Deliveries read in one go; a page of a thousand is some hundred KiB.
const PAGE: usize = 1_000;

/// What is to be done with exceptions.
#[derive(Debug, Subcommand)]
pub enum Exceptions {
    /// List what needs a person, with the amounts at risk.
    Ls(Ls),
    /// Show one with its attempts.
    Show {
        /// The delivery, such as `12-345`.
        id: DeliveryId,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put some back into their lanes; each is looked for before it is sent again.
    Retry {
        /// The deliveries, such as `12-345`.
        #[arg(required = true)]
        ids: Vec<DeliveryId>,
        /// Who does it.
        #[arg(long)]
        by: String,
    },
    /// Settle one for good.
    Resolve(Resolve),
}

/// Which exceptions to list.
#[derive(Debug, Args)]
pub struct Ls {
    /// Only of this store.
    #[arg(long)]
    store: Option<StoreId>,
    /// Only towards this target.
    #[arg(long)]
    target: Option<TargetId>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How one is settled.
#[derive(Debug, Args)]
pub struct Resolve {
    /// The delivery, such as `12-345`.
    id: DeliveryId,
    /// What it means for the target.
    #[arg(long = "as", value_enum)]
    kind: Kind,
    /// Why, in your words.
    #[arg(long)]
    note: String,
    /// Who decides it.
    #[arg(long)]
    by: String,
    /// The document in the target, if it was entered by hand.
    #[arg(long)]
    reference: Option<String>,
}

/// The words of `--as`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// It was entered in the target by hand.
    PostedByHand,
    /// It is not to be posted.
    NotToBePosted,
    /// The second event of a conflict repeats the first.
    Duplicate,
    /// The second event of a conflict is a sale of its own: it is posted now.
    SecondSale,
}

impl From<Kind> for ResolutionKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::PostedByHand => Self::PostedByHand,
            Kind::NotToBePosted => Self::NotToBePosted,
            Kind::Duplicate => Self::Duplicate,
            Kind::SecondSale => Self::SecondSale,
        }
    }
}

/// The list as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    exceptions: Vec<Case>,
    at_risk: Vec<Money>,
}

/// Runs the command.
///
/// # Errors
/// The store refused or failed, or `out` cannot be written.
pub async fn run(
    command: &Exceptions,
    store: &dyn Store,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    match command {
        Exceptions::Ls(ls) => list(ls, store, now, out).await,
        Exceptions::Show { id, json } => show(*id, *json, store, now, out).await,
        Exceptions::Retry { ids, by } => {
            for id in ids {
                store.retry(*id, by, now).await.with_context(|| {
                    format!("retry delivery {id} (next: `exceptions show {id}` says what it is)")
                })?;
                writeln!(out, "{id} is back in its lane")?;
            }
            Ok(())
        }
        Exceptions::Resolve(resolve) => settle(resolve, store, now, out).await,
    }
}

async fn list(
    ls: &Ls,
    store: &dyn Store,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let mut filter = DeliveryFilter {
        open_exceptions: true,
        store: ls.store.clone(),
        target: ls.target.clone(),
        count_max: PAGE,
        ..DeliveryFilter::default()
    };
    let mut found = Vec::new();
    loop {
        let page = store.deliveries(&filter).await.context("list exceptions")?;
        filter.after = page.last().map(|delivery| delivery.id);
        let is_last = page.len() < PAGE;
        found.extend(page);
        if is_last {
            break;
        }
    }
    let at_risk = at_risk(&found);
    let exceptions: Vec<_> = found.iter().filter_map(|view| Case::of(view, now)).collect();
    if ls.json {
        let listing = Listing { exceptions, at_risk };
        writeln!(out, "{}", serde_json::to_string_pretty(&listing).context("write JSON")?)?;
        return Ok(());
    }
    if exceptions.is_empty() {
        writeln!(out, "Nothing needs a person.")?;
        return Ok(());
    }
    for row in &exceptions {
        print_row(row, out)?;
    }
    let sums: Vec<_> = at_risk.iter().map(ToString::to_string).collect();
    let sums = if sums.is_empty() { "no amount".to_owned() } else { sums.join(", ") };
    writeln!(out, "{} exceptions, at risk: {sums}", exceptions.len())?;
    writeln!(out, "Next: `exceptions show ID`")?;
    Ok(())
}

fn print_row(row: &Case, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let amount = row.amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string());
    writeln!(
        out,
        "{:<10} {} {:<16} {:>6} {:>14}  store {} -> {}\n           {}",
        row.id.to_string(),
        row.code,
        row.class.as_str(),
        age(row.age_seconds),
        amount,
        row.store,
        row.target,
        row.reason
    )?;
    Ok(())
}

/// An age in its largest whole unit.
fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} m", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

async fn show(
    id: DeliveryId,
    json: bool,
    store: &dyn Store,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let found = store.delivery(id).await.with_context(|| format!("show delivery {id}"))?;
    let Some(view) = found else {
        bail!("show delivery {id}: there is none (next: `exceptions ls` names those there are)");
    };
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&view).context("write JSON")?)?;
        return Ok(());
    }
    writeln!(out, "{id}: {} of {} at {}", view.action, view.natural_key, view.lane.target)?;
    writeln!(out, "  store    {}", view.lane.store)?;
    writeln!(out, "  event    {}", view.event_id)?;
    if let Some(amount) = view.amount {
        writeln!(out, "  amount   {amount}")?;
    }
    match Case::of(&view, now) {
        None => writeln!(out, "  state    {}", serde_json::to_string(&view.state)?)?,
        Some(row) => {
            writeln!(out, "  class    {} ({})", row.class.as_str(), row.code)?;
            writeln!(out, "  since    {} ({})", row.since, age(row.age_seconds))?;
            writeln!(out, "  reason   {}", row.reason)?;
            writeln!(out, "  next     {} (docs/errors/{}.md)", row.next, row.code)?;
        }
    }
    writeln!(out, "  attempts {}", view.attempts)?;
    for attempt in &view.history {
        let said = attempt.said.as_deref().unwrap_or("no outcome recorded");
        writeln!(out, "    {}  {said}", attempt.at)?;
    }
    Ok(())
}

async fn settle(
    resolve: &Resolve,
    store: &dyn Store,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let id = resolve.id;
    for (what, text) in [("--note", &resolve.note), ("--by", &resolve.by)] {
        if text.trim().is_empty() {
            bail!("settle delivery {id}: {what} is empty (next: say it, it stays on record)");
        }
    }
    let resolution = Resolution {
        kind: resolve.kind.into(),
        by: resolve.by.clone(),
        note: resolve.note.clone(),
        reference: resolve.reference.clone(),
        at: now,
    };
    store.resolve(id, resolution).await.with_context(|| {
        format!("settle delivery {id} (next: `exceptions show {id}` says how it stands)")
    })?;
    writeln!(out, "{id} is settled")?;
    Ok(())
}
