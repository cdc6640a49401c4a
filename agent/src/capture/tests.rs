//! Claims about capture: what is refused, what is noticed, what goes into the journal.

use proptest::prelude::*;
use protocol::event::LineReference;
use protocol::id::StoreId;
use protocol::personal::{Fields, OpeningKey};
use protocol::record::{Equation, RenumberedLine};
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-23T17:00:00Z".parse().unwrap()
}

fn config() -> Config {
    Config::for_store(StoreId::new("0042").unwrap())
}

fn moment() -> Moment {
    Moment { now: now(), latest: now(), skew: None, sealing_key: None }
}

/// A sale of one article for 4.47 in cash.
fn sale(receipt: &str) -> Value {
    json!({
        "type": "storekeep.transaction.v1",
        "data": {
            "kind": "sale", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": receipt, "completedAt": "2026-11-23T17:04:11+01:00", "currency": "EUR",
            "lines": [{
                "line": 1, "kind": "item", "item": { "sku": "4711" },
                "quantity": "3", "unitPrice": "1.49", "extended": 447, "total": 447
            }],
            "total": { "amount": 447, "direction": "in" },
            "tenders": [{ "tender": 1, "kind": "cash", "purpose": "payment", "amount": 447 }]
        }
    })
}

fn changed(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}

fn capture(config: Config, event: &Value, moment: &Moment) -> Result<NewEntry, Problem> {
    let capture = Capture::new(Arc::new(config));
    match capture.read(&event.to_string(), moment.latest)? {
        Captured::Event(pending) => capture.finish(pending, moment, &SystemRandom::new()),
        Captured::Training(register) => panic!("practice of register {register}"),
    }
}

fn entry(event: &Value) -> NewEntry {
    capture(config(), event, &moment()).unwrap()
}

fn refusal(event: &Value) -> Problem {
    capture(config(), event, &moment()).unwrap_err()
}

fn code_and_path(problem: &Problem) -> (&str, Option<&str>) {
    (problem.code.as_str(), problem.path.as_deref())
}

#[test]
fn a_sale_becomes_an_entry_with_an_identity_that_sorts_by_time() {
    let first = entry(&sale("1"));
    assert_eq!(first.natural_key, "transaction/0042/2/2026-11-23/1/sale/0");
    assert_eq!(first.findings, Findings::default());
    assert_eq!(first.journaled_at, now());
    assert_eq!((first.cursor.is_none(), first.local.is_none()), (true, true));
    assert_eq!(first.event_id.0.get_version_num(), 7);
    let later = Moment { now: "2026-11-23T17:00:01Z".parse().unwrap(), ..moment() };
    let second = capture(config(), &sale("2"), &later).unwrap();
    assert!(first.event_id < second.event_id);
    let event = Event::parse(first.event.as_bytes()).unwrap();
    assert_eq!((event.id, event.content_hash()), (first.event_id, first.content_hash));
}

#[test]
fn the_identity_that_a_pos_gives_is_kept() {
    let id = "0192f0c1-7a00-7000-8000-000000000001";
    let event = changed(sale("1"), "/id", json!(id));
    assert_eq!(entry(&event).event_id.to_string(), id);
}

#[test]
fn card_data_is_refused_before_the_event_is_read() {
    let event = changed(sale("1"), "/data/note", json!("card 4111 1111 1111 1111"));
    let problem = refusal(&event);
    assert_eq!(code_and_path(&problem), ("SK0003", Some("data.note")));
    assert!(problem.detail.contains("411111******1111"), "{problem}");
}

#[test]
fn another_store_and_an_unserved_register_are_refused() {
    let event = changed(sale("1"), "/data/store", json!("0043"));
    assert_eq!(code_and_path(&refusal(&event)), ("SK0011", Some("data.store")));
    let mut narrow = config();
    narrow.registers.insert(RegisterId::new("1").unwrap());
    let problem = capture(narrow, &sale("1"), &moment()).unwrap_err();
    assert_eq!(code_and_path(&problem), ("SK0011", Some("data.register")));
}

#[test]
fn a_business_date_may_lie_two_days_ahead_and_any_time_back() {
    let on = |date: &str| changed(sale("1"), "/data/businessDate", json!(date));
    entry(&on("2026-11-25"));
    entry(&on("2019-01-01"));
    assert_eq!(code_and_path(&refusal(&on("2026-11-26"))), ("SK0012", Some("data.businessDate")));
}

