//! A certificate holds as issued, and not with any byte changed.

use protocol::money::{Currency, Money};
use ring::rand::SystemRandom;

use super::*;
use crate::reconcile::report::Column;

fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate(&SystemRandom::new()).unwrap()).unwrap()
}

fn day(date: &str, minor: i64) -> DayReport {
    let amount = Money::new(minor, Currency::new("EUR").unwrap());
    DayReport {
        tenant: "acme".parse().unwrap(),
        store: "0042".parse().unwrap(),
        business_date: date.parse().unwrap(),
        made_at: "2026-11-24T06:00:00Z".parse().unwrap(),
        agent: AgentColumn { is_level: true, words: "everything is here".to_owned() },
        closed: Closed::ByZ,
        journals: Vec::new(),
        registers: vec![crate::reconcile::report::RegisterReport {
            register: "2".parse().unwrap(),
            is_closed: true,
            zs: Vec::new(),
            pos: vec![Column { count: 3, amount }],
            relay: vec![Column { count: 3, amount }],
            figures: vec![("net_sales".to_owned(), Some(amount.currency), minor)],
            targets: std::collections::BTreeMap::new(),
            supplement: Vec::new(),
            suspended: Vec::new(),
            gaps: Vec::new(),
            twice: (Vec::new(), 0),
            counter: crate::reconcile::figures::Counter::Continues,
        }],
        targets: Vec::new(),
        findings: Vec::new(),
    }
}

fn sealed(key: &SigningKey, date: &str, minor: i64, previous: Option<Link>) -> String {
    let certificate = Certificate {
        document: DOCUMENT.to_owned(),
        version: 1,
        issued_at: Timestamp::UNIX_EPOCH,
        key: key.verifying_key(),
        previous,
        supersedes: None,
        day: day(date, minor),
    };
    seal(certificate, key).unwrap()
}

#[test]
fn a_certificate_holds_as_issued_and_with_no_byte_changed_added_or_left_out() {
    let key = key();
    let text = sealed(&key, "2026-11-23", 1_234, None);
    let held = verify(&text, key.verifying_key()).unwrap();
    assert_eq!(held.certificate.day, day("2026-11-23", 1_234));
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        for other in [bytes[place] ^ 1, b' '] {
            if other == text.as_bytes()[place] {
                continue;
            }
            bytes[place] = other;
            let Ok(changed) = std::str::from_utf8(&bytes) else { continue };
            assert!(verify(changed, key.verifying_key()).is_err(), "byte {place} as {other}");
        }
        let mut shorter = text.clone();
        shorter.remove(place);
        assert!(verify(&shorter, key.verifying_key()).is_err(), "without byte {place}");
        let mut longer = text.clone();
        longer.insert(place, ' ');
        assert!(verify(&longer, key.verifying_key()).is_err(), "a blank at {place}");
    }
}

#[test]
fn another_relays_certificate_is_refused_by_name() {
    let (own, other) = (key(), key());
    let text = sealed(&other, "2026-11-23", 1, None);
    let refused = verify(&text, own.verifying_key()).unwrap_err();
    assert!(matches!(refused, CertificateError::Key { .. }), "{refused}");
    // Signed by another key that claims to be ours.
    let mut certificate = serde_json::from_str::<Sealed>(&text).unwrap().certificate;
    certificate.key = own.verifying_key();
    let forged = seal(certificate, &other).unwrap();
    let refused = verify(&forged, own.verifying_key()).unwrap_err();
    assert!(matches!(refused, CertificateError::Signature(_)), "{refused}");
}

#[test]
fn a_day_that_is_left_out_or_exchanged_breaks_the_chain() {
    let key = key();
    let held = |text: &str| verify(text, key.verifying_key()).unwrap();
    let first = held(&sealed(&key, "2026-11-21", 1, None));
    let link = |of: &Verified| Link {
        business_date: of.certificate.day.business_date,
        version: 1,
        hash: of.hash,
    };
    let second = held(&sealed(&key, "2026-11-22", 2, Some(link(&first))));
    let third = held(&sealed(&key, "2026-11-23", 3, Some(link(&second))));
    let all = [first.clone(), second.clone(), third.clone()];
    assert_eq!(links(&all), [Linked::First, Linked::Holds, Linked::Holds]);
    let (business_date, version) = (second.certificate.day.business_date, 1);
    let absent = Linked::Absent { business_date, version };
    assert_eq!(links(&[first.clone(), third.clone()])[1], absent);
    let exchanged = held(&sealed(&key, "2026-11-22", 99, Some(link(&first))));
    let broken = Linked::Broken { business_date, version };
    assert_eq!(links(&[first, exchanged, third])[2], broken);
}

#[test]
fn only_the_substance_makes_a_new_version() {
    let mut later = day("2026-11-23", 5);
    later.made_at = "2026-11-25T06:00:00Z".parse().unwrap();
    later.agent.words = "everything is here, as of now".to_owned();
    assert_eq!(substance(&later), substance(&day("2026-11-23", 5)));
    assert_ne!(substance(&later), substance(&day("2026-11-23", 6)));
}

#[test]
fn a_day_that_is_open_or_dark_waits() {
    let open = DayReport { closed: Closed::Open, ..day("2026-11-23", 1) };
    assert!(unready(&open, Readiness::Over).is_some());
    let mut dark = day("2026-11-23", 1);
    dark.agent.is_level = false;
    assert_eq!(unready(&dark, Readiness::Over), None);
    assert!(unready(&dark, Readiness::Complete).is_some());
    assert_eq!(unready(&day("2026-11-23", 1), Readiness::Complete), None);
}
