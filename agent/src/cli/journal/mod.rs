//! `journal`: what is journaled, entry by entry and in figures, and whether the chain over it holds.
//!
//! What stands in this file changes nothing. While the agent runs it is asked; the file is opened
//! only when none does. `keys` wraps the journal's key anew and makes a recovery key; `recover` reads
//! a dead host's disk.

mod keys;
mod recover;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use protocol::problem::Code;

use super::source::Source;
use super::{CommandError, Exit, Place};
use crate::local_api::{JournalStatus, Stage};
use crate::lookup::{self, PAGE_ENTRIES_MAX, Page, Reference, Verified, Which};
use crate::run::verify_journal;

/// What is to be done with the journal.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the newest entries.
    Ls(Ls),
    /// Show one entry with its record.
    Show {
        /// The entry's number, or the event's id.
        entry: Reference,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print every entry with its record, oldest first, one JSON document a line.
    Export {
        /// Write to this file in place of standard output; it must not be there yet.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Read on from where an earlier export ended.
        #[arg(long, value_name = "EPOCH.SEQUENCE")]
        after: Option<lookup::Place>,
    },
    /// Show the journal in figures: entries, bytes, room, and what is missing.
    Stats {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Recompute the hash chain over every entry.
    Verify {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Wrap the journal's key anew: by another tier, or by a new wrapping key. The agent must not
    /// run; the journal itself is not written to.
    Rewrap(keys::Rewrap),
    /// Make the pair of a recovery key, on a machine that is no store's host.
    RecoveryKey(keys::RecoveryKey),
    /// Read a dead host's disk with the private half of the recovery key.
    Recover(recover::Recover),
}

/// Which entries to list.
#[derive(Debug, clap::Args)]
pub(super) struct Ls {
    /// Only some of them.
    #[arg(long, value_enum, default_value_t = Which::All)]
    which: Which,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = count)]
    count: usize,
    /// Read on from where an earlier list ended.
    #[arg(long, value_name = "EPOCH.SEQUENCE")]
    before: Option<lookup::Place>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=PAGE_ENTRIES_MAX) => Ok(count),
        Ok(_) | Err(_) => Err(format!("a number from 1 to {PAGE_ENTRIES_MAX}")),
    }
}

/// Runs the command.
pub(super) async fn run(
    place: &Place,
    command: &Command,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    match command {
        Command::Ls(ls) => {
            let page = source(place).await?.page(ls.which, ls.before, ls.count).await?;
            list(&page, ls.json, out)?;
            Ok(Exit::Done)
        }
        Command::Show { entry, json } => {
            let entry = source(place).await?.entry(*entry).await?;
            match json {
                true => writeln!(out, "{}", serde_json::to_string(&entry).expect("plain data"))?,
                false => {
                    writeln!(out, "{:#}", serde_json::to_value(&entry).expect("plain data"))?;
                }
            }
            Ok(Exit::Done)
        }
        Command::Export { out: file, after } => {
            export(&source(place).await?, file.as_deref(), *after, out).await
        }
        Command::Stats { json } => {
            figures(&source(place).await?.figures().await?, *json, out)?;
            Ok(Exit::Done)
        }
        Command::Verify { json } => match source(place).await {
            Err(error) if is_untrusted(&error) => verify_closed(place, *json, out),
            source => verify(&source?, *json, out).await,
        },
        Command::Rewrap(rewrap) => keys::rewrap(place, rewrap, out).await,
        Command::RecoveryKey(pair) => keys::make_pair(place, pair, out),
        Command::Recover(order) => recover::run(place, order, out).await,
    }
}

/// The journal of this host.
async fn source(place: &Place) -> Result<Source, CommandError> {
    Source::find(place, &place.config()?).await
}

