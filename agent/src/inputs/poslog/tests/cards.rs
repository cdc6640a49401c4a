//! Card numbers in places where no POS should write them: masked before anything is written, and
//! the sale is kept and flagged.

use std::fs;
use std::path::Path;

use protocol::id::StoreId;

use super::*;
use crate::config::Config;
use crate::inputs::trial::{Outcome, Tried, trial};
use crate::seams::Seams;

/// A number that every scheme's test cards know.
const NUMBER: &str = "4111111111111111";

fn tried(decoder: &dyn Decoder, store: &str, file: &Path) -> Vec<Tried> {
    let config = Arc::new(Config::for_store(StoreId::new(store).unwrap()));
    let mut all = Vec::new();
    trial(file, decoder, &config, &Seams::default(), &mut |tried| {
        all.push(tried);
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

/// The event of the first document, and the places that were masked in it.
fn first(profile: &str, store: &str, xml: &str) -> (String, Vec<String>) {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.xml");
    crate::files::write_private(&file, xml.as_bytes()).unwrap();
    event(tried(&*by(profile), store, &file).remove(0))
}

#[track_caller]
fn event(tried: Tried) -> (String, Vec<String>) {
    match tried.outcome {
        Outcome::Event { event, scrubbed, .. } => {
            let places = scrubbed.iter().map(|found| found.at.as_str().to_owned());
            (event.get().to_owned(), places.collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_in_an_element_that_no_profile_names_is_flagged() {
    let own = format!("<StoreAccount><CardNumber>{NUMBER}</CardNumber></StoreAccount>");
    let xml = STRICT.replace("</Tender>", &format!("{own}</Tender>"));
    let (event, places) = first("strict", "0042", &xml);
    assert!(!event.contains(NUMBER) && !event.contains("11111111"), "{event}");
    let place = "poslog:RetailTransaction/LineItem/Tender/StoreAccount/CardNumber";
    assert_eq!(places, [format!("data.extensions.{place}")]);
}

#[test]
fn a_number_in_an_attribute_is_flagged() {
    let xml = STRICT.replace("<Tender TenderType", &format!("<Tender Ref=\"{NUMBER}\" TenderType"));
    let (event, places) = first("strict", "0042", &xml);
    assert!(!event.contains(NUMBER), "{event}");
    assert_eq!(places, ["data.extensions.poslog:RetailTransaction/LineItem/Tender@Ref"]);
}

#[test]
fn a_number_in_the_text_of_a_receipt_is_flagged_and_of_the_text_nothing_else_is_kept() {
    let xml = RETALIX_R10.replace("TOTAL 6.57", "CARD 4111 1111 1111 1111 TOTAL 6.57");
    let (event, places) = first("retalix-r10", "0610", &xml);
    assert!(!event.contains("1111 1111") && !event.contains("TOTAL"), "{event}");
    assert_eq!(places, ["data.extensions.poslog:ReceiptImage/ReceiptLine"]);
}

#[test]
fn a_number_in_a_field_of_the_event_is_masked_there() {
    let xml = STRICT.replace("Pencil 2H", &format!("Paid with {NUMBER}"));
    let (event, places) = first("strict", "0042", &xml);
    assert!(event.contains("Paid with 411111******1111"), "{event}");
    assert_eq!(places, ["data.lines[0].item.description"]);
}

#[test]
fn a_whole_number_where_a_card_stands_gives_its_ends_and_is_flagged() {
    let xml = RETALIX_R10.replace("476173******0119", NUMBER);
    let (event, places) = first("retalix-r10", "0610", &xml);
    assert!(event.contains(r#""bin":"411111","last4":"1111""#), "{event}");
    assert!(!event.contains(NUMBER), "{event}");
    assert_eq!(places.len(), 1, "{places:?}");
    let (_, places) = first("retalix-r10", "0610", RETALIX_R10);
    assert!(places.is_empty(), "a masked one is none: {places:?}");
}

#[test]
fn what_a_whole_day_becomes_goes_through_capture() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.xml");
    crate::files::write_private(&file, STRICT.as_bytes()).unwrap();
    let outcomes = tried(&*by("strict"), "0042", &file).into_iter().map(|tried| tried.outcome);
    let words = outcomes.map(|outcome| match outcome {
        Outcome::Event { unbalanced, .. } => {
            assert!(unbalanced.is_empty());
            "event"
        }
        Outcome::Training => "practice",
        Outcome::Skipped { .. } => "skipped",
        Outcome::Refused { problem } => panic!("{problem}"),
    });
    let expected = ["event", "practice", "event", "event", "event", "event", "event", "skipped"];
    assert_eq!(words.collect::<Vec<_>>(), expected);
}

#[test]
fn the_recorded_number_in_a_store_account_is_masked_and_flagged() {
    let Some(samples) = needs::samples() else { return };
    let file = samples.join("pos/poslog/fragments/chile_kiosk_tlog_v2.2.xml");
    assert!(fs::read_to_string(&file).unwrap().contains(NUMBER));
    let profile = format!("{TESTDATA}/profiles/chile-kiosk.toml");
    let (event, places) = event(tried(&*by(&profile), "645", &file).remove(0));
    assert!(!event.contains(NUMBER), "{event}");
    assert!(places.iter().any(|place| place.contains("StoreAccount/CardNumber")), "{places:?}");
}
