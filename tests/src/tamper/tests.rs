//! A few hundred tamperings in the ordinary run; `cargo xtask tamper --seeds N` makes as many as one
//! likes.

use std::sync::Mutex;

use super::*;

fn run_here(count: u64, seams: Seams) -> (Figures, Vec<String>) {
    let wrong = Mutex::new(Vec::new());
    let tell = |seed: u64, what: &str| wrong.lock().unwrap().push(format!("seed {seed}: {what}"));
    let figures = run(0, count, seams, &tell).unwrap();
    (figures, wrong.into_inner().unwrap())
}

#[test]
fn whatever_is_done_to_the_files_is_found_before_the_next_upload() {
    let (figures, wrong) = run_here(300, Seams::default());
    assert!(figures.is_good(), "{wrong:#?}");
    assert_eq!(figures.seeds, 300);
    for found in [figures.found_opening, figures.found_by_relay, figures.without_effect] {
        assert!(found > 0, "{figures:?}");
    }
}

#[test]
fn the_control_that_ignores_the_head_copy_misses_what_was_lost() {
    let seams = Seams { ignore_head_copy: true, ..Seams::default() };
    let (figures, _) = run_here(300, seams);
    assert!(figures.missed > 0, "{figures:?}");
}

#[test]
fn a_seed_always_does_the_same() {
    let again = || run(100, 20, Seams::default(), &|_, _| ()).unwrap();
    assert_eq!(again(), again());
}
