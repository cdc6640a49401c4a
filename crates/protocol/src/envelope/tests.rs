//! Goldens of every kind of event, and what is refused with which place and words.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::golden::Golden;
use super::{Draft, Event, EventError};
use crate::event::Body;
use crate::personal::OpeningKey;
use crate::schemas;

fn goldens() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/v1/events");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn input(name: &str) -> Value {
    let file = format!("{}/testdata/v1/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let golden: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    golden["input"].clone()
}

fn draft(value: &Value) -> Result<Draft, EventError> {
    Draft::parse(value.to_string().as_bytes())
}

fn event(value: &Value) -> Event {
    let draft = draft(value).unwrap();
    let id = draft.id.unwrap();
    draft.into_event(id)
}

#[test]
fn every_golden_is_read_as_it_was_when_it_was_frozen() {
    let files = goldens();
    assert!(files.len() >= 19);
    for file in files {
        let golden: Golden = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let found = Golden::of(golden.input.clone()).unwrap();
        assert_eq!(found, golden, "{}", file.display());
    }
}

#[test]
fn every_golden_keeps_its_published_schema() {
    let schema = schemas::all().into_iter().find(|(name, _)| *name == "event").unwrap().1;
    let validator = jsonschema::validator_for(schema.as_value()).unwrap();
    for file in goldens() {
        let golden: Golden = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let canonical = serde_json::from_str(&golden.canonical).unwrap();
        for event in [&golden.input, &canonical] {
            let errors: Vec<_> = validator.iter_errors(event).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", file.display());
        }
    }
    let mut wrong = input("sale");
    set(&mut wrong, "/data/lines/0/extended", json!(4.47));
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn the_canonical_form_is_read_back_to_itself() {
    for file in goldens() {
        let golden: Golden = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let event = Event::parse(golden.canonical.as_bytes()).unwrap();
        assert_eq!(event.to_json(), golden.canonical, "{}", file.display());
        assert_eq!(event.content_hash(), golden.content_hash, "{}", file.display());
    }
}

#[test]
fn how_it_was_read_and_what_a_vendor_adds_make_no_other_content() {
    let first = event(&input("sale"));
    let mut other = input("sale");
    other["data"]["profile"] = json!("ncr-acs@4");
    other["data"]["extensions"] = json!({ "acme:campaign": "K23" });
    other["data"]["lines"][0]["quantity"] = json!("3.00");
    other["data"]["lines"][0]["direction"] = json!("out");
    assert_eq!(event(&other).content_hash(), first.content_hash());
    other["data"]["lines"][0]["quantity"] = json!("2");
    assert_ne!(event(&other).content_hash(), first.content_hash());
}

#[test]
fn what_follows_from_the_body_may_be_left_out() {
    let mut bare = input("sale");
    let time = bare["time"].clone();
    for name in ["specversion", "source", "subject", "datacontenttype", "dataschema", "time"] {
        bare.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(draft(&bare).unwrap().time.to_string(), "2026-11-23T17:04:11+01:00");
    bare["time"] = time;
    assert_eq!(event(&bare).to_json(), event(&input("sale")).to_json());
}

/// A change to the golden sale, and the place and words of the refusal.
fn refusals() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        ("/type", json!("storekeep.order.v1"), "type", "is not a type of event"),
        ("/id", json!("17"), "id", "UUID"),
        ("/subject", json!("0042/2/2026-11-23/1"), "subject", "contradicts the body"),
        ("/time", json!("2026-11-23 17:04"), "time", "RFC 3339"),
        ("/data/colour", json!("red"), "data.colour", "unknown field"),
        ("/data/currency", json!("EURO"), "data.currency", "ISO 4217"),
        ("/data/businessDate", json!("23.11.2026"), "data.businessDate", "2026-11-23"),
        ("/data/lines/0/extended", json!(4.47), "data.lines[0].extended", "floating point"),
        ("/data/lines/0/extended", json!(-447), "data.lines[0].extended", "negative"),
        (
            "/data/lines/0/extended",
            json!(10_000_000_000_000_000_000_u64),
            "data.lines[0].extended",
            "expected i64",
        ),
        (
            "/data/lines/0/extended",
            json!(2_000_000_000_000_000_i64),
            "data.lines[0].extended",
            "beyond",
        ),
        ("/data/lines/0/quantity", json!(3), "data.lines[0].quantity", "expected"),
        ("/data/lines/0/quantity", json!("-3"), "data.lines[0].quantity", "not negative"),
        ("/data/lines/0/item", json!({}), "data.lines[0].item", "at least one of"),
        ("/data/lines/0/item/gtin", json!("12"), "data.lines[0].item.gtin", "GTIN"),
        ("/data/total", Value::Null, "data.total", "missing field"),
        ("/data/kind", json!("sail"), "data.kind", "unknown variant"),
        ("/data/receipt", json!(""), "data.receipt", "empty"),
        ("/data/extensions", json!({ "campaign": "1" }), "data.extensions", "prefix"),
        (
            "/data/tenders/0/card",
            json!({ "pan": "x" }),
            "data.tenders[0].card.pan",
            "unknown field",
        ),
        (
            "/data/tenders/0/card",
            json!({ "bin": "45717360" }),
            "data.tenders[0].card.bin",
            "digits",
        ),
    ]
}

