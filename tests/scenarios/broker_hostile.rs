//! A broker that lies: everything that it can say on a device's topics without the relay's key, and
//! everything that the relay once said.
//!
//! The broker is real; the relay is played by the test, which holds the relay's key, so that each
//! lie can be told at the moment at which it would count.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use agent::config::MqttConfig;
use agent::health::{Health, Link};
use agent::seams::Seams;
use agent::sync::mqtt::{Mqtt, Names};
use agent::sync::{Parts, sync};
use broker::{Envelope, Kind, Topics, page_signed};
use jiff::Timestamp;
use journal::{DataKey, Journal, NewEntry, Options};
use protocol::batch::{Acknowledgement, Batch, BatchAnswer};
use protocol::bytes::Bytes;
use protocol::chain::{Position, Sequence};
use protocol::compress;
use protocol::downlink::{DownlinkBody, DownlinkItem, DownlinkPage};
use protocol::handshake::{SessionAnswer, Standing, Statement};
use protocol::id::{DeviceId, EventId, StoreId};
use protocol::limits::BATCH_BYTES_MAX;
use protocol::problem::{Code, Problem};
use protocol::record::Findings;
use protocol::sign::SigningKey;
use ring::rand::SystemRandom;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use serde::Serialize;
use tests::{mosquitto, mosquitto::Mosquitto, wait};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// Far beyond what any of this takes; reached only by a fault.
const DEADLINE: Duration = Duration::from_secs(40);

/// Between two askings of a relay that may not listen yet.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// A plain client of the broker.
pub(crate) struct Client {
    client: AsyncClient,
    messages: Mutex<mpsc::Receiver<Publish>>,
}

impl Client {
    /// Connects and subscribes; returns once the broker has confirmed it.
    pub(crate) async fn connect(broker: SocketAddr, topics: &[String]) -> Self {
        // The only client of its kind at a broker of its own.
        let mut options = MqttOptions::new("the-test", broker.ip().to_string(), broker.port());
        options.set_max_packet_size(Some(4 * 1024 * 1024));
        let (client, mut events) = AsyncClient::new(options, 64);
        let (received, messages) = mpsc::channel(1_024);
        for topic in topics {
            client.try_subscribe(topic, QoS::AtLeastOnce).unwrap();
        }
        let (subscribed, all) = tokio::sync::oneshot::channel();
        let mut open = Some(subscribed);
        let mut missing = topics.len();
        tokio::spawn(async move {
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Packet::SubAck(_)) => {
                        missing -= 1;
                        if let Some(subscribed) = open.take_if(|_| missing == 0) {
                            subscribed.send(()).unwrap();
                        }
                    }
                    Event::Incoming(Packet::Publish(message)) => {
                        let Ok(()) = received.send(message).await else { return };
                    }
                    _ => {}
                }
            }
        });
        timeout(DEADLINE, all).await.unwrap().unwrap();
        Self { client, messages: Mutex::new(messages) }
    }

    pub(crate) async fn publish(&self, message: Publish) {
        let topic = String::from_utf8(message.topic.to_vec()).unwrap();
        let Publish { qos, retain, payload, properties, .. } = message;
        let properties = properties.unwrap_or_default();
        self.client.publish_with_properties(topic, qos, retain, payload, properties).await.unwrap();
    }

    pub(crate) async fn next(&self) -> Publish {
        timeout(DEADLINE, self.messages.lock().await.recv()).await.unwrap().unwrap()
    }

    /// Asks until a relay listens and answers.
    pub(crate) async fn ask_until_answered(&self, question: Publish) -> (Envelope, Vec<u8>) {
        let asking = async {
            loop {
                self.publish(question.clone()).await;
                let mut messages = self.messages.lock().await;
                if let Ok(answer) = timeout(ANSWER_WAIT, messages.recv()).await {
                    let answer = answer.unwrap();
                    return (Envelope::of(&answer).unwrap(), answer.payload.to_vec());
                }
            }
        };
        timeout(DEADLINE, asking).await.unwrap()
    }
}

fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate(&SystemRandom::new()).unwrap()).unwrap()
}

fn names() -> Names {
    Names { store: StoreId::new("0042").unwrap(), device: DeviceId::new("d-1").unwrap() }
}

fn topics() -> Topics {
    Topics::of(&names().store, &names().device)
}

/// A store with its journal, a broker, and the relay that the test plays.
struct Stage {
    _folder: tempfile::TempDir,
    _broker: Mosquitto,
    parts: Parts,
    uplink: Arc<Mqtt>,
    relay_key: SigningKey,
    relay: Client,
}

/// A question as the played relay sees it.
struct Asked {
    envelope: Envelope,
    payload: Vec<u8>,
}