#[test]
fn practice_is_never_made_an_entry() {
    let capture = Capture::new(Arc::new(config()));
    let event = changed(sale("1"), "/data/flags", json!(["training"]));
    let captured = capture.read(&event.to_string(), now()).unwrap();
    assert!(matches!(captured, Captured::Training(register) if register.as_str() == "2"));
}

#[test]
fn extensions_that_are_not_allowed_stay_here() {
    let mut config = config();
    config.extensions.allowed.insert(protocol::id::Code::new("acme:campaign").unwrap());
    let extensions = json!({ "acme:campaign": "K22", "acme:internal": "7" });
    let event = changed(sale("1"), "/data/extensions", extensions);
    let event = changed(event, "/data/lines/0/extensions", json!({ "acme:shelf": "B" }));
    let event = changed(event, "/data/tenders/0/extensions", json!({ "acme:campaign": "K23" }));
    let entry = capture(config, &event, &moment()).unwrap();
    assert!(entry.event.contains("K22") && entry.event.contains("K23"));
    assert!(!entry.event.contains("acme:internal") && !entry.event.contains("acme:shelf"));
    let local: Value = serde_json::from_str(&entry.local.unwrap()).unwrap();
    let expected = json!({
        "data.extensions": { "acme:internal": "7" },
        "data.lines[0].extensions": { "acme:shelf": "B" }
    });
    assert_eq!(local, expected);
}

#[test]
fn a_line_number_that_stands_twice_is_told_apart_in_the_findings() {
    let mut event = sale("1");
    let line = event["data"]["lines"][0].clone();
    event["data"]["lines"] = json!([line, line]);
    let first = entry(&event);
    assert_eq!(first.findings.line_numbers, [RenumberedLine { stated: 1, assigned: 2 }]);
    assert_eq!(first.findings.balance, [Equation::Transaction]);
    assert_eq!(first.content_hash, entry(&event).content_hash, "a replay stays one");
}

proptest! {
    #[test]
    fn line_numbers_are_unique_after_capture(
        numbers in proptest::collection::vec(prop_oneof![0..6_u32, Just(u32::MAX)], 1..12),
    ) {
        let mut event = sale("1");
        let line = event["data"]["lines"][0].clone();
        let lines = numbers.iter().map(|number| changed(line.clone(), "/line", json!(number)));
        event["data"]["lines"] = lines.collect();
        let entry = entry(&event);
        let Body::Transaction(read) = Event::parse(entry.event.as_bytes()).unwrap().body else {
            panic!("a sale is a transaction");
        };
        let mut assigned: Vec<_> = read.lines.iter().map(|line| line.line).collect();
        let changed = numbers.iter().zip(&assigned).filter(|(a, b)| a != b).count();
        prop_assert_eq!(changed, entry.findings.line_numbers.len());
        assigned.sort_unstable();
        assigned.dedup();
        prop_assert_eq!(assigned.len(), numbers.len());
    }
}

#[test]
fn what_does_not_add_up_is_kept_and_noted() {
    let event = changed(sale("1"), "/data/total/amount", json!(448));
    assert_eq!(entry(&event).findings.balance, [Equation::Transaction, Equation::Tender]);
}

#[test]
fn the_clock_is_noted_and_trusted_until_it_is_set() {
    let noted = |even| {
        let skew = Skew { ms: -1_200, uncertainty_ms: 40, measured_at: now(), even };
        let moment = Moment { skew: Some(skew), ..moment() };
        let clock = capture(config(), &sale("1"), &moment).unwrap().findings.clock.unwrap();
        (clock.skew_ms, clock.trusted)
    };
    assert_eq!([noted(true), noted(false)], [(-1_200, true), (-1_200, false)]);
}

#[test]
fn a_clock_that_was_put_back_years_refuses_no_sale_and_changes_no_business_date() {
    let put_back = Moment { now: "2016-01-01T00:00:00Z".parse().unwrap(), ..moment() };
    let entry = capture(config(), &sale("1"), &put_back).unwrap();
    assert_eq!(entry.natural_key, capture(config(), &sale("1"), &moment()).unwrap().natural_key);
    assert!(entry.event.contains("\"businessDate\":\"2026-11-23\""), "{}", entry.event);
}

