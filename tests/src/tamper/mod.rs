//! Tampering with a journal's files, seed by seed: whatever is flipped, cut, deleted, put back or
//! exchanged is found before the next upload, or changes nothing that was answered.
//!
//! `world` sells and uploads; `tampering` does the damage; here the next upload is made and compared
//! with what was answered. What nobody can find is excepted and counted: entries younger than a tenth
//! of a second, and older versions of both files at once that still hold all that was uploaded. Does
//! not know how the journal stores anything.

mod tampering;
#[cfg(test)]
mod tests;
mod world;

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use journal::{Incident, JournalFile, Seams, Terms, verify};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;

use self::tampering::Tampering;
use self::world::{Relay, Sold, Uploaded, World, at, key, options};

/// Seeds that share what was sold: selling takes longer than tampering.
const SEEDS_PER_WORLD: u64 = 50;

/// What came of all seeds.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Tamperings.
    pub seeds: u64,
    /// Noticed when the journal was opened.
    pub found_opening: u64,
    /// Noticed when entries were read for the upload.
    pub found_reading: u64,
    /// Noticed by the relay, before it took anything.
    pub found_by_relay: u64,
    /// Not part of what goes up, and noticed by `verify`.
    pub found_verifying: u64,
    /// Nothing that was answered is changed or missing.
    pub without_effect: u64,
    /// Only entries younger than a tenth of a second are gone.
    pub young_only: u64,
    /// Both files put back together, to a state that holds all that was uploaded.
    pub both_put_back: u64,
    /// Something that was answered is gone or changed, and nothing said so.
    pub missed: u64,
    /// Something was noticed, but an entry is gone that is not named.
    pub unnamed: u64,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.found_opening += other.found_opening;
        self.found_reading += other.found_reading;
        self.found_by_relay += other.found_by_relay;
        self.found_verifying += other.found_verifying;
        self.without_effect += other.without_effect;
        self.young_only += other.young_only;
        self.both_put_back += other.both_put_back;
        self.missed += other.missed;
        self.unnamed += other.unnamed;
    }

    /// Whether every tampering was found, and everything lost is named.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.missed == 0 && self.unnamed == 0
    }
}

/// Runs seeds `first..first + count` on two threads; those that went wrong are told to `wrong`.
///
/// # Errors
/// A world could not be made.
pub fn run(
    first: u64,
    count: u64,
    seams: Seams,
    wrong: &(dyn Fn(u64, &str) + Sync),
) -> Result<Figures> {
    let half = count / 2;
    let run_half = |first, count| run_here(first, count, seams, wrong);
    thread::scope(|scope| {
        let other = scope.spawn(|| run_half(first, half));
        let mut figures = run_half(first + half, count - half)?;
        figures.add(&other.join().expect("a panic of the other half ends the run")?);
        Ok(figures)
    })
}

fn run_here(
    first: u64,
    count: u64,
    seams: Seams,
    wrong: &(dyn Fn(u64, &str) + Sync),
) -> Result<Figures> {
    let mut figures = Figures::default();
    let mut world: Option<(u64, World)> = None;
    for seed in first..first + count {
        let number = seed / SEEDS_PER_WORLD;
        let made = match world.take() {
            Some((made, world)) if made == number => world,
            _ => World::new(number).with_context(|| format!("make the world of seed {seed}"))?,
        };
        let (tampering, outcome) =
            one(&made, seed, seams).with_context(|| format!("seed {seed}"))?;
        if matches!(outcome, Outcome::Missed | Outcome::Unnamed) {
            wrong(seed, &format!("{tampering:?}: {outcome:?}"));
        }
        figures.count(outcome);
        world = Some((number, made));
    }
    Ok(figures)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    FoundOpening,
    FoundReading,
    FoundByRelay,
    FoundVerifying,
    WithoutEffect,
    YoungOnly,
    BothPutBack,
    Missed,
    Unnamed,
}

impl Figures {
    fn count(&mut self, outcome: Outcome) {
        self.seeds += 1;
        let figure = match outcome {
            Outcome::FoundOpening => &mut self.found_opening,
            Outcome::FoundReading => &mut self.found_reading,
            Outcome::FoundByRelay => &mut self.found_by_relay,
            Outcome::FoundVerifying => &mut self.found_verifying,
            Outcome::WithoutEffect => &mut self.without_effect,
            Outcome::YoungOnly => &mut self.young_only,
            Outcome::BothPutBack => &mut self.both_put_back,
            Outcome::Missed => &mut self.missed,
            Outcome::Unnamed => &mut self.unnamed,
        };
        *figure += 1;
    }
}

/// Tampers once and makes the next upload.
fn one(world: &World, seed: u64, seams: Seams) -> Result<(Tampering, Outcome)> {
    let mut chance = StdRng::seed_from_u64(seed);
    let folder = world.copy()?;
    let tampering = Tampering::draw(&mut chance, world);
    tampering.apply(folder.path(), world)?;
    let mut relay = world.relay.clone();
    let terms = Terms { salvage_at: Some(at(1_000_000)), seams, ..Terms::default() };
    let opened = JournalFile::open_under(&options(folder.path()), &terms);
    let mut file = match opened {
        Ok(file) => file,
        Err(_) => return Ok((tampering, Outcome::FoundOpening)),
    };
    let incident = file.noticed().cloned();
    let uploaded = relay.upload(&mut file);
    if let Some(incident) = incident {
        // A relay that keeps the new epoch aside has found it too.
        let is_named = uploaded != Uploaded::All
            || everything_is_named(&world.sold[..tampering.known(world)], &relay, &incident);
        let outcome = if is_named { Outcome::FoundOpening } else { Outcome::Unnamed };
        return Ok((tampering, outcome));
    }
    drop(file);
    let outcome = match uploaded {
        Uploaded::Held => Outcome::FoundByRelay,
        Uploaded::Unreadable => Outcome::FoundReading,
        Uploaded::All => compare(world, &relay, folder.path(), tampering),
    };
    Ok((tampering, outcome))
}

/// What was answered against what the relay holds now and what stands on the disk.
fn compare(world: &World, relay: &Relay, folder: &Path, tampering: Tampering) -> Outcome {
    let lost: Vec<&Sold> = world.sold.iter().filter(|sold| !relay.holds(&sold.record)).collect();
    let found = verify(&folder.join("journal.db"), &key(), &mut |_| ());
    let is_whole = found.is_ok_and(|found| found.fault.is_none());
    match lost.is_empty() {
        true if is_whole => Outcome::WithoutEffect,
        true => Outcome::FoundVerifying,
        false if lost.iter().all(|sold| sold.is_young) => Outcome::YoungOnly,
        false if tampering.puts_both_back() => Outcome::BothPutBack,
        false => Outcome::Missed,
    }
}

/// Whether every one of these entries that the relay has not got is named, unless it is too young.
fn everything_is_named(sold: &[Sold], relay: &Relay, incident: &Incident) -> bool {
    let named: BTreeSet<_> = incident
        .missing
        .iter()
        .flat_map(|gap| (gap.first.0..=gap.last.0).map(|sequence| (gap.epoch, sequence)))
        .collect();
    let is_there = |sold: &Sold| {
        sold.is_young || relay.holds(&sold.record) || named.contains(&(sold.epoch, sold.sequence.0))
    };
    sold.iter().all(is_there)
}
