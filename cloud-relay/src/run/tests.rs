//! The whole relay on a real port: an agent's sale reaches a target, and everything stops in order.

use std::sync::Arc;
use std::time::Duration;

use protocol::compress;
use protocol::enrolment::EnrolmentAnswer;
use protocol::id::TenantId;
use protocol::sign::SIGNATURE_HEADER;

use super::*;
use crate::connectors::Connector;
use crate::ingest::tests::make::{Agent, shop, signing_key};
use crate::ingest::tests::sink::Sink;
use crate::ingest::token_hash;
use crate::store::model::NewToken;

/// Stands in for a hang; nothing waits this long.
const DEADLINE: Duration = Duration::from_secs(30);

fn config() -> Config {
    let mut config = Config::for_tenant(TenantId::new("acme").unwrap());
    config.listen.address = "127.0.0.1:0".parse().unwrap();
    config
}

async fn started(folder: &Path, role: Role, sink: &Arc<Sink>) -> RunningRelay {
    started_as(&config(), folder, role, sink).await
}

async fn started_as(config: &Config, folder: &Path, role: Role, sink: &Arc<Sink>) -> RunningRelay {
    let connector: Arc<dyn Connector> = sink.clone();
    let targets = Targets::from([(shop(), connector)]);
    start_with(config, folder, role, Seams::default(), targets).await.unwrap()
}

/// An agent that speaks over a real connection.
struct Caller {
    client: reqwest::Client,
    address: SocketAddr,
    agent: Agent,
}

impl Caller {
    async fn enrolled(relay: &RunningRelay) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the relay under test reads the real clock")]
        let now = jiff::Timestamp::now();
        let token = NewToken {
            label: protocol::id::Code::new("one").unwrap(),
            hash: token_hash("one"),
            store: None,
            uses: 1,
            created_at: now,
            expires_at: now + Duration::from_secs(60),
        };
        relay.store.add_token(token).await.unwrap();
        let client = Http::new().unwrap().client().clone();
        let address = relay.address.unwrap();
        let mut caller = Self { client, address, agent: Agent::new(signing_key()) };
        let request = caller.agent.enrolment("one", "0042");
        let answer: EnrolmentAnswer = caller.post("/v1/devices", &request).await;
        caller.agent.device = answer.device;
        caller.agent.attempt = 1;
        let path = format!("/v1/devices/{}/sessions", caller.agent.device);
        let statement = serde_json::to_vec(&caller.agent.statement()).unwrap();
        let answer: protocol::handshake::SessionAnswer = caller.post(&path, &statement).await;
        caller.agent.ticket = Some(answer.ticket);
        caller
    }

    async fn post<T: serde::de::DeserializeOwned>(&self, path: &str, json: &[u8]) -> T {
        let body = if path.ends_with("batches") { compress::pack(json) } else { json.to_vec() };
        let answer = self
            .client
            .post(format!("http://{}{path}", self.address))
            .header(SIGNATURE_HEADER, self.agent.key.sign(json).to_string())
            .header("content-encoding", "zstd")
            .body(body)
            .send()
            .await
            .unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    async fn relay_sales(&mut self, count: i64) {
        self.agent.sell(1..=count);
        let message = self.agent.batch(0, self.agent.records.len());
        let path = format!("/v1/devices/{}/batches", self.agent.device);
        let answer: protocol::batch::BatchAnswer =
            self.post(&path, &serde_json::to_vec(&message).unwrap()).await;
        assert!(matches!(answer, protocol::batch::BatchAnswer::Acknowledgement(_)));
    }
}

