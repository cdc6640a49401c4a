//! Claims about the guard: every planted card number is found, what a store writes is let through.

mod cards;
mod masks;
mod receipts;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

/// Receipts and cards of each of the large tests.
const CASES: u32 = 100_000;

/// Of the generated receipts, one in a thousand at most may be refused wrongly.
const FALSE_HITS_MAX: u32 = CASES / 1_000;

/// The number on every example of a card.
const PAN: &str = "4111111111111111";

fn guard() -> Guard {
    Guard::new(BTreeSet::new())
}

fn found(json: &str) -> Option<CardData> {
    match guard().check(json) {
        Ok(()) => None,
        Err(Refusal::CardData(found)) => Some(found),
        Err(Refusal::TooDeep) => panic!("too deep: {json}"),
    }
}

fn at(json: &str) -> Option<String> {
    found(json).map(|found| found.path)
}

fn in_field(name: &str, text: &str) -> Option<String> {
    at(&format!(r#"{{"{name}":{}}}"#, serde_json::to_string(text).unwrap()))
}

#[test]
fn no_planted_card_number_passes() {
    let mut random = StdRng::seed_from_u64(1);
    for case in 0..CASES {
        let planted = cards::planted(&mut random);
        let json = receipts::with(&mut random, Some(&planted));
        assert!(found(&json).is_some(), "case {case}: {planted:?} passes in {json}");
    }
}

#[test]
fn generated_receipts_are_hardly_ever_taken_for_cards() {
    let mut random = StdRng::seed_from_u64(2);
    let mut hits = Vec::new();
    for _ in 0..CASES {
        hits.extend(found(&receipts::with(&mut random, None)));
    }
    let count = u32::try_from(hits.len()).unwrap();
    println!("{count} of {CASES} receipts were taken for card data");
    assert!(count <= FALSE_HITS_MAX, "{count} of {CASES}: {:?}", &hits[..hits.len().min(20)]);
}

#[test]
fn every_golden_event_of_the_protocol_passes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/protocol/testdata/v1/events");
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert_eq!(found(&text), None);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let passes = |text: &str| guard().check(text).is_ok();
        passes(&text);
        passes(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn json_of_any_shape_is_read_without_a_panic(text in "[\\[\\]{}\",:\\\\u0-9a-f .-]{0,80}") {
        let shown = guard().check(&text).err().map(|refusal| refusal.problem().to_string());
        prop_assert!(shown.is_none_or(|shown| !shown.contains(PAN)));
    }
}

#[test]
fn a_card_number_is_found_however_it_is_split() {
    for text in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111 - 1111 - 1111 - 1111",
        "4111\u{a0}1111\u{2009}1111\u{2013}1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41111111 11111111",
        "411111 1111111111",
        "table 12, card 4111 1111 1111 1111 exp 12/27",
        "VISA4111111111111111EUR",
        "３７８２ ８２２４６３ １０００５",
        "٤١١١١١١١١١١١١١١١",
        "4111\u{200b}1111\u{200b}1111\u{200b}1111",
        "3782 822463 10005",
        "6011000990139424",
        "3530111333300000",
        "30569309025904",
        "2223003122003222",
        "6212345678901265",
        "6759649826438453",
        "4222222222222",
        "6799990100000000019",
    ] {
        assert_eq!(in_field("description", text).as_deref(), Some("description"), "{text}");
    }
}

#[test]
fn escapes_do_not_hide_a_card_number() {
    for text in [
        r#"{"a":"\u0034111111111111111"}"#,
        r#"{"a":"\u0034\u0031\u0031\u0031111111111111"}"#,
        r#"{"a":"4111\u002d1111\u002D1111-1111"}"#,
        r#"{"a":"4111\t1111\n1111\/1111 4111\t1111\n1111 1111"}"#,
        r#"{"a":"\uff14111111111111111"}"#,
    ] {
        assert_eq!(at(text).as_deref(), Some("a"), "{text}");
    }
}

#[test]
fn a_card_number_is_found_as_a_bare_number_and_as_a_name() {
    assert_eq!(at(r#"{"a":[1,4111111111111111]}"#).as_deref(), Some("a[1]"));
    assert_eq!(at(r#"{"a":4111111111111111.0}"#).as_deref(), Some("a"));
    assert_eq!(at(r#"{"a":4.111111111111111e15}"#).as_deref(), Some("a"));
    assert_eq!(at(r#"{"a":378282246310005}"#).as_deref(), Some("a"));
    assert_eq!(at(r#"{"a":{"4111111111111111":1}}"#).as_deref(), Some("a"));
    assert_eq!(
        at(r#"{"x":{"a":"4111111111111111"}"#).as_deref(),
        Some("x.a"),
        "also in broken JSON"
    );
}

#[test]
fn the_path_names_the_place() {
    let json =
        r#"{"data":{"lines":[{"item":{}},{"item":{"sku":"1","description":"4111111111111111"}}]}}"#;
    assert_eq!(at(json).as_deref(), Some("data.lines[1].item.description"));
    let extension = r#"{"data":{"extensions":{"acme:note":"4111111111111111"}}}"#;
    assert_eq!(at(extension).as_deref(), Some("data.extensions.acme:note"));
}

#[test]
fn the_evidence_shows_six_and_four_digits_at_most() {
    let found = found(r#"{"note":"card 4111-1111-1111-1111"}"#).unwrap();
    assert_eq!(found.masked, "411111******1111");
    let problem = Refusal::CardData(found).problem();
    assert_eq!((problem.code.as_str(), problem.path.as_deref()), ("SK0003", Some("note")));
    let text = serde_json::to_string(&problem).unwrap();
    assert!(!text.contains("41111111") && !text.contains("4111-1111"), "{text}");
}

#[test]
fn track_data_is_found_by_its_form() {
    for text in [
        "%B4111111111111111^DOE/JOHN^2512101",
        "%b6011000990139424^X^2512",
        ";4111111111111111=25121010000012345678?",
        ";123456789012=2512",
        "4111111111111111D25121010000012345678F",
        "4111111111111111d25121010000012345678f",
    ] {
        assert_eq!(in_field("note", text).as_deref(), Some("note"), "{text}");
    }
    assert_eq!(in_field("note", "V0;955002-00;Kassenbeleg-V1;Beleg^40.00_25.55_0.00"), None);
}

#[test]
fn secret_fields_are_found_by_name_wherever_they_stand() {
    for json in [
        r#"{"card":{"cvv":"123"}}"#,
        r#"{"card":{"CVV2":123}}"#,
        r#"{"extensions":{"acme:pin-block":"8F3A"}}"#,
        r#"{"extensions":{"acme:Track_2":"x1"}}"#,
        r#"{"pin":["12","34"]}"#,
        r#"{"track1":{"raw":"B4"}}"#,
        r#"{"\u0063vv":"123"}"#,
        r#"{"pan":"41111111111"}"#,
        r#"{"note":"CVV: 123"}"#,
        r#"{"note":"approved pin=1234 by phone"}"#,
        r#"{"note":"{\"cvc\":\"123\"}"}"#,
        r#"{"note":"<card><cvc>123</cvc></card>"}"#,
    ] {
        let found = found(json).unwrap_or_else(|| panic!("passes: {json}"));
        assert_eq!((found.kind, found.masked.as_str()), (Kind::Secret, "***"), "{json}");
    }
}

#[test]
fn secret_fields_that_say_nothing_pass() {
    for json in [
        r#"{"cvv":null,"pin":"","pan":"411111******1111","track2":[]}"#,
        r#"{"card":{"bin":"411111","last4":"1111","token":"tok_1"}}"#,
        r#"{"description":"Bowling pin: 10 pieces, panini"}"#,
        r#"{"pinVerified":true,"spin":"1234"}"#,
    ] {
        assert_eq!(found(json), None, "{json}");
    }
}

#[test]
fn article_numbers_pass_in_their_fields_only() {
    // 4000000000006: an article number of Germany that passes Luhn as well.
    for (name, number) in [("gtin", "4000000000006"), ("scanned", "4000000000006")] {
        assert_eq!(in_field(name, number), None);
    }
    assert!(issuer::passes_luhn(&[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6]));
    assert_eq!(in_field("description", "4000000000006").as_deref(), Some("description"));
    for name in ["gtin", "scanned", "sku"] {
        assert_eq!(in_field(name, PAN).as_deref(), Some(name), "16 digits are no article");
    }
}

#[test]
fn numbers_of_the_retailer_pass_in_identifier_fields_only() {
    let own = Guard::new([Code::new("411111").unwrap()].into());
    assert_eq!(own.check(&format!(r#"{{"customer":{{"loyalty":"{PAN}"}}}}"#)), Ok(()));
    own.check(&format!(r#"{{"description":"{PAN}"}}"#)).unwrap_err();
    own.check(r#"{"customer":{"loyalty":"5555555555554444"}}"#).unwrap_err();
}

#[test]
fn what_machines_and_telephones_write_passes() {
    for text in [
        "00-4111111111111111411111111111111a-b7ad6b7169203331-01",
        "4111111111111111aabbccddeeff00112233445566778899aabbccddeeff0011",
        "+4915112345678",
        "2026-11-23T17:04:11.120+01:00",
        "gid://shop/LineItem/5500000000004",
        "0042-2-20261123-000187",
        "40.00_25.55_0.00_10.00_0.00_65.55",
        "1.000000",
        "12345678-1234-4123-8123-123456789012",
    ] {
        assert_eq!(in_field("reference", text), None, "{text}");
    }
}

#[test]
fn nesting_has_a_bound() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(guard().check(&deep(32)), Ok(()));
    assert_eq!(guard().check(&deep(33)), Err(Refusal::TooDeep));
}
