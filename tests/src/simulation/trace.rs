//! What happened, who did it and when; and the first promise that was broken.
//!
//! Time is virtual: nothing here depends on the machine. Texts are made only for those who want
//! to read them. Judges nothing.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Virtual time, which begins with the run.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    began: Instant,
}

/// The moment at which each run begins, in seconds since 1970: 2026-11-23 08:00 UTC.
const BEGINNING_SECONDS: i64 = 1_795_420_800;

impl Time {
    /// Begins now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one look at the paused clock")]
    pub fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// What has passed.
    #[must_use]
    pub fn passed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The true time of day.
    ///
    /// # Panics
    /// Never: a run takes hours.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.passed()).expect("a run takes hours");
        Timestamp::from_second(BEGINNING_SECONDS).expect("a time of this century") + passed
    }
}

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    time: Time,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lines: Option<Vec<String>>,
    broken: Option<String>,
}

impl Trace {
    /// A trace that keeps its lines, or only what was broken.
    #[must_use]
    pub fn new(time: Time, keeps_lines: bool) -> Self {
        let state = State { lines: keeps_lines.then(Vec::new), broken: None };
        Self { time, state: Mutex::new(state) }
    }

    /// Virtual time.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.time
    }

    /// Notes what somebody does.
    pub fn say(&self, who: &str, what: impl FnOnce() -> String) {
        let mut state = self.state();
        if let Some(lines) = &mut state.lines {
            let mut line = stamp(self.time.passed());
            // Writing to a text never fails.
            write!(line, " {who:<10} {}", what()).expect("a text takes anything");
            lines.push(line);
        }
    }

    /// Notes that a promise was broken; the first one counts.
    pub fn broken(&self, who: &str, promise: &str) {
        self.say(who, || format!("BROKEN: {promise}"));
        let passed = self.time.passed();
        self.state().broken.get_or_insert_with(|| format!("{} {who}: {promise}", stamp(passed)));
    }

    /// Whether a promise was broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.state().broken.is_some()
    }

    /// What was broken, and the lines that were kept.
    #[must_use]
    pub fn end(&self) -> (Option<String>, Vec<String>) {
        let mut state = self.state();
        (state.broken.take(), state.lines.take().unwrap_or_default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Minutes, seconds and milliseconds since the beginning.
fn stamp(passed: Duration) -> String {
    let millis = passed.as_millis();
    format!("{:>4}:{:02}.{:03}", millis / 60_000, millis / 1_000 % 60, millis % 1_000)
}
