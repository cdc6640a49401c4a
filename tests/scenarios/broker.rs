//! Batches that go through a real broker: what it loses, refuses or cannot take.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::config::MqttConfig;
use agent::files::write_private;
use agent::sync::batch::Packed;
use agent::sync::mqtt::{Mqtt, Names};
use agent::sync::uplink::{Failure, Uplink as _};
use broker::{CORRELATION_BYTES, Envelope, Kind, Topics};
use cloud_relay::config::Config as RelayConfig;
use cloud_relay::run::{Role, start};
use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::Position;
use protocol::handshake::{PROTOCOL_VERSION, Statement};
use protocol::id::{DeviceId, StoreId, TenantId, Text};
use protocol::problem::{Code, Problem};
use protocol::sign::SigningKey;
use ring::rand::SystemRandom;
use tests::mosquitto::{self, Mosquitto};
use tests::outage::sell;
use tests::pos::books::Kind as BookKind;
use tests::pos::client::http;
use tests::wait;
use tests::world::{Uplink, World};

use crate::broker_hostile::Client;
use crate::world;

/// The first contact of a store goes by HTTPS, and perhaps once more.
const ENROLMENTS_MAX: u64 = 2;

const DRAIN: Duration = Duration::from_secs(120);

fn names() -> Names {
    Names { store: StoreId::new("0042").unwrap(), device: DeviceId::new("d-1").unwrap() }
}

fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate(&SystemRandom::new()).unwrap()).unwrap()
}

fn statement() -> Statement {
    Statement {
        aside: None,
        inherited: None,
        protocol_version: PROTOCOL_VERSION,
        device: names().device,
        store: names().store,
        epoch: Bytes([7; 16]),
        predecessor: None,
        head: Position::START,
        acknowledged: Position::START,
        instance: Bytes([3; 16]),
        attempt: 1,
        ticket: None,
        agent_version: Text::new("1").unwrap(),
        host_time: Timestamp::UNIX_EPOCH,
    }
}

fn config(url: &str) -> MqttConfig {
    MqttConfig {
        url: url.parse().unwrap(),
        username: None,
        password_file: None,
        ca_file: None,
        metered: None,
    }
}

fn uplink(config: &MqttConfig) -> Mqtt {
    let key = key();
    let relay_key = key.verifying_key();
    Mqtt::new(config, names(), Arc::new(key), relay_key, Arc::new(SystemRandom::new())).unwrap()
}

async fn broker(program: &Path, folder: &Path, lines: &[&str]) -> Mosquitto {
    let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
    Mosquitto::start(program, folder, &lines).await.unwrap()
}

/// What a statement without a relay comes to.
async fn stated(config: &MqttConfig) -> Failure {
    uplink(config).open_session(&statement()).await.unwrap_err()
}

