//! `journal recover`: a dead host's disk, read with the private half of the recovery key.
//!
//! Does not decide what is done with what is found.

use std::io::Write;
use std::path::PathBuf;

use super::{CommandError, Exit, Place, bar};
use crate::recovery::{self, Order, Report};

/// What to read, with what, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Recover {
    /// The private half of the recovery key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The data folder of the dead host, or a copy of it; or the journal's file in it.
    #[arg(long, value_name = "FOLDER")]
    journal: PathBuf,
    /// The key file [default: journal.key beside the journal].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The folder for what is found; it must not be there yet. It needs twice the journal's room.
    #[arg(long, value_name = "FOLDER")]
    export: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Recovers.
pub(super) async fn run(
    place: &Place,
    args: &Recover,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let order = Order {
        private_key: args.key.clone(),
        journal: args.journal.clone(),
        key_file: args.key_file.clone(),
        export: args.export.clone(),
    };
    let bar = bar();
    let mut progress = |entries, total| {
        bar.set_length(total);
        bar.set_position(entries);
    };
    let found = recovery::recover(&order, &place.seams, &mut progress).await;
    bar.finish_and_clear();
    let report = found.map_err(CommandError::refused)?;
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string(&report).expect("plain data"))?,
        false => say(&report, args, out)?,
    }
    Ok(if report.is_whole() { Exit::Done } else { Exit::Found })
}

fn say(report: &Report, args: &Recover, out: &mut dyn Write) -> std::io::Result<()> {
    let folder = args.export.display();
    writeln!(
        out,
        "{} entries were read, {} of them with their content: {folder}/entries.ndjson",
        report.entries, report.records
    )?;
    match report.unsent.as_slice() {
        [] => writeln!(out, "the relay had acknowledged all of them")?,
        unsent => {
            writeln!(out, "the relay had not acknowledged:")?;
            for range in unsent {
                writeln!(out, "  {range}")?;
            }
        }
    }
    if report.salvaged {
        writeln!(
            out,
            "the journal was damaged: what could be read was salvaged, and what was not relayed \
             stands under a new epoch"
        )?;
    }
    for incident in &report.incidents {
        writeln!(out, "incident  {incident}")?;
    }
    match &report.verified.fault {
        None => writeln!(out, "the chain holds over what was read")?,
        Some(wrong) => writeln!(
            out,
            "entry {} of epoch {} {}: it and what follows may have been changed",
            wrong.sequence, wrong.epoch, wrong.what
        )?,
    }
    let next = match report.unsent.is_empty() {
        true => "nothing is lost with this disk; enrol its successor as a new device",
        false => "hand in what was not acknowledged at the successor host; docs/handbook/keys.md",
    };
    writeln!(out, "next: {next}")
}