#[test]
fn each_mistake_is_named_with_its_place() {
    for (pointer, value, path, words) in refusals() {
        let mut event = input("sale");
        set(&mut event, pointer, value.clone());
        let error = draft(&event).unwrap_err();
        let EventError::Invalid { path: found, message } = &error else {
            panic!("{pointer}: {error}");
        };
        assert_eq!(found, path, "{pointer} = {value}");
        assert!(message.contains(words), "{pointer} = {value}: {message}");
    }
}

fn set(value: &mut Value, pointer: &str, new: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    parent[name] = new;
}

#[test]
fn malformed_json_is_told_from_a_wrong_event() {
    let truncated = &input("sale").to_string()[..200];
    for bytes in [truncated.as_bytes(), b"", b"\xff\xfe", b"{} {}"] {
        let error = Draft::parse(bytes).unwrap_err();
        let is_malformed = matches!(error, EventError::Malformed { .. });
        assert!(is_malformed || bytes.starts_with(b"{}"), "{error}");
    }
    let twice = br#"{"type":"storekeep.till.v1","type":"storekeep.till.v1","data":{}}"#;
    assert!(Draft::parse(twice).unwrap_err().to_string().contains("duplicate field"));
}

#[test]
fn more_lines_than_allowed_are_refused_at_the_first_beyond() {
    let mut sale = input("sale");
    let line = sale["data"]["lines"][0].clone();
    let lines: Vec<_> = (1..=5_001)
        .map(|number| {
            let mut line = line.clone();
            line["line"] = json!(number);
            line["item"] = json!({ "sku": "1" });
            line.as_object_mut().unwrap().remove("taxes");
            line.as_object_mut().unwrap().remove("discounts");
            line
        })
        .collect();
    sale["data"]["lines"] = json!(lines);
    let error = draft(&sale).unwrap_err().to_string();
    assert!(error.contains("more than 5000 items"), "{error}");
}

#[test]
fn a_bare_post_void_takes_the_body_of_its_original_reversed() {
    let mut void = draft(&input("post-void-by-reference")).unwrap();
    let original = draft(&input("exchange")).unwrap();
    let (Body::Transaction(void), Body::Transaction(original)) = (&mut void.body, &original.body)
    else {
        panic!("both are transactions");
    };
    assert!(void.is_bare_post_void());
    void.fill_from_original(original);
    assert!(crate::event::balance::unbalanced(void).is_empty());
    assert_eq!(void.signed_total().minor, -original.signed_total().minor);
    let mut back = void.clone();
    back.kind = original.kind;
    assert_eq!(void.lines.len(), original.lines.len());
    assert_eq!(void.original, Some(original.reference()));
}

#[test]
fn personal_fields_are_journaled_sealed_or_not_at_all() {
    let mut sale = input("sale");
    sale["data"]["personal"] = json!({ "email": "a@example.com" });
    let text = sale.to_string();
    assert!(Event::parse(text.as_bytes()).unwrap_err().to_string().contains("not sealed"));
    let mut open = draft(&sale).unwrap();
    assert!(open.clone().seal_personal(None, [0; 32]).is_err());
    let hash = open.clone().into_event(open.id.unwrap()).content_hash();
    let key = OpeningKey::from_seed(&[7; 32]);
    open.seal_personal(Some(key.sealing_key()), [1; 32]).unwrap();
    let id = open.id.unwrap();
    let sealed = open.into_event(id);
    assert!(!sealed.to_json().contains("example.com"));
    assert_eq!(sealed.content_hash(), hash);
    assert_eq!(hash, event(&input("sale")).content_hash());
}