fn reaches_the_broker(failure: &Failure) -> bool {
    let text = failure.reason().text.as_str();
    matches!(failure, Failure::Unreachable(_)) && text == "no relay listens at the broker"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_forgets_everything_loses_and_doubles_nothing() {
    let Some(_) = mosquitto::needed() else { return };
    let (mut world, _folder) = world(|plan| plan.uplink = Uplink::Mqtt).await;
    let registers = sell(&world, world.registers().unwrap(), 6).await.unwrap();
    world.broker.as_mut().unwrap().kill_and_forget().unwrap();
    let registers = sell(&world, registers, 6).await.unwrap();
    world.broker.as_mut().unwrap().start_again().await.unwrap();
    sell(&world, registers, 6).await.unwrap();
    // Once more in the middle of the catching up, and with the relay gone besides.
    world.broker.as_mut().unwrap().kill_and_forget().unwrap();
    world.kill_relay().unwrap();
    world.broker.as_mut().unwrap().start_again().await.unwrap();
    world.start_relay().await.unwrap();
    world.drained(DRAIN).await.unwrap();
    let shop = world.asking.shop_books().await.unwrap();
    let differences = world.differences_from(&shop);
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(world.posted() >= 60, "{}", world.posted());
    for index in 0..world.stores.len() {
        let store = &world.stores[index];
        assert!(store.line.counts().requests <= ENROLMENTS_MAX, "all else goes by the broker");
        hears_of_its_sales(&world, index).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_device_sends_through_the_broker_is_refused_and_it_sells_on() {
    let Some(_) = mosquitto::needed() else { return };
    let one = |plan: &mut tests::world::Plan| {
        plan.uplink = Uplink::Mqtt;
        plan.stores.truncate(1);
    };
    let (world, _folder) = world(one).await;
    let registers = sell(&world, world.registers().unwrap(), 3).await.unwrap();
    world.drained(DRAIN).await.unwrap();
    let device = async || -> serde_json::Value {
        let listed = world.relay_command(&["device", "ls", "--json"]).await.unwrap();
        serde_json::from_str::<serde_json::Value>(&listed.said).unwrap()[0].take()
    };
    let before = device().await;
    let name = before["device"].as_str().unwrap();
    assert_eq!(world.relay_command(&["device", "revoke", name]).await.unwrap().code, Some(0));
    sell(&world, registers, 3).await.unwrap();
    let look = || async {
        let status = world.agent_command(0, &["status"]).await.ok()?;
        status.said.contains(Code::DeviceRevoked.number()).then_some(())
    };
    wait::until("the agent to say that it is revoked", DRAIN, look).await.unwrap();
    assert_eq!(device().await["entries"], before["entries"], "nothing came in");
}

/// The first sale of a store is followed down to the store, to where it stands in the shop.
async fn hears_of_its_sales(world: &World, index: usize) {
    let store = &world.stores[index];
    let key = {
        let books = world.books.lock().unwrap();
        let mut entries = books.stores[&store.name].entries.iter();
        entries.find(|entry| entry.kind == BookKind::Sale).unwrap().key.clone()
    };
    let (_, receipt) = key.split_once('/').unwrap();
    let url = format!("http://{}/v1/receipts/{receipt}", store.address);
    let (client, token) = (http(DRAIN).unwrap(), world.till_token(index).unwrap());
    let look = || async {
        let answer = client.get(&url).bearer_auth(&token).send().await.ok()?;
        answer.text().await.ok()?.contains("\"applied\"").then_some(())
    };
    wait::until(&format!("news of {key} at its store"), DRAIN, look).await.unwrap();
}

#[tokio::test]
async fn a_broker_without_a_relay_is_an_outage_that_passes() {
    let Some(program) = mosquitto::needed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(&program, folder.path(), &[]).await;
    let failure = stated(&config(&format!("mqtt://{}", broker.address))).await;
    assert!(reaches_the_broker(&failure), "{failure:?}");
}

#[tokio::test]
async fn a_broker_that_does_not_know_the_device_is_told_to_a_person() {
    let Some(program) = mosquitto::needed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(&program, folder.path(), &["allow_anonymous false"]).await;
    let failure = stated(&config(&format!("mqtt://{}", broker.address))).await;
    let Failure::Refused(reason) = &failure else { panic!("{failure:?}") };
    assert_eq!(reason.code, Code::Configuration);
}

#[tokio::test]
async fn a_broker_whose_rules_keep_the_device_from_its_topic_is_told_to_a_person() {
    let Some(program) = mosquitto::needed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    write_private(&rules, b"topic readwrite storekeep/v1/0042/another/#\n").unwrap();
    let line = format!("acl_file {}", rules.display());
    let broker = broker(&program, folder.path(), &[&line]).await;
    let failure = stated(&config(&format!("mqtt://{}", broker.address))).await;
    let Failure::Refused(reason) = &failure else { panic!("{failure:?}") };
    assert_eq!(reason.code, Code::Configuration, "{reason}");
}

#[tokio::test]
async fn a_batch_that_the_broker_does_not_take_is_made_smaller_and_not_sent() {
    let Some(program) = mosquitto::needed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(&program, folder.path(), &["max_packet_size 3000"]).await;
    let mqtt = uplink(&config(&format!("mqtt://{}", broker.address)));
    let failure = mqtt.open_session(&statement()).await.unwrap_err();
    assert!(reaches_the_broker(&failure), "{failure:?}");
    let batch = |bytes: usize| Packed {
        json: vec![b'x'; bytes],
        packed: vec![b'x'; bytes],
        end: Position::START,
        entries: 1,
    };
    let failure = mqtt.send(&batch(4_000)).await.unwrap_err();
    assert!(matches!(failure, Failure::TooLarge(_)), "{failure:?}");
    let failure = mqtt.send(&batch(1_000)).await.unwrap_err();
    assert!(reaches_the_broker(&failure), "the connection stands: {failure:?}");
}

#[tokio::test]
async fn the_way_to_a_broker_is_encrypted_and_its_certificate_has_to_be_trusted() {
    let Some(program) = mosquitto::needed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let names = vec!["localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let file = |name: &str, text: String| -> PathBuf {
        let file = folder.path().join(name);
        write_private(&file, text.as_bytes()).unwrap();
        file
    };
    let certificate = file("broker.pem", made.cert.pem());
    let private = file("broker.key", made.signing_key.serialize_pem());
    let lines =
        [format!("certfile {}", certificate.display()), format!("keyfile {}", private.display())];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let broker = broker(&program, folder.path(), &lines).await;
    let mut config = config(&format!("mqtts://localhost:{}", broker.address.port()));
    let failure = stated(&config).await;
    assert!(!reaches_the_broker(&failure), "nobody vouches for it: {failure:?}");
    config.ca_file = Some(certificate);
    let failure = stated(&config).await;
    assert!(reaches_the_broker(&failure), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_refuses_a_message_that_is_too_large_and_answers_the_next() {
    let Some(program) = mosquitto::needed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(&program, &folder.path().join("broker"), &[]).await;
    let mut relay = RelayConfig::for_tenant(TenantId::new("acme").unwrap());
    relay.listen.address = "127.0.0.1:0".parse().unwrap();
    relay.mqtt.url = Some(format!("mqtt://{}", broker.address).parse().unwrap());
    let seams = cloud_relay::Seams::default();
    let data = folder.path().join("relay");
    let running = start(&relay, &data, Role::Serve, seams).await.unwrap();
    let topics = Topics::of(&names().store, &names().device);
    let client = Client::connect(broker.address, &[topics.ack()]).await;
    let ask = async |bytes: usize, correlation: [u8; CORRELATION_BYTES]| {
        let question = Envelope::question(Kind::Session, correlation, "00".repeat(64));
        // The relay may not listen yet: the broker then says so, and nothing else happens.
        let message = question.around(topics.up(), vec![b'{'; bytes]);
        let (envelope, body) = client.ask_until_answered(message).await;
        assert_eq!((envelope.kind, envelope.correlation), (Kind::Problem, correlation));
        assert!(envelope.signature.is_some(), "refusals are signed");
        serde_json::from_slice::<Problem>(&body).unwrap().code
    };
    assert_eq!(ask(20_000, [1; CORRELATION_BYTES]).await, Code::TooLarge.number());
    assert_eq!(ask(100, [2; CORRELATION_BYTES]).await, Code::UnknownDevice.number());
    running.stop().await.unwrap();
}
