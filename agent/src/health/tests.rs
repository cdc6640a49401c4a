//! What a store reads, and what a change of state keeps.

use protocol::bytes::Bytes;
use std::time::Duration;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Reading {
    reading("2026-11-23T10:00:00Z")
}

fn reading(host: &str) -> Reading {
    Reading { host: at(host), steady: Duration::ZERO }
}

fn offline(since: &str, text: &str) -> Link {
    Link::Offline { since: at(since), reason: Reason::new(Code::RelayUnreachable, text) }
}

#[test]
fn an_outage_keeps_its_beginning_while_its_reason_changes() {
    let health = Health::new(offline("2026-11-23T10:00:00Z", "no route"));
    assert!(health.set_link(offline("2026-11-23T11:00:00Z", "refused")));
    assert_eq!(health.state(now()).link, offline("2026-11-23T10:00:00Z", "refused"));
    assert!(!health.set_link(offline("2026-11-23T12:00:00Z", "refused")), "nothing new");
    assert!(health.set_link(Link::Online { since: at("2026-11-23T12:00:00Z") }));
    assert_eq!(health.state(now()).link.began(), Some(at("2026-11-23T12:00:00Z")));
}

#[test]
fn a_hold_for_another_reason_begins_anew() {
    let held = |reason, since| Link::Held { reason, since: at(since) };
    let health = Health::new(held(HoldReason::Behind, "2026-11-23T10:00:00Z"));
    health.set_link(held(HoldReason::Clone, "2026-11-23T11:00:00Z"));
    assert_eq!(health.state(now()).link, held(HoldReason::Clone, "2026-11-23T11:00:00Z"));
}

#[test]
fn the_sentence_says_what_is_safe_and_what_there_is_to_do() {
    let state = State::new;
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
fn a_clock_behind_the_relay_has_a_positive_skew_and_is_shown_when_it_matters() {
    let health = Health::new(Link::NoRelay);
    let skew = |relay: &str| {
        health.measured(Reckoning::measured(at(relay), now(), now()), now().host);
        health.state(now()).skew.unwrap()
    };
    assert_eq!(skew("2026-11-23T10:00:01.500Z").to_string(), "1500 ms behind the relay");
    assert_eq!(skew("2026-11-23T09:59:59Z").to_string(), "1000 ms ahead of the relay");
    assert_eq!(health.state(now()).last_contact, Some(now().host));
    skew("2026-11-23T13:00:00Z");
    assert_eq!(
        health.state(now()).sentence(0, now().host),
        "Selling without a relay; 0 sales safe on this machine; nothing to do. The clock of this \
         machine is 3 h 0 m behind; tell your IT."
    );
}

#[test]
fn local_data_ages_by_the_relays_time_whatever_the_host_is_set_to() {
    let health = Health::new(Link::NoRelay);
    let put_back = reading("2016-11-23T10:00:00Z");
    assert_eq!(health.time(put_back), put_back.host, "nothing else is known");
    health.it_was(at("2026-11-22T10:00:00Z"));
    assert_eq!(health.latest(put_back), at("2026-11-22T10:00:00Z"));
    health.measured(Reckoning::measured(now().host, now(), now()), now().host);
    assert_eq!(health.time(put_back), now().host);
    assert_eq!(health.latest(put_back), now().host);
    let put_forward = reading("2026-11-26T10:00:00Z");
    assert_eq!(health.time(put_forward), now().host);
}

#[test]
fn a_host_that_was_put_back_to_an_older_state_says_so_as_long_as_nobody_has_looked() {
    let health = Health::new(Link::NoRelay);
    let (epoch, former) = (Bytes([2; 16]), Bytes([1; 16]));
    let at = Timestamp::UNIX_EPOCH;
    health.rewound(Rewound { epoch, former, after: Sequence(7), lost: 3, at });
    let sentence = health.0.borrow().sentence(0, at);
    assert!(sentence.contains("3 relayed entries are not on it"), "{sentence}");
}
