//! One process of tests: started, waited for within a bound, and counted.
//!
//! Does not print.

use std::fs;
use std::io::{PipeReader, Read, pipe};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use super::count::{Count, NotRun};
use crate::cargo::{forget_this_package, shown};

/// How long one suite may take. The longest needs a few minutes on two cores; what is not through
/// after this stands still.
const SUITE_TIME_MAX: Duration = Duration::from_secs(20 * 60);

/// The file to which a test says that it was not run.
const NOT_RUN: &str = "STOREKEEP_NOT_RUN";

/// A test binary, or cargo for the examples in the documentation.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: String,
    command: Command,
}

impl Suite {
    /// A command whose output is that of the standard test harness.
    pub(super) fn new(name: String, mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self { name, command }
    }

    /// A test binary, run in its package's folder as cargo would run it.
    pub(super) fn binary(
        name: String,
        executable: &Path,
        package: &Path,
        filter: Option<&str>,
    ) -> Self {
        let mut command = Command::new(executable);
        forget_this_package(&mut command);
        command.args(filter).current_dir(package).env("CARGO_MANIFEST_DIR", package);
        Self::new(name, command)
    }

    /// Runs it to its end: what it counted, and its whole output.
    pub(super) fn run(self) -> Result<(Count, String)> {
        self.run_within(SUITE_TIME_MAX)
    }

    fn run_within(mut self, time_max: Duration) -> Result<(Count, String)> {
        let not_run = NamedTempFile::new().context("create the list of tests not run")?;
        let (reader, writer) = pipe().context("open a pipe for the tests' output")?;
        self.command.env(NOT_RUN, not_run.path());
        self.command.stdout(writer.try_clone().context("share the pipe")?).stderr(writer);
        let mut child =
            self.command.spawn().with_context(|| format!("start {}", shown(&self.command)))?;
        // It holds the pipe's writing end, and while that is open no end can be read.
        drop(self.command);
        let output = in_background(reader).recv_timeout(time_max);
        if output.is_err() {
            child.kill().context("end tests that stand still")?;
        }
        let status = child.wait().context("wait for the tests")?;
        let output = output.unwrap_or_else(|_| {
            format!("not through after {time_max:?}, or a process it started still runs")
        });
        let said = fs::read_to_string(not_run.path()).context("read the list of tests not run")?;
        let not_run = NotRun::read(&said)?;
        Ok((Count::of(&self.name, &output, status.success(), &not_run), output))
    }
}

/// Reads to the end on a thread of its own, so that waiting for it can have a bound.
fn in_background(mut reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let text = match reader.read_to_end(&mut bytes) {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("the tests' output cannot be read: {error}"),
        };
        // Nobody receives it once the time is over; then there is nothing left to tell.
        drop(sender.send(text));
    });
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    //! What a process says is counted; one that stands still is ended.

    use super::*;

    fn shell(script: &str) -> Suite {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Suite::new("shell".to_owned(), command)
    }

    #[test]
    fn a_suite_is_counted_from_its_output() {
        let script = "echo 'test a ... ok'; echo 'test result: ok. 2 passed; 0 failed; 0 ignored'";
        let (count, output) = shell(script).run().unwrap();
        assert_eq!((count.passed, count.failed), (2, 0));
        assert!(output.contains("test a"));
    }

    #[test]
    fn a_test_that_says_so_is_skipped() {
        let script = "echo '{\"test\":\"a\",\"missing\":\"b\",\"command\":\"c\"}' \
                      >> \"$STOREKEEP_NOT_RUN\"; echo 'test result: ok. 2 passed; 0 failed;'";
        let (count, _) = shell(script).run().unwrap();
        assert_eq!((count.passed, count.skipped()), (1, 1));
    }

    #[test]
    fn a_suite_that_stands_still_is_ended_and_failed() {
        let (count, output) =
            shell("exec tail -f /dev/null").run_within(Duration::from_millis(100)).unwrap();
        assert_eq!(count.failed, 1);
        assert!(output.contains("not through"));
    }
}
