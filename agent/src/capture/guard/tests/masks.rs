//! Claims about masking: nothing of a card is left, and nothing else is touched.

use std::borrow::Cow;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use super::{PAN, cards, found, guard, receipts};

/// Fewer than for finding: each is looked through twice and read as JSON besides.
const CASES: u32 = 20_000;

fn mask(json: &str) -> String {
    guard().mask(json).unwrap().0.into_owned()
}

#[test]
fn no_planted_card_number_is_left_and_the_text_stays_json() {
    let mut random = StdRng::seed_from_u64(3);
    for case in 0..CASES {
        let planted = cards::planted(&mut random);
        let json = receipts::with(&mut random, Some(&planted));
        let masked = mask(&json);
        assert_eq!(found(&masked), None, "case {case}: {planted:?} is left in {masked}");
        assert!(serde_json::from_str::<Value>(&masked).is_ok(), "case {case}: {masked}");
    }
}

#[test]
fn what_holds_no_card_data_is_not_even_copied() {
    let json = r#"{"description":"Pencil 2H","gtin":"04006381333931"}"#;
    let (masked, found) = guard().mask(json).unwrap();
    assert!(matches!(masked, Cow::Borrowed(text) if text == json));
    assert!(found.is_empty());
}

#[test]
fn only_the_number_is_masked_within_its_text_and_each_place_is_told() {
    let json = format!(r#"{{"a":"before {PAN} after","b":["{PAN}", 5],"c":"4.99"}}"#);
    let (masked, found) = guard().mask(&json).unwrap();
    let expected =
        r#"{"a":"before 411111******1111 after","b":["411111******1111", 5],"c":"4.99"}"#;
    assert_eq!(masked, expected);
    let paths: Vec<_> = found.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths, ["a", "b[0]"]);
}

#[test]
fn two_numbers_in_one_text_are_both_masked() {
    let json = format!(r#"{{"a":"{PAN} and 5500000000000004"}}"#);
    assert_eq!(mask(&json), r#"{"a":"411111******1111 and 550000******0004"}"#);
}

#[test]
fn secrets_tracks_and_bare_numbers_are_masked_whole() {
    for (json, expected) in [
        (r#"{"acme:cvv":"123"}"#, r#"{"acme:cvv":"***"}"#),
        (r#"{"note":"CVV: 123, thanks"}"#, r#"{"note":"***"}"#),
        (r#"{"t":";4111111111111111=27121010000?"}"#, r#"{"t":"411111******1111"}"#),
        (r#"{"n":4111111111111111}"#, r#"{"n":"411111******1111"}"#),
        (r#"{"a":"x\n4111111111111111\u00fc"}"#, "{\"a\":\"x\\n411111******1111\u{fc}\"}"),
    ] {
        assert_eq!(mask(json), expected);
    }
}
