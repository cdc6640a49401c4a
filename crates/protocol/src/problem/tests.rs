//! The catalogue is complete and its numbers are unique.

use std::collections::BTreeSet;

use super::catalogue::CATALOGUE;
use super::*;

#[test]
fn every_code_has_one_number_one_slug_and_a_way_back() {
    let numbers: BTreeSet<_> = CATALOGUE.iter().map(|e| e.number).collect();
    let slugs: BTreeSet<_> = CATALOGUE.iter().map(|e| e.slug).collect();
    let codes: BTreeSet<_> = Code::all().collect();
    assert_eq!(numbers.len(), CATALOGUE.len());
    assert_eq!(slugs.len(), CATALOGUE.len());
    assert_eq!(codes.len(), CATALOGUE.len());
    for code in Code::all() {
        assert_eq!(Code::from_number(code.number()), Some(code));
    }
}

#[test]
fn what_a_problem_says_is_short_however_much_was_sent() {
    let sent = "ü".repeat(TEXT_CHARS_MAX + 1);
    let problem = Problem::new(Code::InvalidEvent, sent.clone()).at(sent);
    let kept = format!("{}…", "ü".repeat(TEXT_CHARS_MAX));
    assert_eq!((problem.detail.as_str(), problem.path.as_deref()), (&*kept, Some(&*kept)));
    let whole = "x".repeat(TEXT_CHARS_MAX);
    assert_eq!(Problem::new(Code::InvalidEvent, whole.clone()).detail, whole);
}
