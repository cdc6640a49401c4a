//! The simulation in the ordinary test run: the promises under many seeds, the same trace from the
//! same seed, and each planted fault noticed by one of a few seeds.
//!
//! A failing seed prints the command that replays it, and is to be kept in `seeds.txt`.

use std::thread;

use tests::simulation::faults::Planted;
use tests::simulation::seeds::{kept, play_all, replay};
use tests::simulation::world::play;
use tests::simulation::{Game, Outcome};

/// Seeds of an ordinary test run, besides those that once failed.
const SEEDS: u64 = 300;

fn played(seed: u64, planted: Planted) -> Outcome {
    play(Game { seed, planted, keeps_lines: false })
}

#[test]
fn every_promise_is_kept_under_every_seed() {
    let threads = thread::available_parallelism().unwrap().get();
    let mut seeds = kept();
    seeds.extend(1..=SEEDS);
    let sum = play_all(&seeds, threads, |_, _| {});
    let failed: Vec<_> = sum
        .failed
        .iter()
        .map(|(seed, broken)| format!("seed {seed}: {broken}\n  replay it: {}", replay(*seed)))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(sum.events > seeds.len(), "hardly anything was sold: {sum:?}");
}

#[test]
fn the_same_seed_leads_to_the_same_trace() {
    for seed in [3, 14, 159] {
        let traced = || play(Game { seed, planted: Planted::Nothing, keeps_lines: true });
        let (once, again) = (traced(), traced());
        let differs = once.lines.iter().zip(&again.lines).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(once, again, "seed {seed}");
        assert!(once.lines.len() > 50, "seed {seed} hardly does anything");
    }
}

/// One of the first seeds notices a fault that was planted.
fn is_noticed(planted: Planted, seeds: u64) {
    let is_noticed = (1..=seeds).any(|seed| played(seed, planted).broken.is_some());
    assert!(is_noticed, "no seed up to {seeds} notices {planted:?}");
}

#[test]
fn control_an_answer_to_the_pos_before_the_commit_is_noticed() {
    is_noticed(Planted::AnswerBeforeCommit, 40);
}

#[test]
fn control_an_acknowledgement_before_the_commit_is_noticed() {
    is_noticed(Planted::AcknowledgeBeforeCommit, 40);
}

#[test]
fn control_a_relay_that_does_not_know_what_it_holds_is_noticed() {
    is_noticed(Planted::NoDedupe, 40);
}

#[test]
fn control_a_worker_that_goes_on_without_its_lane_is_noticed() {
    is_noticed(Planted::NoFence, 40);
}

#[test]
fn control_a_repetition_without_a_look_is_noticed() {
    is_noticed(Planted::NoFind, 40);
}

#[test]
fn control_a_look_that_is_believed_too_early_is_noticed() {
    is_noticed(Planted::NoSettleTime, 40);
}

#[test]
fn control_an_acknowledgement_of_another_history_is_noticed() {
    is_noticed(Planted::AnyChainHash, 40);
}

#[test]
fn control_pruning_what_is_old_and_not_relayed_is_noticed() {
    is_noticed(Planted::PruneByAgeOnly, 40);
}
