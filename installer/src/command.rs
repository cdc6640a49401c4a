//! Runs a program of the host and waits for it within a bound.
//!
//! Does not judge its exit code.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It cannot be started.
    #[error("start `{program}`")]
    Start {
        /// Which.
        program: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It did not end in time, and was killed.
    #[error("`{program}` did not end within {seconds} s")]
    TimedOut {
        /// Which.
        program: String,
        /// The bound.
        seconds: u64,
    },
}

/// Runs it to its end, without input; what it prints is returned.
///
/// # Errors
/// It cannot be started, or takes longer than `within`.
pub fn run(command: &mut Command, within: Duration) -> Result<Output, CommandError> {
    run_with(command, "", within)
}

/// The same with input, which is to be short: it is written before anything is read.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    command: &mut Command,
    input: &str,
    within: Duration,
) -> Result<Output, CommandError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let start = |source| CommandError::Start { program: program.clone(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let id = child.id();
    match child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())) {
        // It may have ended without reading, and says why itself.
        Some(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => return Err(start(error)),
        Some(_) | None => {}
    }
    let (sender, ended) = channel();
    let waiting = thread::spawn(move || sender.send(child.wait_with_output()));
    match ended.recv_timeout(within) {
        Ok(output) => output.map_err(start),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            kill(id).map_err(start)?;
            // Its end is waited for, so that nothing of it goes on beside what comes next.
            drop(waiting.join());
            Err(CommandError::TimedOut { program, seconds: within.as_secs() })
        }
    }
}

#[cfg(unix)]
fn kill(id: u32) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};

    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    match pid.map_or(Ok(()), |pid| kill_process(pid, Signal::KILL)) {
        // It ended by itself meanwhile.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The last line that says anything, for an error.
#[must_use]
pub fn last_words(output: &Output) -> String {
    let text = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes));
    let line = text.iter().find_map(|text| text.lines().rev().find(|line| !line.trim().is_empty()));
    line.map_or_else(|| format!("ended with {}", output.status), |line| line.trim().to_owned())
}
