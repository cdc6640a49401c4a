//! `find`: where a receipt stands, by whatever part of it is at hand.
//!
//! `2/2026-11-23/000187` and an event's id are looked up; any other part is searched for in the
//! newest entries. Does not ask the relay: what it said last is in the journal.

use std::io::Write;

use protocol::id::EventId;
use serde::Serialize;

use super::Place;
use super::error::{CommandError, Exit};
use super::source::{Source, nothing};
use crate::local_api::{EventProgress, ReceiptKey, Stage};
use crate::lookup::{PAGE_ENTRIES_MAX, Which};

/// Entries that are searched for a part: some weeks of a store.
const SEARCHED_MAX: usize = 20_000;

/// Entries that are shown; more are named by more of their receipt.
const SHOWN_MAX: usize = 50;

/// What to find.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// REGISTER/DATE/NUMBER, an event's id, or any part of a receipt.
    receipt: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was found, as JSON.
#[derive(Debug, Serialize)]
struct Found<'a> {
    events: &'a [EventProgress],
}

/// Finds and shows.
pub(super) async fn run(
    place: &Place,
    args: &Args,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let config = place.config()?;
    let source = Source::find(place, &config).await?;
    let events = find(&source, &args.receipt).await?;
    if args.json {
        let found = serde_json::to_string(&Found { events: &events }).expect("plain data");
        writeln!(out, "{found}")?;
    }
    if events.is_empty() {
        let detail =
            format!("nothing with `{}` among the newest {SEARCHED_MAX} entries", args.receipt);
        return Err(nothing(&detail));
    }
    if !args.json {
        for event in &events {
            show(event, out)?;
        }
    }
    Ok(Exit::Done)
}

async fn find(source: &Source, text: &str) -> Result<Vec<EventProgress>, CommandError> {
    if let Ok(id) = text.parse().map(EventId) {
        return source.event(id).await;
    }
    if let Ok(receipt) = text.parse::<ReceiptKey>() {
        let found = source.receipt(&receipt).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    search(source, text).await
}

async fn search(source: &Source, part: &str) -> Result<Vec<EventProgress>, CommandError> {
    let mut found = Vec::new();
    let mut before = None;
    for _ in 0..SEARCHED_MAX / PAGE_ENTRIES_MAX {
        let page = source.page(Which::All, before, PAGE_ENTRIES_MAX).await?;
        let fits = page.entries.into_iter().filter(|event| event.natural_key.contains(part));
        found.extend(fits.take(SHOWN_MAX.saturating_sub(found.len())));
        before = page.next;
        if before.is_none() || found.len() >= SHOWN_MAX {
            break;
        }
    }
    Ok(found)
}

fn show(event: &EventProgress, out: &mut dyn Write) -> std::io::Result<()> {
    let EventProgress { natural_key, sequence, journaled_at, id, .. } = event;
    writeln!(out, "{natural_key}")?;
    let relayed = match event.state {
        Stage::Journaled => "not relayed yet",
        Stage::Relayed => "relayed",
    };
    writeln!(out, "  entry {sequence}, journaled {journaled_at}, {relayed}; event {id}")?;
    if let Some(first) = event.conflict_of {
        writeln!(out, "  conflict: the receipt stands with other content in event {first}")?;
    }
    for target in &event.targets {
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let reference = text(target.reference.as_ref().map(|reference| reference.as_str()));
        let detail = text(target.detail.as_ref().map(|detail| detail.as_str()));
        let (name, state, at) = (&target.target, target.state.as_str(), target.at);
        writeln!(out, "  {name:<20} {state:<10} {reference:<20} {at}  {detail}")?;
    }
    Ok(())
}
