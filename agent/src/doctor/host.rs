//! The host: whether the data folder can be written, how fast the disk keeps its word, and how
//! long its room lasts.
//!
//! Leaves no file behind.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::Check;

/// Writes that are timed: enough for a median that one hiccup does not move.
const SYNCS: usize = 15;

/// Bytes of each: a page of the journal's log.
const SYNC_BYTES: usize = 4_096;

/// A sync beyond this is felt at the till.
const SYNC_SLOW: Duration = Duration::from_millis(50);

/// Below so many days of sales someone should make room, and below so many at once.
const DAYS_NOTICE: u64 = 30;
const DAYS_BAD: u64 = 3;

/// Whether the data folder can be written, and how long a sync takes there.
pub(super) fn data_folder(folder: &Path) -> Check {
    const NAME: &str = "data folder";
    let shown = folder.display();
    match time_syncs(folder) {
        Ok(median) if median > SYNC_SLOW => Check::notice(
            NAME,
            format!("`{shown}` can be written; a sync takes {}", in_ms(median)),
            "move the data folder to a local disk that is not shared: each sale waits for one sync",
        ),
        Ok(median) => {
            Check::good(NAME, format!("`{shown}` can be written; a sync takes {}", in_ms(median)))
        }
        Err(error) => Check::bad(
            NAME,
            format!("`{shown}` cannot be written: {error}"),
            "name the folder with --data-dir, and run the command as the user whom the agent runs as",
        ),
    }
}

/// The median time of a synced write.
fn time_syncs(folder: &Path) -> io::Result<Duration> {
    let probe = Probe(folder.join(".doctor.probe"));
    let mut file = File::create(&probe.0)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        #[expect(clippy::disallowed_methods, reason = "what is measured here is time itself")]
        let began = Instant::now();
        file.write_all(&[0; SYNC_BYTES])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[SYNCS / 2])
}

/// The file that is written, gone again whatever happens.
struct Probe(PathBuf);

impl Drop for Probe {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, file = %self.0.display(), "the doctor's probe stays");
        }
    }
}

/// How many days of sales the disk has room for. `bytes_a_day` is none as long as there are too few
/// sales to tell.
pub(super) fn disk(folder: &Path, bytes_a_day: Option<u64>) -> Check {
    const NAME: &str = "disk";
    let free = match fs4::available_space(folder) {
        Ok(free) => free,
        Err(error) => {
            let found = format!("its free space cannot be read: {error}");
            return Check::bad(NAME, found, "make the data folder, or name it with --data-dir");
        }
    };
    room(free, bytes_a_day)
}

fn room(free: u64, bytes_a_day: Option<u64>) -> Check {
    const NAME: &str = "disk";
    let shown = in_bytes(free);
    let fix = "free space on this disk; the agent refuses new sales rather than lose one";
    match bytes_a_day.filter(|bytes| *bytes > 0).map(|bytes| free / bytes) {
        None if free < FREE_MIN => Check::bad(NAME, format!("{shown} free"), fix),
        None => Check::good(NAME, format!("{shown} free; too few sales yet to say for how long")),
        Some(days) if days < DAYS_BAD => {
            Check::bad(NAME, format!("{shown} free: sales of {days} days"), fix)
        }
        Some(days) if days < DAYS_NOTICE => {
            Check::notice(NAME, format!("{shown} free: sales of {days} days"), fix)
        }
        Some(days) => {
            Check::good(NAME, format!("{shown} free: sales of {} days", days.min(DAYS_SHOWN_MAX)))
        }
    }
}

/// Room for the journal's log and the log files of a busy day.
const FREE_MIN: u64 = 256 * 1024 * 1024;

/// Beyond some years the figure says no more.
const DAYS_SHOWN_MAX: u64 = 9_999;

fn in_ms(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10)
}

fn in_bytes(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    match bytes / MIB {
        mib if mib < 10 * 1024 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib / 1024),
    }
}

#[cfg(test)]
mod tests {
    //! When room is short, and that nothing is left behind.

    use super::super::Verdict;
    use super::*;

    #[test]
    fn room_is_judged_in_days_of_sales() {
        let verdict = |free, a_day| room(free, a_day).verdict;
        let gib = 1024 * 1024 * 1024;
        assert_eq!(verdict(2 * gib, Some(gib)), Verdict::Bad);
        assert_eq!(verdict(20 * gib, Some(gib)), Verdict::Notice);
        assert_eq!(verdict(200 * gib, Some(gib)), Verdict::Good);
        assert_eq!(verdict(200 * gib, None), Verdict::Good);
        assert_eq!(verdict(FREE_MIN - 1, None), Verdict::Bad);
    }

    #[test]
    fn the_probe_of_the_data_folder_is_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        assert_ne!(data_folder(folder.path()).verdict, Verdict::Bad);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(data_folder(&folder.path().join("none")).verdict, Verdict::Bad);
    }
}
