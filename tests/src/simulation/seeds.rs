//! Many seeds: those that once failed first, then new ones, on as many threads as are wanted.
//!
//! Does not know what a seed leads to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::faults::Planted;
use super::world::play;
use super::{Game, Outcome};

/// The seeds that once failed, one a line, each with the reason.
const KEPT: &str = include_str!("../../simulation/seeds.txt");

/// What came of many seeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// Seeds played.
    pub seeds: usize,
    /// Seeds that broke a promise, with what they broke.
    pub failed: Vec<(u64, String)>,
    /// Events acknowledged.
    pub events: usize,
    /// Virtual time.
    pub lasted: Duration,
}

/// The seeds that once failed, and are played first from then on.
///
/// # Panics
/// A line of the list does not begin with a number.
#[must_use]
pub fn kept() -> Vec<u64> {
    let lines = KEPT.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let seed = |line: &str| line.split_whitespace().next().and_then(|seed| seed.parse().ok());
    lines.map(|line| seed(line).expect("a line begins with its seed")).collect()
}

/// Plays seeds, as many at a time as there are threads, and hears of each.
///
/// # Panics
/// A run panics.
pub fn play_all(seeds: &[u64], threads: usize, heard: impl Fn(u64, &Outcome) + Sync) -> Sum {
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let game = Game { seed, planted: Planted::Nothing, keeps_lines: false };
                    let outcome = play(game);
                    heard(seed, &outcome);
                    let mut sum = sum.lock().expect("no run panics");
                    sum.seeds += 1;
                    sum.events += outcome.events;
                    sum.lasted += outcome.lasted;
                    sum.failed.extend(outcome.broken.map(|broken| (seed, broken)));
                }
            });
        }
    });
    let mut sum = sum.into_inner().expect("no run panics");
    sum.failed.sort();
    sum
}

/// The command that replays a seed with its trace.
#[must_use]
pub fn replay(seed: u64) -> String {
    format!("cargo xtask simulate --seed {seed} --trace")
}