/// Waits until so many documents stand in the target.
async fn until_done(relay: &RunningRelay, count: u64) {
    let done = async {
        let mut changes = relay.store.wakes().work();
        loop {
            changes.mark_unchanged();
            let lanes = relay.store.lanes().await.unwrap();
            if lanes.iter().map(|lane| lane.done).sum::<u64>() >= count {
                return;
            }
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, done).await.expect("the documents reach the target");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_reaches_the_target_and_the_relay_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Arc::new(Sink::new(true));
    let relay = started(folder.path(), Role::All, &sink).await;
    let mut caller = Caller::enrolled(&relay).await;
    caller.relay_sales(3).await;
    until_done(&relay, 3).await;
    assert_eq!(sink.taken().len(), 3);
    tokio::time::timeout(DEADLINE, relay.stop()).await.expect("it stops").unwrap();
    let path = format!("http://{}/healthz", caller.address);
    assert!(caller.client.get(path).send().await.is_err(), "nothing listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_takes_in_another_brings_to_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Arc::new(Sink::new(true));
    let serving = started(folder.path(), Role::Serve, &sink).await;
    let mut caller = Caller::enrolled(&serving).await;
    caller.relay_sales(2).await;
    let working = started(folder.path(), Role::Work, &sink).await;
    assert_eq!((working.address, working.operator_token.is_none()), (None, true));
    until_done(&working, 2).await;
    working.stop().await.unwrap();
    serving.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_token_and_what_was_taken_in_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Arc::new(Sink::new(true));
    let first = started(folder.path(), Role::Serve, &sink).await;
    let token = first.operator_token.clone().unwrap();
    let mut caller = Caller::enrolled(&first).await;
    caller.relay_sales(2).await;
    first.stop().await.unwrap();
    let second = started(folder.path(), Role::Serve, &sink).await;
    assert_eq!(second.operator_token.as_ref(), Some(&token));
    assert_eq!(second.store.devices().await.unwrap()[0].entries, 2);
    second.stop().await.unwrap();
    std::fs::remove_file(folder.path().join(crate::keys::SIGNING_KEY_FILE)).unwrap();
    let config = config();
    let again = start_with(&config, folder.path(), Role::Serve, Seams::default(), Targets::new());
    let error = again.await.err().expect("no new key is made");
    assert!(format!("{error:#}").contains("backup"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_refuses_is_paused_and_the_relay_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(&config(), folder.path()).await.unwrap();
    let connector: Arc<dyn Connector> = Arc::new(Sink::new(false));
    let seams = Seams::default();
    let relay = started(folder.path(), Role::Serve, &Arc::new(Sink::new(true))).await;
    Caller::enrolled(&relay).await.relay_sales(1).await;
    targets::check(&Targets::from([(shop(), connector)]), &store, &seams.clock).await;
    let lanes = store.lanes().await.unwrap();
    let (_, reason) = lanes[0].paused.as_ref().expect("its lanes wait");
    assert!(reason.contains("credentials: refused"), "{reason}");
    relay.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_the_relay_speaks_https_itself() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("relay.pem"), folder.path().join("relay.key"));
    files::write_private(&certificate, made.cert.pem().as_bytes()).unwrap();
    files::write_private(&key, made.signing_key.serialize_pem().as_bytes()).unwrap();
    let mut config = config();
    config.listen.certificate_file = Some(certificate);
    config.listen.key_file = Some(key);
    let started = start(&config, folder.path(), Role::Serve, Seams::default());
    let relay = started.await.unwrap();
    let address = relay.address.unwrap();
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([trusted])
        .resolve("localhost", address)
        .build()
        .unwrap();
    let path = format!("https://localhost:{}/healthz", address.port());
    assert!(client.get(path).send().await.unwrap().status().is_success());
    let plain = format!("http://{address}/healthz");
    assert!(client.get(plain).send().await.is_err(), "nothing is told in the clear");
    relay.stop().await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.listen.certificate_file = Some(folder.path().join("none.pem"));
    config.listen.key_file = Some(folder.path().join("none.key"));
    let started = start(&config, folder.path(), Role::Serve, Seams::default()).await;
    let error = started.err().expect("there is no certificate");
    assert!(format!("{error:#}").contains("none.pem") && format!("{error:#}").contains("next:"));
}

#[tokio::test]
async fn a_taken_address_stops_the_relay_before_it_touches_anything() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config();
    config.listen.address = taken.local_addr().unwrap();
    let data = folder.path().join("data");
    let started = start(&config, &data, Role::All, Seams::default()).await;
    let error = started.err().expect("the address is taken");
    assert!(format!("{error:#}").contains("next: stop what listens there"), "{error:#}");
    assert!(!data.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_says_when_it_is_ready_and_ends_when_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (said, ready) = tokio::sync::oneshot::channel();
    let say = |relay: &RunningRelay| said.send(relay.address).expect("the test listens");
    let told = async { assert!(ready.await.expect("it is ready").is_some()) };
    let config = config();
    let running = run(&config, folder.path(), Role::All, Seams::default(), say, told);
    tokio::time::timeout(DEADLINE, running).await.expect("it ends").unwrap();
}

/// The same with a database of the test's own; none where PostgreSQL is not installed.
#[cfg(unix)]
async fn on_a_database() -> Option<Config> {
    let cluster = crate::store::postgres::tests::cluster::cluster()?;
    let mut config = config();
    config.store.postgres = Some(cluster.database().await.url);
    Some(config)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_sale_reaches_the_target_and_survives_a_restart() {
    let Some(config) = on_a_database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let sink = Arc::new(Sink::new(true));
    let relay = started_as(&config, folder.path(), Role::All, &sink).await;
    let mut caller = Caller::enrolled(&relay).await;
    caller.relay_sales(3).await;
    until_done(&relay, 3).await;
    assert_eq!(sink.taken().len(), 3);
    tokio::time::timeout(DEADLINE, relay.stop()).await.expect("it stops").unwrap();
    let again = started_as(&config, folder.path(), Role::All, &sink).await;
    assert_eq!(again.store.devices().await.unwrap()[0].entries, 3);
    again.stop().await.unwrap();
    assert_eq!(sink.taken().len(), 3, "nothing is posted twice");
    assert!(!folder.path().join("relay.db").exists());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_three_relays_share_the_work_and_post_each_sale_once() {
    let Some(config) = on_a_database().await else { return };
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sink = Arc::new(Sink::new(true));
    let serving = started_as(&config, folder.path(), Role::Serve, &sink).await;
    let one = started_as(&config, other.path(), Role::Work, &sink).await;
    let two = started_as(&config, other.path(), Role::Work, &sink).await;
    let mut caller = Caller::enrolled(&serving).await;
    caller.relay_sales(20).await;
    until_done(&one, 20).await;
    assert_eq!(sink.taken().len(), 20);
    for relay in [one, two, serving] {
        relay.stop().await.unwrap();
    }
}