impl Stage {
    async fn new(program: &std::path::Path, seams: Seams) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = Mosquitto::start(program, &folder.path().join("broker"), &[]).await.unwrap();
        let options = Options {
            file: folder.path().join("journal.db"),
            key: DataKey::new([1; 32]),
            new_epoch: Bytes([7; 16]),
        };
        let parts = Parts {
            store: names().store,
            journal: Journal::open(&options).unwrap(),
            health: Health::new(Link::NoRelay),
            seams,
            instance: Bytes([3; 16]),
        };
        let relay_key = key();
        let config = MqttConfig {
            url: format!("mqtt://{}", broker.address).parse().unwrap(),
            username: None,
            password_file: None,
            ca_file: None,
            metered: None,
        };
        let random = Arc::new(SystemRandom::new());
        let verifying = relay_key.verifying_key();
        let uplink = Mqtt::new(&config, names(), Arc::new(key()), verifying, random).unwrap();
        let relay = Client::connect(broker.address, &[topics().up(), topics().state()]).await;
        let uplink = Arc::new(uplink);
        Self { _folder: folder, _broker: broker, parts, uplink, relay_key, relay }
    }

    async fn sell(&self, number: u8) {
        let entry = NewEntry {
            event_id: EventId(uuid::Uuid::from_bytes([number; 16])),
            natural_key: format!("sale/{number}"),
            content_hash: Bytes([number; 32]),
            event: format!("{{\"number\":{number}}}"),
            findings: Findings::default(),
            journaled_at: Timestamp::UNIX_EPOCH,
            cursor: None,
            local: None,
        };
        self.parts.journal.append(entry).await.unwrap();
    }

    async fn while_syncing(&self, story: impl Future<Output = ()>) {
        tokio::select! {
            displaced = sync(self.parts.clone(), Arc::clone(&self.uplink), names().device) => {
                panic!("{displaced:?}")
            }
            () = story => {}
        }
    }

    /// The next question of a kind; others are left unanswered.
    async fn asked(&self, kind: Kind) -> Asked {
        loop {
            let message = self.relay.next().await;
            if message.topic != topics().up().as_bytes() {
                continue;
            }
            let envelope = Envelope::of(&message).expect("an agent says what it sends");
            if envelope.kind == kind {
                return Asked { envelope, payload: message.payload.to_vec() };
            }
        }
    }

    /// Says something in answer to a question, signed by `key`.
    async fn say(
        &self,
        asked: &Asked,
        kind: Kind,
        body: &impl Serialize,
        key: Option<&SigningKey>,
    ) {
        let body = serde_json::to_vec(body).unwrap();
        let signature = key.map(|key| key.sign(&body).to_string());
        let envelope = Envelope { kind, signature, ..asked.envelope.clone() };
        self.relay.publish(envelope.around(topics().ack(), body)).await;
    }

    /// Opens the next session at what the relay holds, and returns what the agent stated.
    async fn session(&self, head: Position) -> Statement {
        let asked = self.asked(Kind::Session).await;
        let statement: Statement = serde_json::from_slice(&asked.payload).unwrap();
        let answer = answer(&statement, head);
        self.say(&asked, Kind::Session, &answer, Some(&self.relay_key)).await;
        statement
    }

    /// The next batch, with the acknowledgement that it deserves.
    async fn batch(&self) -> (Asked, Acknowledgement) {
        let asked = self.asked(Kind::Batch).await;
        let json = compress::unpack(&asked.payload, BATCH_BYTES_MAX).unwrap();
        let batch: Batch = serde_json::from_slice(&json).unwrap();
        let end = *batch.positions().unwrap().last().unwrap();
        let Position { sequence, chain_hash } = end;
        let (device, epoch) = (batch.device, batch.epoch);
        (asked, Acknowledgement { device, epoch, sequence, chain_hash })
    }

    async fn until_acknowledged(&self, position: Position) {
        let look = || async { (self.parts.journal.acknowledged() == position).then_some(()) };
        wait::until("the journal to count it as relayed", DEADLINE, look).await.unwrap();
    }
}

/// What the relay says to a statement.
fn answer(statement: &Statement, head: Position) -> SessionAnswer {
    SessionAnswer {
        device: statement.device.clone(),
        epoch: statement.epoch,
        head,
        standing: Standing::Resume,
        // Each session has a ticket of its own.
        ticket: Bytes([u8::try_from(statement.attempt).unwrap(); 16]),
        instance: statement.instance,
        attempt: statement.attempt,
        relay_time: Timestamp::UNIX_EPOCH,
    }
}

/// What a broker can say in place of the acknowledgement of a batch.
#[derive(Debug, Clone, Copy)]
enum Lie {
    Unsigned,
    SignedByAnother,
    AnotherHash,
    BeyondTheJournal,
    AnotherDevice,
    Replayed,
}

