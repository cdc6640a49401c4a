//! A bounded smoke of every target, and the control: a target that is broken on purpose turns the
//! runner red, and what it keeps replays.

use std::time::Duration;

use super::runner::{INPUT_TIME_MAX, Plan, play, replay};
use super::{Form, TARGETS, Target, corpus, series, targets};

/// A corpus and one round of changed inputs; the same ones each time.
fn holds(target: &'static Target) {
    let played = series::round(target, 1).unwrap();
    assert!(played.broken.is_none(), "{}", played.broken.unwrap());
    assert!(played.inputs > target.inputs_per_round, "the corpus is run besides");
}

#[test]
fn an_event_that_is_taken_has_one_form_and_one_that_is_refused_a_reason() {
    holds(&targets::event::TARGET);
}

#[test]
fn a_planted_card_number_never_stands_in_what_is_written() {
    holds(&targets::card_data::TARGET);
}

#[test]
fn a_file_of_events_is_told_document_by_document() {
    holds(&targets::events_input::TARGET);
}

#[test]
fn a_batch_is_unpacked_within_bounds_and_stays_what_it_was() {
    holds(&targets::batch::TARGET);
}

#[test]
fn documents_of_the_wire_stay_what_they_were() {
    holds(&targets::documents::TARGET);
}

#[test]
fn no_answer_of_a_relay_makes_an_agent_count_what_it_has_not() {
    holds(&targets::relay_answers::TARGET);
}

#[test]
fn a_changed_journal_file_is_refused_salvaged_or_the_same() {
    holds(&targets::journal_file::TARGET);
}

#[test]
fn a_changed_log_is_refused_salvaged_or_the_same() {
    holds(&targets::journal_log::TARGET);
}

#[test]
fn a_changed_head_copy_is_noticed_or_the_same() {
    holds(&targets::head_copy::TARGET);
}

#[test]
fn a_key_file_holds_a_key_or_is_refused() {
    holds(&targets::key_file::TARGET);
}

#[test]
fn a_lease_that_nobody_can_read_locks_nobody_out() {
    holds(&targets::lease::TARGET);
}

#[test]
fn no_request_makes_the_local_api_fail() {
    holds(&targets::local_api::TARGET);
}

#[test]
fn no_request_makes_ingest_fail() {
    holds(&targets::ingest::TARGET);
}

#[test]
fn a_broker_answers_only_what_was_asked() {
    holds(&targets::agent_mqtt::TARGET);
}

#[test]
fn no_message_of_a_broker_makes_the_relay_fail() {
    holds(&targets::relay_mqtt::TARGET);
}

/// A reader that is broken on purpose: it takes a length that it was told for true.
const BROKEN: Target = Target {
    name: "broken",
    run: |input| {
        if let [b'L', length, rest @ ..] = input {
            assert!(usize::from(*length) <= rest.len(), "reads beyond the end");
        }
    },
    form: Form::Bytes,
    words: &[],
    inputs_per_round: 0,
    seeds: || vec![("whole".to_owned(), b"L\x03abc".to_vec())],
};

/// A reader that never ends for one input.
const ENDLESS: Target = Target {
    run: |input| {
        if input == b"endless" {
            loop {
                std::thread::yield_now();
            }
        }
    },
    ..BROKEN
};

fn plan(folder: &tempfile::TempDir) -> Plan {
    let artifacts = folder.path().to_owned();
    Plan { seed: 1, inputs: 2_000, input_time_max: INPUT_TIME_MAX, artifacts }
}

#[test]
fn a_target_that_is_broken_on_purpose_is_found_and_its_input_replays() {
    static TARGET: Target = BROKEN;
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&folder);
    let corpus = (TARGET.seeds)();
    let found = play(&TARGET, &corpus, &plan).unwrap().broken.expect("it is broken");
    assert!(found.cause.contains("reads beyond the end"), "{found}");
    assert!(found.to_string().contains(&hex::encode(&found.input)), "{found}");
    let kept = std::fs::read(&found.kept).unwrap();
    assert_eq!(kept, found.input);
    let again = replay(&TARGET, &kept, &plan).unwrap().broken.expect("it is broken again");
    assert_eq!(again.cause, found.cause);
    let whole = replay(&TARGET, &corpus[0].1, &plan).unwrap();
    assert!(whole.broken.is_none(), "what holds stays green");
}

#[test]
fn a_seed_always_makes_the_same_inputs() {
    static TARGET: Target = BROKEN;
    let folder = tempfile::tempdir().unwrap();
    let found = |seed| {
        let plan = Plan { seed, ..plan(&folder) };
        play(&TARGET, &(TARGET.seeds)(), &plan).unwrap().broken.map(|broken| broken.input)
    };
    assert_eq!(found(7), found(7));
    assert_ne!(found(7), found(8));
}

#[test]
fn an_input_that_never_ends_is_found() {
    static TARGET: Target = ENDLESS;
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { input_time_max: Duration::from_millis(100), ..plan(&folder) };
    let found = replay(&TARGET, b"endless", &plan).unwrap().broken.expect("it hangs");
    assert!(found.cause.contains("not through"), "{found}");
}

#[test]
fn every_target_has_a_corpus() {
    for target in TARGETS {
        assert!(!corpus::read(target).unwrap().is_empty(), "{}", target.name);
    }
}
