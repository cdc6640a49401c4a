//! A record keeps the event byte for byte.

use super::*;

#[test]
fn a_sealed_record_reads_back_with_the_same_event_bytes() {
    let event = r#"{"b":1,  "a":"ü"}"#;
    let findings = Findings { balance: vec![Equation::Tender], ..Findings::default() };
    let at: Timestamp = "2026-11-23T16:04:11.5Z".parse().unwrap();
    let record = Record::parse(&seal(event, &findings, at)).unwrap();
    assert_eq!(record.event.get(), event);
    assert_eq!(record.findings, findings);
    assert_eq!(record.journaled_at, at);
}

#[test]
fn a_record_of_a_later_version_is_named_as_such() {
    let record = r#"{"version":2,"journaledAt":"2026-11-23T16:04:11Z","findings":{},"event":{}}"#;
    assert!(matches!(Record::parse(record.as_bytes()), Err(RecordError::Version(2))));
}
