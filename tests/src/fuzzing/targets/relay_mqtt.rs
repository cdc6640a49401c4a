//! What a broker brings to the relay, signed by a device that says whatever it likes: every answer
//! goes to the topic of the device that asked, repeats its correlation, is signed, and never says
//! that the relay failed.

use std::time::Duration;

use broker::{Envelope, Kind, Topics, device_of, page_signed};
use cloud_relay::ingest::mqtt::{Desk, Question};
use protocol::batch::BatchAnswer;
use protocol::compress;
use protocol::id::{DeviceId, StoreId};
use protocol::problem::Problem;
use protocol::sign::{SIGNATURE_HEADER, verify};
use rumqttc::v5::mqttbytes::v5::Publish;

use super::frames::{messages, packet};
use super::ingest::{WORDS, held, mended};
use crate::fuzzing::fixtures::relay::{Bench, DEVICE, TICKET};
use crate::fuzzing::fixtures::signing::SIGNED;
use crate::fuzzing::fixtures::{problem, runtime, wire};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "relay_mqtt",
    run,
    form: Form::Mqtt,
    words: WORDS,
    inputs_per_round: 200,
    seeds,
};

/// Longer than any answer waits, by a clock that only goes on when everybody waits.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// From this status on a refusal says that the relay itself failed.
const RELAYS_OWN_TROUBLE: u16 = 500;

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let messages = messages(input);
    if messages.is_empty() {
        return;
    }
    let bench = Bench::new();
    let desk = Desk::new(bench.ingest.clone());
    runtime().block_on(async {
        for message in messages {
            let message = signed(message, &bench);
            let Some(question) = Question::of(&message) else { continue };
            let answering = desk.answer(&question, &message.payload);
            let answer = tokio::time::timeout(ANSWER_WITHIN, answering).await;
            let answer = answer.expect("an answer comes").expect("somebody waits for it");
            check(&bench, &message, &answer).await;
        }
    });
}

async fn check(bench: &Bench, question: &Publish, answer: &Publish) {
    let (asked, said) = (Envelope::of(question), Envelope::of(answer));
    let (asked, said) = (asked.expect("it was read"), said.expect("an answer is one of ours"));
    let (store, device) = device_of(&question.topic).expect("it was read");
    let topics = Topics::of(&store, &device);
    let due = if asked.kind == Kind::Poll { topics.down() } else { topics.ack() };
    assert_eq!(answer.topic, due.as_bytes(), "an answer goes to whoever asked");
    assert_eq!(said.correlation, asked.correlation, "an answer repeats its question's number");
    let covered = match said.kind {
        Kind::Page => page_signed(&question.payload, &answer.payload),
        _ => answer.payload.to_vec(),
    };
    let signature = said.signature.and_then(|text| text.parse().ok()).expect("it is signed");
    assert!(verify(bench.relay_key, &covered, signature).is_ok(), "it is signed by the relay");
    if said.kind == Kind::Problem {
        let refusal: Problem = serde_json::from_slice(&answer.payload).expect("a problem");
        assert!(refusal.status < RELAYS_OWN_TROUBLE, "nothing makes the relay fail: {refusal}");
        return problem::check(&refusal);
    }
    assert_eq!(said.kind == Kind::Page, asked.kind == Kind::Poll, "an answer is of its kind");
    if let Ok(BatchAnswer::Acknowledgement(stated)) = serde_json::from_slice(&answer.payload) {
        held(bench, &stated).await;
    }
}

/// Signs a message that asks for it, and packs a batch that is not packed.
fn signed(mut message: Publish, bench: &Bench) -> Publish {
    let Some(envelope) = Envelope::of(&message) else { return message };
    if envelope.signature.as_deref() != Some(SIGNED) {
        return message;
    }
    let signature = bench.device_key.sign(&message.payload).to_string();
    if envelope.kind == Kind::Batch {
        message.payload = compress::pack(&message.payload).into();
    }
    let properties = message.properties.iter_mut().flat_map(|all| &mut all.user_properties);
    for (name, value) in properties {
        if name == SIGNATURE_HEADER {
            value.clone_from(&signature);
        }
    }
    message
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let store = StoreId::new("0042").expect("a name");
    let topics = Topics::of(&store, &DeviceId::new(DEVICE).expect("a name"));
    let message = |kind: Kind, body: Vec<u8>| {
        let said = Envelope::question(kind, [7; 16], SIGNED.to_owned());
        packet(said.around(topics.up(), body))
    };
    let poll =
        format!("/v1/devices/{DEVICE}/downlink?after=0&wait=1&head=0&ticket={TICKET}").into_bytes();
    let statement = mended(&wire("statement"));
    vec![
        ("session".to_owned(), message(Kind::Session, statement.clone())),
        ("batch".to_owned(), message(Kind::Batch, mended(&wire("batch")))),
        ("poll".to_owned(), message(Kind::Poll, poll.clone())),
        ("page".to_owned(), message(Kind::Page, wire("downlink-page"))),
        ("two".to_owned(), [message(Kind::Session, statement), message(Kind::Poll, poll)].concat()),
    ]
}
