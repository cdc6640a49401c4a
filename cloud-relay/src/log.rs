//! Where the relay's log goes: daily files as JSON, so many at most, and the terminal.
//!
//! The way to the files is bounded: when the disk is slower than the log, lines are dropped and
//! counted by the library rather than letting a request wait. Only the program starts a log, the
//! library never does.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogConfig;
use crate::files;

/// Lines that wait for the disk at most: some 4 MiB.
const LINES_MAX: usize = 16_384;

/// Starts the log; it is written until the guard is dropped.
///
/// # Errors
/// The folder cannot be made or written, or the process has a log already.
pub(crate) fn start(config: &LogConfig, directory: &Path) -> anyhow::Result<WorkerGuard> {
    files::make_private_folder(directory)
        .with_context(|| format!("make the log folder `{}`", directory.display()))?;
    let file = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("relay")
        .filename_suffix("log")
        .max_log_files(usize::from(config.files_max.get()))
        .build(directory)
        .with_context(|| format!("open a log file in `{}`", directory.display()))?;
    let (file, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(LINES_MAX).lossy(true).finish(file);
    let level = config.level.as_str();
    // Libraries are asked for warnings only: at `debug` they would log what they send.
    let filter = EnvFilter::new(format!("warn,cloud_relay={level},storekeep_relay={level}"));
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::registry()
        .with(filter)
        .with(tracing_subscriber::fmt::layer().json().with_writer(file))
        .with(tracing_subscriber::fmt::layer().with_ansi(is_terminal).with_writer(std::io::stderr))
        .try_init()
        .context("start the log")?;
    Ok(guard)
}