impl Stage {
    /// Tells a lie in answer to a batch.
    async fn tell(&self, lie: Lie, asked: &Asked, honest: &Acknowledgement, old: &Acknowledgement) {
        let genuine = Some(&self.relay_key);
        let another = key();
        let (said, key) = match lie {
            Lie::Unsigned => (honest.clone(), None),
            Lie::SignedByAnother => (honest.clone(), Some(&another)),
            Lie::AnotherHash => {
                (Acknowledgement { chain_hash: Bytes([9; 32]), ..honest.clone() }, genuine)
            }
            Lie::BeyondTheJournal => {
                let sequence = Sequence(honest.sequence.0 + 1_000);
                (Acknowledgement { sequence, ..honest.clone() }, genuine)
            }
            Lie::AnotherDevice => {
                let device = DeviceId::new("d-2").unwrap();
                (Acknowledgement { device, ..honest.clone() }, genuine)
            }
            Lie::Replayed => (old.clone(), genuine),
        };
        self.say(asked, Kind::Batch, &BatchAnswer::Acknowledgement(said), key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_broker_says_advances_the_journal_but_the_relays_own_word() {
    let Some(program) = mosquitto::needed() else { return };
    let stage = Stage::new(&program, Seams::default()).await;
    stage.sell(1).await;
    let lies = [
        Lie::Unsigned,
        Lie::SignedByAnother,
        Lie::AnotherHash,
        Lie::BeyondTheJournal,
        Lie::AnotherDevice,
        Lie::Replayed,
    ];
    let story = async {
        stage.session(Position::START).await;
        let (begun, first) = stage.batch().await;
        stage
            .say(
                &begun,
                Kind::Batch,
                &BatchAnswer::Acknowledgement(first.clone()),
                Some(&stage.relay_key),
            )
            .await;
        let mut held = first.position();
        stage.until_acknowledged(held).await;
        for (lie, number) in lies.into_iter().zip(2..) {
            stage.sell(number).await;
            let (asked, honest) = stage.batch().await;
            // An answer to a question that nobody asked comes before it and changes nothing.
            let stray = Asked {
                envelope: Envelope { correlation: [0xEE; 16], ..asked.envelope.clone() },
                payload: Vec::new(),
            };
            let word = BatchAnswer::Acknowledgement(honest.clone());
            stage.say(&stray, Kind::Batch, &word, Some(&stage.relay_key)).await;
            stage.tell(lie, &asked, &honest, &first).await;
            // The agent gives the session up and states what it believes to be relayed.
            let statement = stage.session(held).await;
            assert_eq!(statement.acknowledged, held, "{lie:?}");
            let (asked, honest) = stage.batch().await;
            let word = BatchAnswer::Acknowledgement(honest.clone());
            stage.say(&asked, Kind::Batch, &word, Some(&stage.relay_key)).await;
            held = honest.position();
            stage.until_acknowledged(held).await;
            // The relay's earlier words come again, behind the later one.
            for old in [&stray, &begun] {
                let word = BatchAnswer::Acknowledgement(first.clone());
                stage.say(old, Kind::Batch, &word, Some(&stage.relay_key)).await;
            }
            assert_eq!(stage.parts.journal.acknowledged(), held);
        }
    };
    stage.while_syncing(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_earlier_statement_opens_no_session() {
    let Some(program) = mosquitto::needed() else { return };
    let stage = Stage::new(&program, Seams::default()).await;
    stage.sell(1).await;
    let story = async {
        let earlier = stage.session(Position::START).await;
        let (asked, honest) = stage.batch().await;
        let stale = Problem::new(Code::StaleSession, "there is no session for this journal");
        stage.say(&asked, Kind::Problem, &stale, Some(&stage.relay_key)).await;
        let head = honest.position();
        let mut last = earlier.attempt;
        let another = key();
        let forged = |statement: &Statement| answer(statement, head);
        for lie in 0..3 {
            let asked = stage.asked(Kind::Session).await;
            let statement: Statement = serde_json::from_slice(&asked.payload).unwrap();
            assert!(statement.attempt > last, "each statement has a number of its own");
            last = statement.attempt;
            match lie {
                // The relay's own word, kept from another time.
                0 => {
                    let kept = answer(&earlier, Position::START);
                    stage.say(&asked, Kind::Session, &kept, Some(&stage.relay_key)).await;
                }
                // The right shape under another key, and under none.
                1 => stage.say(&asked, Kind::Session, &forged(&statement), Some(&another)).await,
                _ => stage.say(&asked, Kind::Session, &forged(&statement), None).await,
            }
        }
        let statement = stage.session(Position::START).await;
        assert_eq!(statement.acknowledged, Position::START, "nothing of that counted");
        let (asked, honest) = stage.batch().await;
        let word = BatchAnswer::Acknowledgement(honest.clone());
        stage.say(&asked, Kind::Batch, &word, Some(&stage.relay_key)).await;
        stage.until_acknowledged(honest.position()).await;
    };
    stage.while_syncing(story).await;
}

impl Stage {
    /// Brings a page in answer to a poll, signed by the relay over something.
    async fn bring(&self, asked: &Asked, page: &[u8], signed: &[u8]) {
        let signature = Some(self.relay_key.sign(signed).to_string());
        let envelope = Envelope { kind: Kind::Page, signature, ..asked.envelope.clone() };
        self.relay.publish(envelope.around(topics().down(), page.to_vec())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_counts_only_as_the_answer_to_its_own_poll() {
    let Some(program) = mosquitto::needed() else { return };
    let stage = Stage::new(&program, Seams::default()).await;
    let items = vec![DownlinkItem { cursor: 3, body: DownlinkBody::Unknown }];
    let page = DownlinkPage { items, relay_time: Timestamp::UNIX_EPOCH };
    let page = serde_json::to_vec(&page).unwrap();
    let cursor = || async { stage.parts.journal.downlink_cursor().await.unwrap() };
    let story = async {
        stage.session(Position::START).await;
        let first = stage.asked(Kind::Poll).await;
        stage.bring(&first, &page, &page).await;
        stage.session(Position::START).await;
        assert_eq!(cursor().await, 0, "a page without its poll");
        let second = stage.asked(Kind::Poll).await;
        stage.bring(&second, &page, &page_signed(&first.payload, &page)).await;
        stage.session(Position::START).await;
        assert_eq!(cursor().await, 0, "a page of an earlier session");
        let third = stage.asked(Kind::Poll).await;
        stage.bring(&third, &page, &page_signed(&third.payload, &page)).await;
        let look = || async { (cursor().await == 3).then_some(()) };
        wait::until("the page to be kept", DEADLINE, look).await.unwrap();
    };
    stage.while_syncing(story).await;
}

/// The broker takes the batch and confirms it; the relay refuses it. What the agent then states.
async fn acknowledged_after_a_refusal(program: &std::path::Path, seams: Seams) -> Position {
    let stage = Stage::new(program, seams).await;
    stage.sell(1).await;
    let stated = Mutex::new(Position::START);
    let story = async {
        stage.session(Position::START).await;
        let (asked, _) = stage.batch().await;
        let problem = Problem::new(Code::StaleSession, "there is no session for this journal");
        stage.say(&asked, Kind::Problem, &problem, Some(&stage.relay_key)).await;
        // With the fault the journal moves on by itself; without it the agent states anew.
        let moves =
            || async { (stage.parts.journal.acknowledged() != Position::START).then_some(()) };
        tokio::select! {
            asked = stage.asked(Kind::Session) => {
                let statement: Statement = serde_json::from_slice(&asked.payload).unwrap();
                *stated.lock().await = statement.acknowledged;
            }
            moved = wait::until("the journal to move", DEADLINE, moves) => {
                moved.unwrap();
                *stated.lock().await = stage.parts.journal.acknowledged();
            }
        }
    };
    stage.while_syncing(story).await;
    stated.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn that_the_broker_confirmed_a_batch_does_not_count() {
    let Some(program) = mosquitto::needed() else { return };
    let stated = acknowledged_after_a_refusal(&program, Seams::default()).await;
    assert_eq!(stated, Position::START);
}

#[tokio::test(flavor = "multi_thread")]
async fn control_an_agent_that_counts_what_was_sent_is_seen_to_do_so() {
    let Some(program) = mosquitto::needed() else { return };
    let seams = Seams { relayed_when_sent: true, ..Seams::default() };
    let stated = acknowledged_after_a_refusal(&program, seams).await;
    assert_ne!(stated, Position::START, "the test above would have noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_shown_online_and_its_last_will_says_when_it_is_gone() {
    let Some(program) = mosquitto::needed() else { return };
    let stage = Stage::new(&program, Seams::default()).await;
    let state = async |wanted: &str| {
        loop {
            let message = stage.relay.next().await;
            if message.topic == topics().state().as_bytes() && message.payload == wanted.as_bytes()
            {
                return;
            }
        }
    };
    stage.while_syncing(async { state("online").await }).await;
    let Stage { uplink, relay, .. } = stage;
    drop(uplink);
    loop {
        let message = relay.next().await;
        if message.topic == topics().state().as_bytes() {
            assert_eq!(&message.payload[..], b"offline");
            return;
        }
    }
}
