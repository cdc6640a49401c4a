//! The run loop of a folder: looks, takes, moves, and says how it stands.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use globset::GlobMatcher;
use notify::Watcher;
use protocol::problem::{Code, Problem};
use tokio::sync::{Notify, watch};

use super::aside;
use super::config::FolderConfig;
use super::decoder::Decoder;
use super::lease::Lease;
use super::ready::{self, Ready};
use super::take::{self, Report, Taken};
use crate::inputs::registry::SettingsError;
use crate::inputs::{Around, Input};

/// Files taken in one round before the folder is looked at anew: what came in between is seen,
/// and a stop is heard.
const ROUND_FILES_MAX: usize = 100;

/// An input that reads a folder.
pub struct Folder {
    config: FolderConfig,
    decoder: Arc<dyn Decoder>,
}

impl Folder {
    /// A folder whose files are read by this decoder.
    ///
    /// # Errors
    /// The pattern for names cannot be read.
    pub fn new(config: FolderConfig, decoder: Arc<dyn Decoder>) -> Result<Self, SettingsError> {
        match pattern(&config.files) {
            Ok(_) => Ok(Self { config, decoder }),
            Err(error) => Err(SettingsError {
                key: Some("files".to_owned()),
                reason: format!("`{}` is no pattern for names: {}", config.files, error.kind()),
                next: "write it with `*` and `?`, such as `*.xml`".to_owned(),
            }),
        }
    }
}

#[async_trait]
impl Input for Folder {
    fn decoder(&self) -> Option<&Arc<dyn Decoder>> {
        Some(&self.decoder)
    }

    async fn run(self: Box<Self>, around: Around, stop: watch::Receiver<bool>) {
        Reading { config: self.config, decoder: self.decoder, around }.run(stop).await;
    }
}

/// A folder that is being read.
pub(super) struct Reading {
    pub(super) config: FolderConfig,
    pub(super) decoder: Arc<dyn Decoder>,
    pub(super) around: Around,
}

/// What a folder needs between two rounds.
pub(super) struct Progress {
    fits: GlobMatcher,
    ready: Ready,
    pub(super) lease: Lease,
}

