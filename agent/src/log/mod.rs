//! Log files: one a day, a bounded number of them, written off the threads that work.
//!
//! On a terminal the same entries go to standard error. When the disk is slower than the log, its
//! entries are dropped and counted, never a sale. Does not log anything itself.

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::Context;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogLevel};
use crate::files;

/// Entries that wait for the disk: some seconds of the busiest log, 4 MiB at most.
const LINES_WAITING_MAX: usize = 16_384;

/// Writes the log for as long as the guard lives.
///
/// # Errors
/// The folder cannot be made or written, or something else logs already.
pub fn start(config: &LogConfig, folder: &Path) -> anyhow::Result<WorkerGuard> {
    let (writer, guard) = writer(config, folder)?;
    let to_file = fmt::layer().with_writer(writer).with_ansi(false).with_filter(filter(config));
    let to_terminal = io::stderr()
        .is_terminal()
        .then(|| fmt::layer().with_writer(io::stderr).with_filter(filter(config)));
    tracing_subscriber::registry()
        .with(to_file)
        .with(to_terminal)
        .try_init()
        .context("start the log")?;
    Ok(guard)
}

fn writer(config: &LogConfig, folder: &Path) -> anyhow::Result<(NonBlocking, WorkerGuard)> {
    files::make_private_folder(folder)
        .with_context(|| format!("make the log folder `{}`", folder.display()))?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("agent")
        .filename_suffix("log")
        .max_log_files(usize::from(config.files_max.get()))
        .build(folder)
        .with_context(|| format!("write log files in `{}`", folder.display()))?;
    let writer = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .lossy(true)
        .thread_name("log-writer");
    Ok(writer.finish(appender))
}

/// What the agent itself says by the configured level; of the libraries, what is wrong.
fn filter(config: &LogConfig) -> Targets {
    let level = match config.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let own = ["agent", "journal", "protocol", "storekeep_agent"].map(|name| (name, level));
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_targets(own)
}