fn list(page: &Page, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        return writeln!(out, "{}", serde_json::to_string(page).expect("plain data"));
    }
    for event in &page.entries {
        let state = match (event.conflict_of, event.state) {
            (Some(_), _) => "conflict",
            (None, Stage::Journaled) => "journaled",
            (None, Stage::Relayed) => "relayed",
        };
        let (sequence, at, key) = (event.sequence, event.journaled_at, &event.natural_key);
        writeln!(out, "{sequence:>10}  {at:<30}  {state:<9}  {key}")?;
    }
    if let Some(next) = page.next {
        writeln!(out, "more: --before {next}")?;
    }
    Ok(())
}

async fn export(
    source: &Source,
    file: Option<&Path>,
    after: Option<lookup::Place>,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let mut made = file.map(File::create_new).transpose()?;
    let bar = bar();
    bar.set_length(source.figures().await?.entries);
    let mut next = after;
    loop {
        let page = source.export(next).await?;
        for entry in &page.entries {
            let line = serde_json::to_string(entry).expect("plain data");
            match &mut made {
                Some(file) => writeln!(file, "{line}")?,
                None => writeln!(out, "{line}")?,
            }
        }
        bar.inc(u64::try_from(page.entries.len()).unwrap_or(u64::MAX));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    if let Some(file) = made {
        file.sync_all()?;
    }
    Ok(Exit::Done)
}

fn figures(found: &JournalStatus, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        return writeln!(out, "{}", serde_json::to_string(found).expect("plain data"));
    }
    const MIB: u64 = 1024 * 1024;
    let JournalStatus { entries, unsent, epoch, head, acknowledged, .. } = found;
    writeln!(out, "entries   {entries}, {unsent} of them not relayed")?;
    writeln!(out, "epoch     {epoch}: head {head}, relayed up to {acknowledged}")?;
    writeln!(out, "on disk   {} MiB, room for {} MiB", found.bytes / MIB, found.room_bytes / MIB)?;
    if let Some(days) = found.room_days {
        writeln!(out, "room      sales of {days} days")?;
    }
    for incident in &found.incidents {
        writeln!(out, "incident  {incident}")?;
    }
    Ok(())
}

async fn verify(
    source: &Source,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let bar = bar();
    let found = source
        .verify(&mut |entries, total| {
            bar.set_length(total);
            bar.set_position(entries);
        })
        .await;
    bar.finish_and_clear();
    report(&found?, source.in_words(), json, out)
}

/// Whether the journal is there, and is refused because of what stands in it.
fn is_untrusted(error: &CommandError) -> bool {
    [Code::JournalBehind, Code::JournalDamaged]
        .iter()
        .any(|code| error.problem.code == code.number())
}

/// Verifies a journal that is not opened, because it has lost something.
fn verify_closed(
    place: &Place,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let (bar, config) = (bar(), place.config()?);
    let found = verify_journal(&place.host, &config, &mut |step| {
        bar.set_length(step.entries_total);
        bar.set_position(step.entries);
    });
    bar.finish_and_clear();
    report(&found.map_err(CommandError::refused)?.into(), "the file; no agent runs", json, out)
}

fn report(
    found: &Verified,
    source: &str,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    match json {
        true => writeln!(out, "{}", serde_json::to_string(found).expect("plain data"))?,
        false => say(found, source, out)?,
    }
    Ok(if found.fault.is_some() { Exit::Found } else { Exit::Done })
}

fn say(found: &Verified, source: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let Verified { entries, records, missing, fault } = found;
    if let Some(missing) = missing {
        writeln!(
            out,
            "{missing} entries are known to be missing; `storekeep-agent status` names them"
        )?;
    }
    match fault {
        None => writeln!(
            out,
            "the chain holds: {entries} entries, {records} of them with their content (asked: {source})"
        ),
        Some(wrong) => {
            let (sequence, epoch, what) = (wrong.sequence, wrong.epoch, &wrong.what);
            writeln!(
                out,
                "entry {sequence} {what} (epoch {epoch}; {entries} entries before hold)"
            )?;
            writeln!(out, "next: keep the file as it is and read docs/errors/SK0043.md")
        }
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {human_pos}/{human_len} entries, {eta} left";
    let style = ProgressStyle::with_template(template).expect("the template is fixed");
    ProgressBar::new(0).with_style(style)
}
