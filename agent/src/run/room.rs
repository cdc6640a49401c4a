//! Makes room when the disk is full: diagnostics go first, money never.
//!
//! Removes the log files of earlier days. What the journal holds is not touched here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use journal::{Journal, Room};

/// Follows the room on the disk for as long as the journal is open.
pub(super) async fn run(journal: Journal, logs: PathBuf) {
    let mut room = journal.room_changes();
    // The journal shall be closed when everyone else has let go of it.
    drop(journal);
    loop {
        if *room.borrow_and_update() == Room::DiskFull {
            match remove_old(&logs) {
                Ok(removed) => {
                    tracing::warn!(removed, "old log files were removed from a full disk");
                }
                Err(error) => tracing::warn!(%error, "old log files could not be removed"),
            }
        }
        if room.changed().await.is_err() {
            return;
        }
    }
}

/// Removes every log file but the newest, which is being written; returns how many.
fn remove_old(logs: &Path) -> io::Result<usize> {
    let mut files = Vec::new();
    for entry in fs::read_dir(logs)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("agent.") && name.ends_with(".log") {
            files.push(path);
        }
    }
    // Their names carry the day.
    files.sort();
    files.pop();
    files.iter().try_for_each(fs::remove_file)?;
    Ok(files.len())
}

#[cfg(test)]
mod tests {
    //! What is removed, and what is not.

    use super::*;
    use crate::files::write_private;

    #[test]
    fn the_newest_log_and_every_other_file_stay() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["agent.2026-11-21.log", "agent.2026-11-22.log", "agent.2026-11-23.log", "x.db"]
        {
            write_private(&folder.path().join(name), b"text").unwrap();
        }
        assert_eq!(remove_old(folder.path()).unwrap(), 2);
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["agent.2026-11-23.log", "x.db"]);
        assert!(remove_old(&folder.path().join("none")).is_err());
    }
}
