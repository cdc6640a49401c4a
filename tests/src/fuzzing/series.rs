//! Rounds over targets, one after the other, until there were enough or the time is over.
//!
//! A round's seed is its number, so that what a round finds is found again. Does not print.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::runner::{self, Broken, INPUT_TIME_MAX, Plan, Played};
use super::{Target, corpus};

/// What is played.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// The first round.
    pub first_seed: u64,
    /// Rounds at least.
    pub rounds: u64,
    /// Time for which rounds go on beyond those.
    pub lasts: Duration,
}

/// What came of one target.
#[derive(Debug)]
pub struct Sum {
    /// The target.
    pub target: &'static str,
    /// Inputs that were run.
    pub inputs: u64,
    /// The first that broke something.
    pub broken: Option<Broken>,
}

/// Where the inputs of a target are kept that break something.
#[must_use]
pub fn artifacts(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/artifacts").join(target)
}

/// How the plain runner runs a round of a target.
#[must_use]
pub fn plan(target: &Target, seed: u64) -> Plan {
    Plan {
        seed,
        inputs: target.inputs_per_round,
        input_time_max: INPUT_TIME_MAX,
        artifacts: artifacts(target.name),
    }
}

/// Plays a round of one target over its committed corpus.
///
/// # Errors
/// The corpus cannot be read, or inputs cannot be kept.
pub fn round(target: &'static Target, seed: u64) -> Result<Played> {
    runner::play(target, &corpus::read(target)?, &plan(target, seed))
}

/// Plays the targets, as many at a time as there are processors. `passed` tells the time since
/// the beginning.
///
/// # Errors
/// A corpus cannot be read, or inputs cannot be kept.
pub fn play(
    targets: &[&'static Target],
    series: Series,
    passed: &(dyn Fn() -> Duration + Sync),
) -> Result<Vec<Sum>> {
    let at_once = thread::available_parallelism().context("count the processors")?.get();
    let sums = targets.iter().map(|target| Sum { target: target.name, inputs: 0, broken: None });
    let sums = Mutex::new(sums.collect::<Vec<_>>());
    let turn = Mutex::new(0_usize);
    let work = || -> Result<()> {
        loop {
            let number = {
                let mut turn = turn.lock().expect("no worker panics");
                *turn += 1;
                *turn - 1
            };
            let (index, lap) = (number % targets.len(), number / targets.len());
            let lap = u64::try_from(lap).context("count the rounds")?;
            if lap >= series.rounds && passed() >= series.lasts {
                return Ok(());
            }
            let target = targets[index];
            // A target that was broken once says the same again.
            if sums.lock().expect("no worker panics")[index].broken.is_some() {
                if lap >= series.rounds {
                    return Ok(());
                }
                continue;
            }
            let played = round(target, series.first_seed + lap)?;
            let sum = &mut sums.lock().expect("no worker panics")[index];
            sum.inputs += played.inputs;
            sum.broken = sum.broken.take().or(played.broken);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    Ok(sums.into_inner().expect("no worker panics"))
}