#[test]
fn personal_fields_are_sealed_or_refused_and_never_kept_open() {
    let event = changed(sale("1"), "/data/personal", json!({ "email": "a@example.com" }));
    assert_eq!(code_and_path(&refusal(&event)), ("SK0002", Some("data.personal")));
    let key = OpeningKey::from_seed(&[1; 32]);
    let enrolled = Moment { sealing_key: Some(key.sealing_key()), ..moment() };
    let sealed = capture(config(), &event, &enrolled).unwrap();
    assert!(!sealed.event.contains("example.com"), "{}", sealed.event);
    let again = capture(config(), &event, &enrolled).unwrap();
    assert_ne!(sealed.event, again.event, "each seal draws its own seed");
    assert_eq!(sealed.content_hash, again.content_hash, "and is the same content");
    let Body::Transaction(read) = Event::parse(sealed.event.as_bytes()).unwrap().body else {
        panic!("a sale is a transaction");
    };
    let Some(Personal::Sealed(fields)) = read.personal else { panic!("the fields are sealed") };
    assert_eq!(Fields::open(&key, &fields).unwrap().by_name()["email"], "a@example.com");
}

fn post_void_of(receipt: &str) -> Value {
    json!({
        "type": "storekeep.transaction.v1", "time": "2026-11-23T17:10:00+01:00",
        "data": {
            "kind": "post_void", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": "9", "currency": "EUR",
            "original": {
                "store": "0042", "register": "2", "businessDate": "2026-11-23", "receipt": receipt
            }
        }
    })
}

fn filled(post_void: &Value, found: &[Original]) -> Result<NewEntry, Problem> {
    let capture = Capture::new(Arc::new(config()));
    let Captured::Event(mut pending) = capture.read(&post_void.to_string(), now())? else {
        panic!("a post void is no practice");
    };
    let prefix = pending.wanted_original();
    assert_eq!(prefix.as_deref(), Some("transaction/0042/2/2026-11-23/1/"));
    pending.fill(found)?;
    assert_eq!(pending.wanted_original(), None);
    capture.finish(pending, &moment(), &SystemRandom::new())
}

#[test]
fn a_bare_post_void_takes_the_body_of_its_original_reversed() {
    let original = Original::on_its_way(&entry(&sale("1")));
    let post_void = filled(&post_void_of("1"), &[original]).unwrap();
    let event: Value = serde_json::from_str(&post_void.event).unwrap();
    assert_eq!(event["data"]["total"], json!({ "amount": 447, "direction": "out" }));
    assert_eq!(event["data"]["lines"][0]["direction"], "in");
    assert_eq!(post_void.findings.balance, []);
}

#[test]
fn a_post_void_whose_original_is_not_here_alone_is_refused_with_what_to_send() {
    let by = |found: &[Original]| {
        let problem = filled(&post_void_of("1"), found).unwrap_err();
        assert_eq!(code_and_path(&problem), ("SK0002", Some("data.original")));
        assert_eq!(problem.next.as_deref(), Some(post_void::SEND_WHOLE));
        problem.detail
    };
    assert!(by(&[]).contains("not in the journal"));
    let sale_and_exchange =
        |kind: &str| Original::on_its_way(&entry(&changed(sale("1"), "/data/kind", json!(kind))));
    assert!(by(&[sale_and_exchange("sale"), sale_and_exchange("exchange")]).contains("several"));
    assert!(by(&[sale_and_exchange("suspend")]).contains("not in the journal"));
}

#[test]
fn an_original_that_is_found_twice_is_one() {
    let original = || Original::on_its_way(&entry(&sale("1")));
    filled(&post_void_of("1"), &[original(), original()]).unwrap();
}

#[test]
fn a_post_void_in_another_currency_is_refused() {
    let original = Original::on_its_way(&entry(&sale("1")));
    let post_void = changed(post_void_of("1"), "/data/currency", json!("SEK"));
    let problem = filled(&post_void, &[original]).unwrap_err();
    assert_eq!(code_and_path(&problem), ("SK0002", Some("data.currency")));
}

#[test]
fn a_complete_post_void_wants_nothing() {
    let capture = Capture::new(Arc::new(config()));
    let mut event = sale("1");
    event["data"]["kind"] = json!("post_void");
    event["data"]["original"] = serde_json::to_value(LineReference {
        store: StoreId::new("0042").unwrap(),
        register: RegisterId::new("2").unwrap(),
        business_date: "2026-11-23".parse().unwrap(),
        receipt: protocol::id::Receipt::new("0").unwrap(),
        line: None,
        counter_cycle: 0,
    })
    .unwrap();
    let Captured::Event(pending) = capture.read(&event.to_string(), now()).unwrap() else {
        panic!("a post void is no practice");
    };
    assert_eq!(pending.wanted_original(), None);
}
