//! One life of a subject: started, listened to, and left without power at the planned moment.
//!
//! Does not judge what it said.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::disk::Disk;
use super::plan::{Cut, Subject};
use super::report::Said;
use super::{journal, relay};

/// How long a subject may be silent before its planned cut: far beyond what a busy host takes.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// This program, also after a build has put another one in its place.
const ITSELF: &str = "/proc/self/exe";

/// Lines that wait for the rig; then the subject waits, as on a full pipe.
const LINES_MAX: usize = 1_024;

/// How a subject is started.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Birth {
    /// What it is.
    #[arg(long)]
    pub(crate) subject: Subject,
    /// Where its files are.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// How many lives were before this one; its clock goes by it.
    #[arg(long)]
    pub(crate) life: u32,
    /// The first receipt that it hands over.
    #[arg(long)]
    pub(crate) from: u64,
}

/// Lives until the power goes.
pub(crate) fn live(birth: &Birth) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .context("start the subject's threads")?;
    let lived = match birth.subject {
        Subject::Journal | Subject::JournalUnsynced => runtime.block_on(journal::live(birth)),
        Subject::Relay | Subject::RelayHasty => runtime.block_on(relay::live(birth)),
    };
    lived.or_else(|error| {
        Said::Failed { reason: format!("{error:#}") }.say().context("tell why it failed")
    })
}

/// Starts a subject on a disk and cuts the power; what it was heard to say until then.
///
/// What it says later is not counted: nobody can have heard it from a host without power. The
/// program runs on beside its dead disk, and the kernel may answer a sync that was under way with
/// success although nothing of it reached the disk (decision 0008).
pub(crate) fn cut(disk: &Disk, birth: &Birth, cut: &Cut) -> Result<Vec<Said>> {
    let mut subject = Started::new(birth)?;
    let lines = subject.listen()?;
    let mut said = Vec::new();
    let mut acknowledgements = 0;
    while acknowledgements < cut.after {
        match lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => {
                acknowledgements += usize::from(line.is_acknowledgement());
                said.push(line);
            }
            Err(_) => bail!("it ended or fell silent before its cut: {:?}", said.last()),
        }
    }
    #[expect(clippy::disallowed_methods, reason = "the moment of the cut is a moment")]
    let now = Instant::now;
    let moment = now() + cut.later;
    while let Some(left) = moment.checked_duration_since(now()) {
        match lines.recv_timeout(left) {
            Ok(line) => said.push(line),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => {
                bail!("it ended before its cut: {:?}", said.last())
            }
        }
    }
    let failed = said.iter().find(|line| matches!(line, Said::Failed { .. }));
    if let Some(Said::Failed { reason }) = failed {
        bail!("it failed before its cut: {reason}");
    }
    disk.cut_power()?;
    subject.end()?;
    disk.restore_power()?;
    Ok(said)
}

/// A subject that runs. Dropping it ends it.
struct Started(Child);

impl Started {
    fn new(birth: &Birth) -> Result<Self> {
        let name = birth.subject.to_possible_value().context("name a subject")?;
        let mut command = Command::new(ITSELF);
        command.args(["subject", "--subject", name.get_name(), "--folder"]).arg(&birth.folder);
        command.args(["--life", &birth.life.to_string(), "--from", &birth.from.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Self(command.spawn().context("start the subject")?))
    }

    /// Reads what it says on a thread of its own, so that waiting for it can have a bound.
    fn listen(&mut self) -> Result<Receiver<Said>> {
        let output = self.0.stdout.take().context("listen to the subject")?;
        let (sender, receiver) = sync_channel(LINES_MAX);
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let said = line.context("read a line").and_then(|line| {
                    serde_json::from_str(&line).with_context(|| format!("understand `{line}`"))
                });
                let said =
                    said.unwrap_or_else(|error| Said::Failed { reason: format!("{error:#}") });
                if sender.send(said).is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    fn end(&mut self) -> Result<()> {
        self.0.kill().context("end the subject")?;
        self.0.wait().context("wait for the subject's end").map(drop)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell.
        drop(self.end());
    }
}
