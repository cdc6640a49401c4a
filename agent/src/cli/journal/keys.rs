//! `journal rewrap` and `journal recovery-key`: what keeps the journal's key.
//!
//! Neither changes the journal nor its key. No secret is printed.

use std::io::Write;
use std::path::{Path, PathBuf};

use journal::key::Tier;
use journal::key::recovery::RecoveryKey as Pair;
use journal::key::rewrap::Begun;
use protocol::problem::{Code, Problem};
use serde::Serialize;

use super::super::local::LocalError;
use super::super::source::running;
use super::{CommandError, Exit, Place};
use crate::files;
use crate::run::{KeyStatus, is_there, keeper, key_problem, recovery_target};

/// Which tier.
#[derive(Debug, clap::Args)]
pub(crate) struct Rewrap {
    /// The tier: pkcs11, credential, dpapi or file [default: that of the configuration, or the
    /// first that this host has].
    #[arg(long, value_name = "TIER", value_parser = tier)]
    to: Option<Tier>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Where the two halves go.
#[derive(Debug, clap::Args)]
pub(crate) struct RecoveryKey {
    /// The file for the private half; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    private: PathBuf,
    /// The file for the public half, which the stores' hosts get; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
}

fn tier(text: &str) -> Result<Tier, String> {
    let found = Tier::ALL.into_iter().find(|tier| tier.as_str() == text);
    found.ok_or_else(|| Tier::ALL.map(Tier::as_str).join(", "))
}

/// Both sides of a rewrapping.
#[derive(Debug, Serialize)]
struct Rewrapped {
    before: KeyStatus,
    now: KeyStatus,
}

/// Wraps the key anew.
pub(super) async fn rewrap(
    place: &Place,
    args: &Rewrap,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let config = place.config()?;
    match running(place, &config).await {
        Ok(_) => {
            let detail = "wrap the journal's key anew: the agent has the journal open";
            let next = "stop the agent outside of opening hours, and run the command again";
            return Err(CommandError::new(Exit::Refused, Code::JournalInUse, detail, next));
        }
        Err(LocalError::NotRunning) => {}
        Err(LocalError::Failed(error)) => return Err(error),
    }
    let keeper = keeper(&config.journal_key, &place.host);
    is_there(&keeper.journal).map_err(CommandError::refused)?;
    let target = recovery_target(&config.journal_key).map_err(CommandError::refused)?;
    let failed = |error| CommandError::refused(key_problem(&error));
    let begun = Begun::hold(&keeper).map_err(failed)?;
    let before = begun.kept().clone();
    let written = begun.write(args.to, target.as_ref(), &*place.seams.random).map_err(failed)?;
    let now = written.prove().and_then(|proven| proven.put()).map_err(failed)?;
    let rewrapped = Rewrapped { before: KeyStatus::of(&before), now: KeyStatus::of(&now) };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&rewrapped).expect("plain data"))?;
        return Ok(Exit::Done);
    }
    writeln!(out, "the journal's key was wrapped anew, and opens the journal")?;
    writeln!(out, "  before    {}", rewrapped.before)?;
    writeln!(out, "  now       {}", rewrapped.now)?;
    if let Some(former) = before.place {
        writeln!(out, "next: once the agent runs again, {former} is needed by older backups only")?;
    }
    Ok(Exit::Done)
}

/// Makes the pair of a recovery key.
pub(super) fn make_pair(
    place: &Place,
    args: &RecoveryKey,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    for file in [&args.private, &args.public] {
        if file.exists() {
            let detail = format!("make a recovery key: `{}` is there already", file.display());
            let next = "name files that are not there yet; a recovery key is never overwritten";
            return Err(CommandError::new(Exit::Refused, Code::RecoveryKey, detail, next));
        }
    }
    let private = Pair::draw(&*place.seams.random).map_err(|_| {
        let detail = "draw a recovery key: the operating system gave no random bytes";
        CommandError::refused(Problem::new(Code::Internal, detail).next("run the command again"))
    })?;
    let pair = Pair::read(&private).expect("it was just made");
    write(&args.private, &private)?;
    write(&args.public, &pair.public())?;
    let (kept, given) = (args.private.display(), args.public.display());
    writeln!(out, "the private half stands in {kept}: keep it offline, never on a store's host")?;
    writeln!(out, "the public half stands in {given}: give it to the stores' hosts, with")?;
    writeln!(out, "\n[journal_key]")?;
    writeln!(out, "recovery_key_file = \"/etc/storekeep/recovery.pub\"")?;
    writeln!(out, "recovery_signer = \"{}\"", pair.signer())?;
    Ok(Exit::Done)
}

fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    files::write_private(file, text.as_bytes()).map_err(|error| {
        let detail = format!("write `{}`: {error}", file.display());
        let next = "name a folder that is there and can be written";
        CommandError::new(Exit::Refused, Code::RecoveryKey, detail, next)
    })
}
