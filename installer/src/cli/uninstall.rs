//! `uninstall`: takes the agent off a host.
//!
//! Configuration, journal and logs stay unless `--remove-data` says otherwise, and even then a
//! journal with entries that the relay lacks goes only with their very number.

use std::path::Path;

use super::console::agrees;
use super::open::{open, unseen};
use super::{Cli, Console, Said, say_json};
use crate::engine::{Seams, carry_out};
use crate::plan::{self, Operation};
use crate::platform::{Host, layout};
use crate::problem::{Exit, SetupError};

/// What is to go.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Leave configuration, journal and logs where they are. This is the default.
    #[arg(long, conflicts_with = "remove_data")]
    keep_data: bool,
    /// Remove configuration, journal, keys, logs and the service's user too.
    #[arg(long)]
    remove_data: bool,
    /// Remove the journal although the relay lacks entries of it: exactly so many.
    #[arg(long, value_name = "N", requires = "remove_data")]
    discard_unsynced: Option<u64>,
}

/// Uninstalls.
pub(super) fn run(
    cli: &Cli,
    args: &Args,
    console: &mut dyn Console,
    seams: &Seams,
) -> Result<Exit, SetupError> {
    let mut open = open(cli, None, console)?;
    let removal = layout::removal(args.remove_data, args.discard_unsynced);
    let found = open.host.look_at(&removal).map_err(unseen)?;
    let steps = plan::uninstall(&removal, &found);
    if args.remove_data && !steps.is_empty() {
        // Before the service is stopped; the step itself counts once more when it has stopped.
        may_be_lost(&open.host, args.discard_unsynced)?;
        let question = "Remove configuration, journal, keys and logs of this host for good?";
        if cli.asks(console) && !agrees(console, question, false) {
            return Err(SetupError::usage(
                "nothing was removed",
                "leave --remove-data out to keep the data",
            ));
        }
    }
    let operation = Operation::Uninstall;
    let report = carry_out(&open.host, &mut open.record, operation, &steps, seams)?;
    let data = open.host.real(Path::new(layout::DATA));
    let notes: Vec<_> = data
        .exists()
        .then(|| format!("the journal stays in `{}`", data.display()))
        .into_iter()
        .collect();
    match cli.json {
        true => say_json(
            console,
            &Said {
                command: "uninstall",
                recovered: open.recovered.as_ref(),
                report: &report,
                version: None,
                device: None,
                notes: &notes,
            },
        ),
        false => {
            console.say(match report.changed {
                true => "the agent is off this host",
                false => "there was nothing to take off this host",
            });
            notes.iter().for_each(|note| console.say(note));
        }
    }
    Ok(Exit::Done)
}

fn may_be_lost(host: &Host, discard: Option<u64>) -> Result<(), SetupError> {
    host.check_unsynced(discard).map_err(unseen)
}
