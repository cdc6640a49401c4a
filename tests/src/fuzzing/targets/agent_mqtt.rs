//! What a broker brings to an agent that waits for three answers: a question is answered at most
//! once, only by a message that repeats its correlation on its own topic, and counts only with the
//! relay's signature.

use std::collections::BTreeMap;

use agent::sync::answer::{Answer, signed};
use agent::sync::mqtt::waiting::{Answered, Outcome, Waiting};
use broker::{Correlation, Envelope, Kind, Topics};
use protocol::batch::BatchAnswer;
use protocol::bytes::Bytes;
use protocol::id::{DeviceId, StoreId};
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::oneshot::Receiver;

use super::frames::{messages, packet};
use crate::fuzzing::fixtures::wire;
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "agent_mqtt",
    run,
    form: Form::Mqtt,
    words: &[
        "kind",
        "session",
        "batch",
        "poll",
        "page",
        "problem",
        "retry-after",
        "traceparent",
        "storekeep-signature",
        "storekeep/v1/0042/d-1/ack",
        "storekeep/v1/0042/d-1/down",
    ],
    inputs_per_round: 3_000,
    seeds,
};

/// What is waited for, and the kind of message that answers it.
const QUESTIONS: [(Correlation, Kind, Kind); 3] = [
    ([1; 16], Kind::Session, Kind::Session),
    ([2; 16], Kind::Batch, Kind::Batch),
    ([3; 16], Kind::Poll, Kind::Page),
];

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let topics = topics();
    let mut waiting = Waiting::new(topics.clone());
    let mut open: BTreeMap<Correlation, (Kind, Receiver<Outcome>)> = BTreeMap::new();
    for (correlation, asked, expects) in QUESTIONS {
        let answer = waiting.ask(correlation, asked).expect("the connection stands");
        open.insert(correlation, (expects, answer));
    }
    for message in messages(input) {
        let answered = waiting.arrived(&message);
        let question = Envelope::of(&message).and_then(|envelope| {
            let (expects, _) = open.get(&envelope.correlation)?;
            let topic = if *expects == Kind::Page { topics.down() } else { topics.ack() };
            let fits = envelope.kind == *expects || envelope.kind == Kind::Problem;
            (fits && message.topic == topic.as_bytes()).then_some(envelope)
        });
        let is_due = question.is_some();
        assert_eq!(answered == Answered::Question, is_due, "who is answered: {message:?}");
        let Some(envelope) = question else { continue };
        let (_, mut answer) = open.remove(&envelope.correlation).expect("it was open");
        let outcome = answer.try_recv().expect("an answer comes at once");
        let is_problem = envelope.kind == Kind::Problem;
        assert_eq!(outcome.is_err(), is_problem, "a problem is a failure, and nothing else is");
        if let Ok(answer) = outcome {
            counts_for_nothing(&answer, &message);
        }
    }
    for (_, (_, mut answer)) in open {
        assert!(answer.try_recv().is_err(), "nobody else is answered");
    }
}

/// No input of this corpus is signed by the relay.
fn counts_for_nothing(answer: &Answer, message: &Publish) {
    assert_eq!(answer.body, message.payload, "an answer is what the broker brought");
    let read = signed::<BatchAnswer>(answer, Bytes([2; 32]));
    assert!(read.is_err(), "what the relay did not sign does not count");
}

fn topics() -> Topics {
    let store = StoreId::new("0042").expect("a name");
    Topics::of(&store, &DeviceId::new("d-1").expect("a name"))
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let signature = || Some("22".repeat(64));
    let message = |kind: Kind, correlation: Correlation, body: Vec<u8>| {
        let trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        let retry_after = (kind == Kind::Problem).then_some(2);
        let said = Envelope { kind, correlation, signature: signature(), retry_after, trace };
        let topic = if correlation == [3; 16] { topics().down() } else { topics().ack() };
        packet(said.around(topic, body))
    };
    vec![
        ("session".to_owned(), message(Kind::Session, [1; 16], wire("session-answer"))),
        ("batch".to_owned(), message(Kind::Batch, [2; 16], wire("batch-answer"))),
        ("page".to_owned(), message(Kind::Page, [3; 16], wire("downlink-page"))),
        ("problem".to_owned(), message(Kind::Problem, [2; 16], wire("problem"))),
        (
            "two".to_owned(),
            [
                message(Kind::Batch, [2; 16], wire("batch-answer")),
                message(Kind::Session, [1; 16], wire("session-answer")),
            ]
            .concat(),
        ),
    ]
}
