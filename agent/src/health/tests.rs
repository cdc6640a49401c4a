//! What a store reads, and what a change of state keeps.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn offline(since: &str, text: &str) -> Link {
    Link::Offline { since: at(since), reason: Reason::new(Code::RelayUnreachable, text) }
}

#[test]
fn an_outage_keeps_its_beginning_while_its_reason_changes() {
    let health = Health::new(offline("2026-11-23T10:00:00Z", "no route"));
    assert!(health.set_link(offline("2026-11-23T11:00:00Z", "refused")));
    assert_eq!(health.state().link, offline("2026-11-23T10:00:00Z", "refused"));
    assert!(!health.set_link(offline("2026-11-23T12:00:00Z", "refused")), "nothing new");
    assert!(health.set_link(Link::Online { since: at("2026-11-23T12:00:00Z") }));
    assert_eq!(health.state().link.began(), Some(at("2026-11-23T12:00:00Z")));
}

#[test]
fn a_hold_for_another_reason_begins_anew() {
    let held = |reason, since| Link::Held { reason, since: at(since) };
    let health = Health::new(held(HoldReason::Behind, "2026-11-23T10:00:00Z"));
    health.set_link(held(HoldReason::Clone, "2026-11-23T11:00:00Z"));
    assert_eq!(health.state().link, held(HoldReason::Clone, "2026-11-23T11:00:00Z"));
}

#[test]
fn the_sentence_says_what_is_safe_and_what_there_is_to_do() {
    let state = |link| State { link, skew: None, last_contact: None };
    let now = at("2026-11-23T12:14:59Z");
    let sentence = |link, unsent| state(link).sentence(unsent, now);
    assert_eq!(
        sentence(offline("2026-11-23T10:00:00Z", "no route"), 37),
        "Selling offline for 2 h 14 m; 37 sales safe on this machine; nothing to do."
    );
    assert_eq!(
        sentence(offline("2026-11-20T10:00:00Z", "no route"), 1),
        "Selling offline for 3 d 2 h; 1 sale safe on this machine; nothing to do."
    );
    assert_eq!(
        sentence(Link::Online { since: now }, 0),
        "Selling online; everything is relayed; nothing to do."
    );
    let reason = HoldReason::Clone;
    let held = sentence(Link::Held { reason, since: at("2026-11-23T12:00:00Z") }, 2);
    assert!(held.contains("for 14 m (two running copies") && held.ends_with("tell your IT."));
}

#[test]
fn a_clock_behind_the_relay_has_a_positive_skew() {
    let health = Health::new(Link::NoRelay);
    health.heard(at("2026-11-23T10:00:01.500Z"), at("2026-11-23T10:00:00Z"));
    let state = health.state();
    assert_eq!(state.skew.unwrap().to_string(), "1500 ms behind the relay");
    health.heard(at("2026-11-23T09:59:59Z"), at("2026-11-23T10:00:00Z"));
    assert_eq!(health.state().skew.unwrap().to_string(), "1000 ms ahead of the relay");
    assert_eq!(state.last_contact, Some(at("2026-11-23T10:00:00Z")));
}
