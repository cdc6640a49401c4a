//! What reaches the file, and how many files there are.

use std::num::NonZeroU16;

use tracing::subscriber::with_default;

use super::*;

fn written(level: LogLevel, log: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig { level, ..LogConfig::default() };
    let (writer, guard) = writer(&config, folder.path()).unwrap();
    let layer = fmt::layer().with_writer(writer).with_ansi(false).with_filter(filter(&config));
    with_default(tracing_subscriber::registry().with(layer), log);
    drop(guard);
    let mut files = std::fs::read_dir(folder.path()).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one file a day");
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn the_level_chooses_what_the_agent_says_and_libraries_are_quiet() {
    let text = written(LogLevel::Info, || {
        tracing::info!(target: "agent::sync", "a session is open");
        tracing::debug!(target: "agent::sync", "each step");
        tracing::info!(target: "hyper::client", "a pool");
        tracing::warn!(target: "hyper::client", "a fault");
    });
    assert!(text.contains("a session is open") && text.contains("a fault"), "{text}");
    assert!(!text.contains("each step") && !text.contains("a pool"), "{text}");
}

#[test]
fn a_secret_is_shown_as_stars() {
    let secret = crate::config::Secret::new("hunter2", "here").unwrap();
    let text = written(LogLevel::Trace, || {
        tracing::info!(target: "agent", ?secret, also = %secret, "a token");
    });
    assert!(text.contains("***") && !text.contains("hunter2"), "{text}");
}

#[test]
fn old_files_go_when_there_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    for day in 1..=5 {
        let file = folder.path().join(format!("agent.2026-11-0{day}.log"));
        files::write_private(&file, b"old").unwrap();
    }
    let files_max = NonZeroU16::new(2).unwrap();
    let config = LogConfig { files_max, ..LogConfig::default() };
    let (_, guard) = writer(&config, folder.path()).unwrap();
    drop(guard);
    assert!(std::fs::read_dir(folder.path()).unwrap().count() <= 3);
}
