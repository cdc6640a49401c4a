//! `cargo xtask test`: compiles once, runs every test, and says plainly what was not run.
//!
//! A test that lacks something of its host (a browser, the recorded samples) returns early and
//! says so: it appends one JSON line `{"test": "...", "missing": "...", "command": "..."}` to the
//! file that the variable `STOREKEEP_NOT_RUN` names. Such a test counts as skipped, although its
//! test binary counts it as passed. The last line is `N passed, N failed, N skipped`, alone, for
//! machines to read.
//!
//! Without `--install` nothing is changed on the host. A failed test is never run again to see
//! whether it passes then.

mod build;
mod count;
mod install;
mod suite;

use std::path::Path;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result};
use serde_json::json;

use crate::outcome::Outcome;
use crate::stopwatch::Stopwatch;
use count::{Count, NotRun};
use suite::Suite;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Installs what tests need from Debian, as root
    #[arg(long)]
    install: bool,
    /// Runs only tests whose name contains this
    filter: Option<String>,
}

/// Runs the tests; good if none failed.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    let watch = Stopwatch::start();
    if options.install {
        install::install()?;
    }
    let count = run_all(build::build(root, options.filter.as_deref())?)?;
    for (suite, NotRun { test, missing, command }) in &count.not_run {
        println!("not run: {suite} {test}: needs {missing}: {command}");
    }
    for failed in &count.failed_names {
        println!("failed: {failed}");
    }
    println!("\n{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped());
    let figures = json!({
        "passed": count.passed,
        "failed": count.failed,
        "skipped": count.skipped(),
        "elapsed_s": watch.elapsed().as_secs(),
    });
    Ok(Outcome { good: count.failed == 0, figures })
}

/// Runs the suites, as many at a time as there are processors: most of a scenario is waiting.
fn run_all(suites: Vec<Suite>) -> Result<Count> {
    let at_once = thread::available_parallelism().context("count the processors")?.get();
    let suites_count = suites.len();
    let waiting = Mutex::new(suites.into_iter());
    let ended = Mutex::new((0_usize, Count::default()));
    let next = || waiting.lock().expect("no worker panics").next();
    let work = || -> Result<()> {
        while let Some(suite) = next() {
            let watch = Stopwatch::start();
            let name = suite.name.clone();
            let (count, output) = suite.run()?;
            let (ended_count, sum) = &mut *ended.lock().expect("no worker panics");
            *ended_count += 1;
            if count.failed > 0 {
                println!("{output}");
            }
            let elapsed = watch.elapsed();
            println!("[{ended_count:>2}/{suites_count}] {name}: {count} in {elapsed:.1?}");
            sum.add(count);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    Ok(ended.into_inner().expect("no worker panics").1)
}