impl Reading {
    /// Runs until it is told to stop. A file under way is left where it is and read again.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let poll = Duration::from_secs(u64::from(self.config.poll_seconds.get()));
        let mut progress = self.begin();
        let woken = Arc::new(Notify::new());
        let mut watcher = self.watcher(&woken);
        loop {
            let more = tokio::select! {
                more = self.round(&mut progress, now()) => more,
                () = is_set(&mut stop) => break,
            };
            if watcher.is_none() {
                watcher = self.watcher(&woken);
            }
            if more {
                continue;
            }
            let wait = progress.ready.next_in(now()).map_or(poll, |next| next.min(poll));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = woken.notified() => {}
                () = is_set(&mut stop) => break,
            }
        }
        drop(watcher);
        if let Err(error) = progress.lease.give_back() {
            tracing::warn!(input = %self.around.name, %error, "the folder's lease was not given back");
        }
    }

    pub(super) fn begin(&self) -> Progress {
        let settle = Duration::from_secs(u64::from(self.config.settle_seconds.get()));
        Progress {
            fits: fits(&self.config.files),
            ready: Ready::new(settle),
            lease: Lease::new(
                &self.config.folder,
                self.around.holder.clone(),
                self.around.host.clone(),
            ),
        }
    }

    /// One look at the folder, at `now` by the monotonic clock; returns whether more waits.
    pub(super) async fn round(&self, progress: &mut Progress, now: Instant) -> bool {
        match self.try_round(progress, now).await {
            Ok(more) => {
                self.around.board.well(&self.around.name);
                more
            }
            Err(problem) => {
                if self.around.board.trouble(&self.around.name, &problem) {
                    tracing::warn!(input = %self.around.name, "{}", problem.detail);
                }
                false
            }
        }
    }

    async fn try_round(&self, progress: &mut Progress, now: Instant) -> Result<bool, Problem> {
        let folder = &self.config.folder;
        let unreachable = |error: io::Error| unreachable(folder, &error);
        let held = progress.lease.take(now, self.around.seams.now()).map_err(unreachable)?;
        if let Some(host) = held {
            let detail = format!("`{}` is read by the agent on {host}", folder.display());
            let next = "remove this input from one of the two agents' configurations";
            return Err(Problem::new(Code::SourceTaken, detail).next(next));
        }
        self.sweep().await?;
        let fits = |name: &str| progress.fits.is_match(name);
        let listing = ready::list(folder, fits).map_err(unreachable)?;
        let complete = progress.ready.look(listing, now);
        self.count(progress.ready.len())?;
        let more = complete.len() > ROUND_FILES_MAX;
        for file in complete.iter().take(ROUND_FILES_MAX) {
            self.file(file, progress, now).await?;
        }
        self.count(progress.ready.len().saturating_sub(complete.len()))?;
        Ok(more)
    }

    /// Says how much waits.
    fn count(&self, waiting: usize) -> Result<(), Problem> {
        let folder = &self.config.folder;
        let rejected = aside::rejected_files(folder);
        let rejected = rejected.map_err(|error| unreachable(folder, &error))?;
        self.around.board.waiting(&self.around.name, waiting, rejected);
        Ok(())
    }

    /// Takes one file and moves it.
    async fn file(
        &self,
        file: &Path,
        progress: &mut Progress,
        now: Instant,
    ) -> Result<(), Problem> {
        let report = match take::take(file, &self.decoder, &self.around.intake).await {
            Ok(Taken::Read(report)) => report,
            Ok(Taken::Unfinished) => {
                progress.ready.unsettle(file, now);
                return Ok(());
            }
            Ok(Taken::NotNow(problem)) => return Err(problem),
            Err(error) => return Err(unreachable(file, &error)),
        };
        self.tell(file, &report);
        let folder = &self.config.folder;
        let moved = match report.is_whole() {
            true => aside::to_done(folder, file, self.today()),
            false => aside::to_rejected(folder, &self.around.name, file, &report),
        };
        moved.map_err(|error| unreachable(file, &error))
    }

    /// Reads the files under `done/` again when the journal has begun a new epoch, because what
    /// was journaled before may be gone with an older disk. What is there still is a replay.
    async fn sweep(&self) -> Result<(), Problem> {
        let note = format!("inputs/{}/swept", self.around.name);
        let unreadable = |error: &dyn std::fmt::Display| {
            Problem::new(Code::NotCommitted, format!("the journal does not answer: {error}"))
        };
        let epoch = self.around.journal.identity().epoch.to_string();
        let swept = self.around.journal.note(&note).await.map_err(|error| unreadable(&error))?;
        if swept.as_deref() == Some(epoch.as_bytes()) {
            return Ok(());
        }
        if swept.is_some() {
            let folder = &self.config.folder;
            let files = aside::done_files(folder).map_err(|error| unreachable(folder, &error))?;
            tracing::info!(
                input = %self.around.name, files = files.len(),
                "a new epoch has begun: files that were read before are read again"
            );
            for file in files {
                match take::take(&file, &self.decoder, &self.around.intake).await {
                    Ok(Taken::Read(report)) => self.tell(&file, &report),
                    Ok(Taken::Unfinished) => {}
                    Ok(Taken::NotNow(problem)) => return Err(problem),
                    Err(error) => return Err(unreachable(&file, &error)),
                }
            }
        }
        let kept = self.around.journal.put_note(&note, epoch.as_bytes()).await;
        kept.map_err(|error| unreadable(&error))
    }

    fn tell(&self, file: &Path, report: &Report) {
        self.around.board.took(&self.around.name, &report.counts, self.around.seams.now());
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let counts = &report.counts;
        let input = &self.around.name;
        if report.is_whole() {
            tracing::debug!(%input, file = %name, ?counts, "a file is taken");
        } else {
            tracing::error!(
                %input, file = %name, ?counts,
                "a file is rejected; `rejected` in the input's folder says why"
            );
        }
    }

    fn today(&self) -> jiff::civil::Date {
        self.around.seams.now().to_zoned(jiff::tz::TimeZone::system()).date()
    }

    /// Wakes the loop at each change; none where the system announces none, such as at a share.
    fn watcher(&self, woken: &Arc<Notify>) -> Option<notify::RecommendedWatcher> {
        let woken = Arc::clone(woken);
        let wake = move |_| woken.notify_one();
        let watcher = notify::recommended_watcher(wake).and_then(|mut watcher| {
            watcher.watch(&self.config.folder, notify::RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        match watcher {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::debug!(input = %self.around.name, %error, "the folder is polled only");
                None
            }
        }
    }
}

fn fits(names: &str) -> GlobMatcher {
    pattern(names).expect("the pattern was read when the input was built").compile_matcher()
}

fn pattern(names: &str) -> Result<globset::Glob, globset::Error> {
    globset::GlobBuilder::new(names).case_insensitive(true).build()
}

fn unreachable(path: &Path, error: &io::Error) -> Problem {
    let detail = format!("`{}` cannot be read or changed: {error}", path.display());
    Problem::new(Code::SourceUnreachable, detail).next(
        "see whether it exists and whether the agent's user may read and write there; the agent \
         tries again by itself",
    )
}

async fn is_set(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the agent ended without saying so");
    }
}

#[expect(clippy::disallowed_methods, reason = "the run loop of an input")]
fn now() -> Instant {
    Instant::now()
}
