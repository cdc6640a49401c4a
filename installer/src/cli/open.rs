//! What every command that changes a host begins with: rights, the lock, and what an earlier run
//! left unfinished.
//!
//! Decides nothing about what is to be done.

use std::path::{Path, PathBuf};

use super::{Cli, Console};
use crate::engine::{Record, RecordError, Recovered, recover};
use crate::platform::{ActError, Host, layout};
use crate::problem::{Code, SetupError, in_full};

/// A host that is ready to be changed.
pub(super) struct Open {
    pub(super) host: Host,
    pub(super) record: Record,
    pub(super) recovered: Option<Recovered>,
}

/// Opens the host for changes. `from` is the folder with the programs; left out: where this one
/// stands.
pub(super) fn open(
    cli: &Cli,
    from: Option<&Path>,
    console: &mut dyn Console,
) -> Result<Open, SetupError> {
    let host = look(cli, from)?;
    if cli.root == Path::new("/") && !host.is_administrator {
        return Err(SetupError::refused(
            Code::Rights,
            "change this host: only the administrator may",
            "run the same command with sudo, or name a folder for an image with --root",
        ));
    }
    let mut record = Record::open(&host.root, host.real(Path::new(layout::RECORD)))
        .map_err(|error| unopened(&error))?;
    let recovered = recover(&host, &mut record)?;
    if let Some(recovered) = &recovered
        && !cli.json
    {
        let text = match recovered {
            Recovered::TakenBack { kept, .. } if kept.is_empty() => {
                "an earlier run was interrupted; it was taken back".to_owned()
            }
            Recovered::TakenBack { kept, .. } => format!(
                "an earlier run was interrupted; it was taken back but for this: {}",
                kept.join("; ")
            ),
            Recovered::Finished(_) => "an earlier run was interrupted; it is finished".to_owned(),
        };
        console.warn(&text);
    }
    Ok(Open { host, record, recovered })
}

/// The host to look at.
pub(super) fn look(cli: &Cli, from: Option<&Path>) -> Result<Host, SetupError> {
    let root = std::path::absolute(&cli.root).map_err(|error| {
        SetupError::usage(format!("find `{}`: {error}", cli.root.display()), ROOT)
    })?;
    if !root.is_dir() {
        return Err(SetupError::usage(format!("`{}` is no folder", root.display()), ROOT));
    }
    Ok(Host::at(root, programs(from)?.join("storekeep-agent")))
}

const ROOT: &str = "name a folder that is there with --root, or leave it out for this host";

/// The folder with the programs.
pub(super) fn programs(from: Option<&Path>) -> Result<PathBuf, SetupError> {
    let next = "name the folder with the unpacked programs with --from";
    match from {
        Some(from) => std::path::absolute(from).map_err(|error| {
            SetupError::usage(format!("find `{}`: {error}", from.display()), next)
        }),
        None => this_program()?
            .parent()
            .map(Path::to_owned)
            .ok_or_else(|| SetupError::usage("find the folder that this program stands in", next)),
    }
}

/// This program's file.
pub(super) fn this_program() -> Result<PathBuf, SetupError> {
    std::env::current_exe().map_err(|error| {
        let next = "run storekeep-setup from a folder on this host's own disk";
        SetupError::refused(Code::Program, format!("find this program: {error}"), next)
    })
}

fn unopened(error: &RecordError) -> SetupError {
    match error {
        RecordError::UnderWay => SetupError::refused(
            Code::UnderWay,
            in_full(error),
            "wait until it has ended, and run the command again",
        ),
        RecordError::Io { .. } | RecordError::Version(_) => SetupError::refused(
            Code::StepFailed,
            in_full(error),
            "run the version of storekeep-setup that was interrupted, as the administrator",
        ),
    }
}

/// The host could not be looked at; nothing was changed.
pub(super) fn unseen(error: ActError) -> SetupError {
    match error {
        ActError::Refused(problem) => *problem,
        error => SetupError::refused(
            Code::StepFailed,
            format!("look at the host: {}; nothing was changed", in_full(&error)),
            error.next(),
        ),
    }
}
