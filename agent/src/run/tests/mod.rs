//! The agent whole, in this process: sales over its local API, a relay over a socket, outages
//! and restarts.

pub(crate) mod relay;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::relay::{DEADLINE, Relay, TOKEN};
use super::*;
use crate::cli::Place;
use crate::config::{HttpsConfig, parse};

/// A store with its data folder, through several starts.
pub(crate) struct Store {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) relay: String,
    pub(crate) token: &'static str,
    pub(crate) seams: Seams,
}

/// One start of its agent.
pub(crate) struct Running {
    pub(crate) ready: Ready,
    token: Secret,
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
    client: reqwest::Client,
}

impl Store {
    pub(crate) fn new(relay: impl std::fmt::Display) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relay = relay.to_string();
        Self { folder, relay, token: TOKEN, seams: Seams::default() }
    }

    fn host(&self) -> Host {
        Host {
            data_dir: DataDir::new(self.folder.path().join("data")),
            local_api_token: None,
            enrolment_token: (!self.token.is_empty())
                .then(|| Secret::new(self.token, "here").unwrap()),
            pkcs11_pin: None,
            credentials: None,
        }
    }

    /// The configuration as it stands in a file.
    pub(crate) fn config_text(&self) -> String {
        let (store, listen) = ("store = \"0042\"", "listen = \"127.0.0.1:0\"");
        format!("{store}\n[local_api]\n{listen}\n[relay]\nurl = \"http://{}\"\n", self.relay)
    }

    /// The same as a command sees it, once an agent has been started there.
    pub(crate) fn place(&self) -> (Place, Config) {
        let config_file = self.folder.path().join("agent.toml");
        let place = Place { config_file, host: self.host(), seams: self.seams.clone() };
        (place, self.config())
    }

    fn config(&self) -> Config {
        parse(&self.config_text()).unwrap()
    }

    pub(crate) async fn start(&self) -> Running {
        let (phase, mut phases) = watch::channel(Phase::Opening);
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move { stopped.await.unwrap() };
        let running = run(self.config(), self.host(), self.seams.clone(), phase, shutdown);
        let task = tokio::spawn(running);
        let takes_sales = phases.wait_for(|phase| matches!(phase, Phase::TakesSales(_)));
        let phase = timeout(DEADLINE, takes_sales).await.unwrap().unwrap().clone();
        let Phase::TakesSales(ready) = phase else { panic!("it was waited for") };
        let token = Secret::from_file(ready.token_file.as_ref().unwrap()).unwrap();
        let url = format!("http://{}", ready.local_api).parse().unwrap();
        let client = sync::https::client(&HttpsConfig::at(url));
        Running { ready, token, stop, task, client: client.unwrap() }
    }
}

impl Running {
    fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.ready.local_api)
    }

    pub(crate) async fn sell(&self, receipt: &str) -> (StatusCode, Value) {
        let request = self.client.post(self.address("/v1/events"));
        let answer = request.bearer_auth(self.token.expose()).json(&sale(receipt)).send().await;
        let answer = answer.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn status(&self) -> Value {
        let request = self.client.get(self.address("/v1/status"));
        let answer = request.bearer_auth(self.token.expose()).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Waits until the status is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let status = self.status().await;
                if wanted(&status) {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, wait).await.expect("the status becomes as wanted")
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(DEADLINE, self.task).await.unwrap().unwrap().unwrap();
    }
}

fn sale(receipt: &str) -> Value {
    json!({
        "type": "storekeep.transaction.v1",
        "data": {
            "kind": "sale", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": receipt, "completedAt": "2026-11-23T17:04:11+01:00", "currency": "EUR",
            "lines": [{
                "line": 1, "kind": "item", "item": { "sku": "4711" },
                "quantity": "3", "unitPrice": "1.49", "extended": 447, "total": 447
            }],
            "total": { "amount": 447, "direction": "in" },
            "tenders": [{ "tender": 1, "kind": "cash", "purpose": "payment", "amount": 447 }]
        }
    })
}

