//! The catalogue is complete and its numbers are unique.

use std::collections::BTreeSet;

use super::Code;
use super::catalogue::CATALOGUE;

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
