//! What ends a question, and what does not.

use broker::CORRELATION_BYTES;
use protocol::id::{DeviceId, StoreId};

use super::*;

const ONE: Correlation = [1; CORRELATION_BYTES];
const TWO: Correlation = [2; CORRELATION_BYTES];

fn topics() -> Topics {
    Topics::of(&StoreId::new("0042").unwrap(), &DeviceId::new("d-1").unwrap())
}

fn message(topic: String, kind: Kind, correlation: Correlation, body: &[u8]) -> Publish {
    Envelope::question(kind, correlation, "00".repeat(64)).around(topic, body.to_vec())
}

fn asked(kind: Kind) -> (Waiting, oneshot::Receiver<Outcome>) {
    let mut waiting = Waiting::new(topics());
    let answer = waiting.ask(ONE, kind).unwrap();
    waiting.given(None);
    waiting.given(Some(ONE));
    waiting.numbered(1);
    waiting.numbered(2);
    (waiting, answer)
}

#[test]
fn a_confirmation_of_the_broker_answers_nothing() {
    let (mut waiting, mut answer) = asked(Kind::Batch);
    waiting.confirmed(1, PubAckReason::NoMatchingSubscribers);
    assert!(!waiting.is_confirmed(&ONE), "that was about the state");
    waiting.confirmed(2, PubAckReason::Success);
    assert!(waiting.is_confirmed(&ONE));
    assert!(answer.try_recv().is_err(), "still waited for");
}

#[test]
fn what_the_broker_did_not_pass_on_has_failed() {
    let (mut waiting, mut answer) = asked(Kind::Batch);
    waiting.confirmed(2, PubAckReason::NoMatchingSubscribers);
    assert!(matches!(answer.try_recv(), Ok(Err(Failure::Unreachable(_)))));
    let (mut waiting, mut answer) = asked(Kind::Session);
    waiting.confirmed(2, PubAckReason::NotAuthorized);
    let Ok(Err(Failure::Refused(reason))) = answer.try_recv() else { panic!("not refused") };
    assert_eq!(reason.code, Code::Configuration);
}

#[test]
fn only_the_questions_own_correlation_kind_and_topic_answer_it() {
    let (mut waiting, mut answer) = asked(Kind::Batch);
    let strays = [
        message(topics().ack(), Kind::Batch, TWO, b"{}"),
        message(topics().ack(), Kind::Session, ONE, b"{}"),
        message(topics().down(), Kind::Batch, ONE, b"{}"),
        Publish::new(topics().ack(), rumqttc::v5::mqttbytes::QoS::AtLeastOnce, "{}", None),
    ];
    for stray in strays {
        assert_eq!(waiting.arrived(&stray), Answered::Nobody);
    }
    assert!(answer.try_recv().is_err());
    let whole = message(topics().ack(), Kind::Batch, ONE, b"{}");
    assert_eq!(waiting.arrived(&whole), Answered::Question);
    assert_eq!(answer.try_recv().unwrap().unwrap().body, b"{}");
    assert_eq!(waiting.arrived(&whole), Answered::Nobody, "once");
}

#[test]
fn a_poll_is_answered_on_the_way_down() {
    let (mut waiting, mut answer) = asked(Kind::Poll);
    let page = |topic| message(topic, Kind::Page, ONE, b"{}");
    assert_eq!(waiting.arrived(&page(topics().ack())), Answered::Nobody);
    assert_eq!(waiting.arrived(&page(topics().down())), Answered::Question);
    assert!(answer.try_recv().unwrap().is_ok());
}

#[test]
fn a_refusal_means_what_it_means_over_https() {
    let (mut waiting, mut answer) = asked(Kind::Batch);
    let problem = serde_json::to_vec(&Problem::new(Code::StaleSession, "over")).unwrap();
    waiting.arrived(&message(topics().ack(), Kind::Problem, ONE, &problem));
    assert!(matches!(answer.try_recv(), Ok(Err(Failure::StaleSession(_)))));
}

#[test]
fn the_end_of_the_connection_ends_every_question_and_takes_no_new_one() {
    let (mut waiting, mut answer) = asked(Kind::Batch);
    let gone = Failure::Unreachable(Reason::new(Code::RelayUnreachable, "gone"));
    waiting.end(&gone);
    assert_eq!(answer.try_recv().unwrap().unwrap_err(), gone);
    assert_eq!(waiting.ask(TWO, Kind::Batch).unwrap_err(), gone);
    assert_eq!(waiting.ended(), Some(gone));
}