/// An address of this host where nothing listens yet.
pub(crate) async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_agent_has_lost_nothing_and_sends_nothing_twice() {
    let relay = Relay::new();
    let (address, _serving) = relay.serve("127.0.0.1:0").await;
    let store = Store::new(address);

    let first = store.start().await;
    assert_eq!(first.sell("000001").await.0, StatusCode::CREATED);
    relay.until_held(1).await;
    first.stop().await;

    let second = store.start().await;
    assert_eq!(second.sell("000001").await.0, StatusCode::OK, "a replay");
    assert_eq!(second.sell("000002").await.0, StatusCode::CREATED);
    relay.until_held(2).await;
    let status = second.until(|status| status["journal"]["unsent"] == 0).await;
    assert_eq!(status["relay"]["link"]["kind"], "online");
    assert_eq!(status["device"], "d-1");
    second.stop().await;
    assert_eq!(relay.receipts(), ["000001", "000002"]);
    assert_eq!(relay.devices(), 1, "it enrolled once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sales_of_an_outage_are_safe_and_arrive_when_the_relay_is_back() {
    let relay = Relay::new();
    let address = free_address().await;
    let store = Store::new(&address);
    let agent = store.start().await;
    for receipt in ["000001", "000002", "000003"] {
        assert_eq!(agent.sell(receipt).await.0, StatusCode::CREATED);
    }
    let status = agent.until(|status| status["relay"]["link"]["kind"] == "not_enrolled").await;
    assert_eq!(status["journal"]["unsent"], 3);

    let (_, serving) = relay.serve(&address).await;
    relay.until_held(3).await;
    agent.until(|status| status["journal"]["unsent"] == 0).await;

    // The relay crashes: its connections are gone with it.
    serving.abort();
    agent.sell("000004").await;
    let (_, _serving) = relay.serve(&address).await;
    relay.until_held(4).await;
    agent.stop().await;
    assert_eq!(relay.receipts(), ["000001", "000002", "000003", "000004"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_the_relay_refuses_stops_no_sale_and_is_shown() {
    let relay = Relay::new();
    let (address, _serving) = relay.serve("127.0.0.1:0").await;
    let store = Store { token: "used up", ..Store::new(address) };
    let agent = store.start().await;
    assert_eq!(agent.sell("000001").await.0, StatusCode::CREATED);
    let refused = |status: &Value| status["relay"]["link"]["reason"]["code"] == "SK0026";
    let status = agent.until(refused).await;
    assert_eq!(status["journal"]["unsent"], 1);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_agent_on_the_same_data_is_told_what_runs_already() {
    let store = Store::new(free_address().await);
    let first = store.start().await;
    let (phase, _) = watch::channel(Phase::Opening);
    let second = run(store.config(), store.host(), Seams::default(), phase, std::future::pending());
    let error = second.await.unwrap_err();
    let problem = error.downcast_ref::<Problem>().unwrap();
    assert_eq!(problem.code, Code::JournalInUse.number());
    assert!(problem.next.as_ref().unwrap().contains("storekeep-agent status"));
    first.stop().await;
}

/// The control: an agent that counts as relayed what it sent loses what never arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fault_that_believes_in_sending_is_seen_by_the_relays_own_books() {
    let relay = Relay::new();
    let (address, _serving) = relay.serve("127.0.0.1:0").await;
    relay.lose_batches();
    let seams = Seams { relayed_when_sent: true, ..Seams::default() };
    let store = Store { seams, ..Store::new(address) };
    let agent = store.start().await;
    agent.sell("000001").await;
    // The agent says that all is well; the relay's own books say what is true.
    agent.until(|status| status["journal"]["unsent"] == 0).await;
    assert_eq!(relay.receipts(), Vec::<String>::new(), "the relay has nothing");
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_journal_is_salvaged_and_the_agent_sells_on() {
    let store = Store::new(free_address().await);
    let agent = store.start().await;
    for receipt in ["000001", "000002"] {
        assert_eq!(agent.sell(receipt).await.0, StatusCode::CREATED);
    }
    agent.stop().await;
    let file = store.folder.path().join("data/journal.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // Every page but the first.
    for page in bytes.chunks_mut(4_096).skip(1) {
        page[100] ^= 1;
    }
    files::write_private(&file, &bytes).unwrap();

    let agent = store.start().await;
    let status = agent.status().await;
    let incident = &status["journal"]["incidents"][0];
    assert_eq!(
        (&incident["kind"], &incident["missing"][0]["last"]),
        (&json!("damaged"), &json!(2))
    );
    assert!(status["sentence"].as_str().unwrap().contains("2 entries were lost"), "{status}");
    assert_eq!(agent.sell("000001").await.0, StatusCode::CREATED, "it is taken again");
    assert_eq!(agent.sell("000001").await.0, StatusCode::OK);
    agent.stop().await;
    let aside = file.with_file_name(incident["setAside"].as_str().unwrap());
    assert_eq!(std::fs::read(aside).unwrap(), bytes);
}
