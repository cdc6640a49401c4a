//! Only who shows a good token is enrolled, and once.

use protocol::enrolment::EnrolmentAnswer;

use super::make::{Agent, Bench, at, signing_key, token};
use crate::seams::Seams;

#[tokio::test]
async fn a_good_token_enrols_one_device_under_a_name_nobody_can_guess() {
    let bench = Bench::new(Seams::default());
    bench.store.add_token(token("good", Some("0042"))).await.unwrap();
    let agent = Agent::new(signing_key());
    let answer: EnrolmentAnswer = agent.enrol(&bench, "good", "0042").await.read();
    assert_eq!(answer.device.as_str().len(), 2 + 24);
    assert_eq!(answer.tenant.as_str(), "acme");
    let device = bench.store.device(&answer.device).await.unwrap().unwrap();
    assert_eq!(device.public_key, agent.key.verifying_key());
    let other = Agent::new(signing_key());
    assert_eq!(other.enrol(&bench, "good", "0042").await.code(), "SK0026");
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_whoever_holds_the_key() {
    let bench = Bench::new(Seams::default());
    bench.store.add_token(token("good", None)).await.unwrap();
    let agent = Agent::new(signing_key());
    let first: EnrolmentAnswer = agent.enrol(&bench, "good", "0042").await.read();
    let second: EnrolmentAnswer = agent.enrol(&bench, "good", "0042").await.read();
    assert_eq!(first, second);
    bench.store.revoke_device(&first.device, at(1)).await.unwrap();
    assert_eq!(agent.enrol(&bench, "good", "0042").await.code(), "SK0022");
}

#[tokio::test]
async fn unknown_foreign_revoked_and_expired_tokens_are_refused() {
    let bench = Bench::new(Seams::default());
    for (text, store) in [("foreign", Some("0043")), ("revoked", None), ("late", None)] {
        bench.store.add_token(token(text, store)).await.unwrap();
    }
    bench.store.revoke_token("revoked", at(1)).await.unwrap();
    let agent = Agent::new(signing_key());
    for text in ["never-made", "foreign", "revoked"] {
        assert_eq!(agent.enrol(&bench, text, "0042").await.code(), "SK0026", "{text}");
    }
    bench.set_time(1_000);
    assert_eq!(agent.enrol(&bench, "late", "0042").await.code(), "SK0026");
    assert!(bench.store.devices().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_that_its_sender_does_not_hold_is_refused_before_the_token_is_used() {
    let bench = Bench::new(Seams::default());
    bench.store.add_token(token("good", None)).await.unwrap();
    let (victim, thief) = (signing_key(), Agent::new(signing_key()));
    let body = format!(
        r#"{{"protocolVersion":1,"token":"good","store":"0042","publicKey":"{}","agentVersion":"1"}}"#,
        victim.verifying_key()
    );
    let request = axum::http::Request::post("/v1/devices")
        .header("storekeep-signature", thief.key.sign(body.as_bytes()).to_string())
        .body(body.into())
        .unwrap();
    assert_eq!(bench.call(request).await.code(), "SK0021");
    assert_eq!(bench.store.tokens().await.unwrap()[0].uses_left, 1);
}

#[tokio::test]
async fn another_version_and_a_body_that_is_no_enrolment_are_told_apart() {
    let bench = Bench::new(Seams::default());
    let post =
        |body: &str| axum::http::Request::post("/v1/devices").body(body.to_owned().into()).unwrap();
    assert_eq!(bench.call(post(r#"{"protocolVersion":9}"#)).await.code(), "SK0025");
    assert_eq!(bench.call(post(r#"{"protocolVersion":1}"#)).await.code(), "SK0030");
    assert_eq!(bench.call(post("no JSON")).await.code(), "SK0030");
    assert_eq!(bench.call(post(&" ".repeat(20_000))).await.code(), "SK0005");
}
