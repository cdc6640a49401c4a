//! A store's host: its folder with the journal, one start of its agent, and the sales of its till.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent::health::{Health, Link, Reason};
use agent::seams::Seams;
use agent::sync::Parts;
use agent::sync::conversation::Conversation;
use agent::sync::machine::{Action, LinkNews, Outcome, Turn};
use agent::sync::policy::LINGER;
use agent::sync::uplink::Failure;
use journal::{DataKey, Journal, NewEntry, Options};
use protocol::batch::BatchAnswer;
use protocol::bytes::Bytes;
use protocol::downlink::DownlinkPage;
use protocol::envelope::Event;
use protocol::handshake::{HoldReason, InstanceId, SessionAnswer, Ticket};
use protocol::id::{DeviceId, StoreId};
use protocol::problem::Code;
use protocol::record::Findings;
use protocol::sign::SigningKey;
use ring::rand::{SecureRandom, SystemRandom};
use tempfile::TempDir;

use crate::relay::{Question, Relay};
use crate::time::Time;

/// Exchanges in a row; a host that has more to say at one moment goes in circles.
const EXCHANGES_MAX: usize = 60;

/// Between two polls of an idle session.
const POLL: Duration = Duration::from_secs(25);

/// Tells every sale of every host apart.
static NUMBER: AtomicU64 = AtomicU64::new(1);

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).unwrap();
    bytes
}

pub(crate) fn new_key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate(&SystemRandom::new()).unwrap()).unwrap()
}

/// A sale as a POS sends it.
#[derive(Debug, Clone)]
pub(crate) struct Sale {
    json: String,
    pub(crate) natural_key: String,
}

impl Sale {
    pub(crate) fn new(store: &StoreId, register: u8) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let json = format!(
            r#"{{"specversion":"1.0","id":"0192f0c1-0000-7000-8000-{number:012x}",
            "type":"storekeep.transaction.v1","time":"2026-11-23T17:04:11+01:00",
            "data":{{"kind":"sale","store":"{store}","register":"{register}",
            "businessDate":"2026-11-23","receipt":"{number:06}",
            "startedAt":"2026-11-23T17:03:40+01:00","completedAt":"2026-11-23T17:04:11+01:00",
            "currency":"EUR","lines":[{{"line":1,"kind":"item","item":{{"sku":"4711"}},
            "quantity":"1","unitPrice":"1.49","extended":149,"total":149}}],
            "total":{{"amount":149,"direction":"in"}},
            "tenders":[{{"tender":1,"kind":"cash","purpose":"payment","amount":149}}]}}}}"#
        );
        let natural_key = Event::parse(json.as_bytes()).unwrap().natural_key();
        Self { json, natural_key }
    }
}

/// A host with a running agent.
pub(crate) struct Host {
    pub(crate) folder: TempDir,
    pub(crate) store: StoreId,
    /// Which till sells at it.
    pub(crate) register: u8,
    pub(crate) device: DeviceId,
    pub(crate) key: Arc<SigningKey>,
    conversation: Conversation,
    session: Option<Ticket>,
    poll_at: Duration,
    time: Time,
    pub(crate) held: Option<HoldReason>,
    pub(crate) displaced: bool,
    /// Everything that was said, for a line that says it again.
    pub(crate) said: Vec<Question>,
    /// What it sold since it was started or copied.
    pub(crate) sold: Vec<Sale>,
    /// The answer to the next exchange is lost on its way.
    pub(crate) loses_answer: bool,
    pub(crate) seams: Seams,
}

impl Host {
    /// A new host that enrols.
    pub(crate) async fn enrolled(relay: &Relay, store: &str, seams: &Seams) -> Self {
        let (store, key) = (StoreId::new(store).unwrap(), Arc::new(new_key()));
        let device = relay.enrol(&store, &key).await;
        let folder = tempfile::tempdir().unwrap();
        Self::start(folder, store, 1, device, key, &relay.time, seams)
    }

    pub(crate) fn start(
        folder: TempDir,
        store: StoreId,
        register: u8,
        device: DeviceId,
        key: Arc<SigningKey>,
        time: &Time,
        seams: &Seams,
    ) -> Self {
        let seams = Seams { clock: time.reader(), steady: time.steady(), ..seams.clone() };
        let conversation = conversation(&folder, &store, &device, &seams);
        Self {
            folder,
            store,
            register,
            device,
            key,
            conversation,
            session: None,
            poll_at: Duration::ZERO,
            time: time.clone(),
            held: None,
            displaced: false,
            said: Vec::new(),
            sold: Vec::new(),
            loses_answer: false,
            seams,
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.conversation.parts().journal
    }

    pub(crate) fn health(&self) -> &Health {
        &self.conversation.parts().health
    }

    /// This start of its agent.
    pub(crate) fn instance(&self) -> InstanceId {
        self.conversation.parts().instance
    }

    /// Whether everything is relayed.
    pub(crate) fn is_level(&self) -> bool {
        let state = self.journal().state();
        state.head == state.acknowledged
    }

    /// The line breaks, and the agent notices.
    pub(crate) fn breaks(&mut self) {
        let failure = Failure::Unreachable(Reason::new(Code::RelayUnreachable, "the line broke"));
        self.conversation.doubted(&failure, self.time.moment());
        self.session = None;
    }

    /// An answer arrives to a batch of everything unsent; whether the machine counts it.
    pub(crate) async fn is_told(&mut self, said: &BatchAnswer) -> bool {
        let action = self.conversation.next(self.time.moment());
        assert!(matches!(action, Action::Send { .. }), "{action:?}");
        let outcome = self.conversation.batch_answered(said, self.time.moment()).await.unwrap();
        outcome.acknowledged.is_some()
    }

    /// A copy of the data folder as it lies on the disk at this moment.
    pub(crate) fn image(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let (file, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
            // The log's index is made anew, and the lock is this process's.
            if !name.to_string_lossy().ends_with("-shm") {
                fs::copy(file, copy.path().join(name)).unwrap();
            }
        }
        copy
    }

    /// An image of this host's disk, started at another till.
    pub(crate) fn copied(&self, image: TempDir, register: u8) -> Self {
        let (store, device, key) = (self.store.clone(), self.device.clone(), self.key.clone());
        Self::start(image, store, register, device, key, &self.time, &self.seams)
    }

    /// Stops the agent and starts it again.
    pub(crate) fn restarted(self) -> Self {
        let Self { folder, store, register, device, key, time, sold, said, seams, .. } = self;
        drop(self.conversation);
        let next = Self::start(folder, store, register, device, key, &time, &seams);
        Self { sold, said, ..next }
    }

    /// The host enrols anew with a key of its own, as after it lost its name.
    pub(crate) async fn enrols_anew(self, relay: &Relay) -> Self {
        let key = Arc::new(new_key());
        let device = relay.enrol(&self.store, &key).await;
        let anew = Self { device, key, ..self };
        anew.restarted()
    }

    /// The till sells, whatever goes on with the relay.
    pub(crate) async fn sell(&mut self) {
        let sale = Sale::new(&self.store, self.register);
        self.journal_sale(&sale).await;
        self.sold.push(sale);
    }

    /// A sale comes in, for the first time or read again from its source.
    pub(crate) async fn journal_sale(&self, sale: &Sale) {
        let event = Event::parse(sale.json.as_bytes()).unwrap();
        let entry = NewEntry {
            event_id: event.id,
            natural_key: event.natural_key(),
            content_hash: event.content_hash(),
            event: event.to_json(),
            findings: Findings::default(),
            journaled_at: self.time.now(),
            cursor: None,
            local: None,
        };
        self.journal().append(entry).await.expect("the till sells");
    }

    fn signed(&self, method: &'static str, path: &str, signed: &[u8], body: Vec<u8>) -> Question {
        let path = format!("/v1/devices/{}/{path}", self.device);
        let signature = match method {
            "GET" => self.key.sign(path.as_bytes()),
            _ => self.key.sign(signed),
        };
        Question { method, path, signature: signature.to_string(), body }
    }

    async fn ask(&mut self, relay: &Relay, question: Question) -> Result<Vec<u8>, Failure> {
        self.said.push(question.clone());
        let answer = relay.ask(&question).await;
        if std::mem::take(&mut self.loses_answer) {
            let reason = Reason::new(Code::RelayUnreachable, "the answer was lost");
            return Err(Failure::Unreachable(reason));
        }
        answer
    }

    /// Says all there is to say at this moment.
    pub(crate) async fn speaks(&mut self, relay: &Relay) {
        for _ in 0..EXCHANGES_MAX {
            let outcome = match self.conversation.next(self.time.moment()) {
                // Sales that follow closely are gathered into one batch.
                Action::Wait { until: Some(until) }
                    if until.saturating_sub(self.time.moment()) <= LINGER =>
                {
                    self.time.pass(LINGER);
                    continue;
                }
                Action::Wait { .. } => match self.polls(relay).await {
                    Some(outcome) => outcome,
                    None => return,
                },
                Action::State { attempt } => self.states(relay, attempt).await,
                Action::Send { after, entries_max } => {
                    let packed = self.conversation.batch(after, entries_max).await;
                    match packed {
                        Ok(packed) => self.sends(relay, packed).await,
                        Err(failure) => self.conversation.failed(&failure, self.time.moment()),
                    }
                }
            };
            self.follows(&outcome).await;
            if self.displaced {
                return;
            }
        }
        panic!("{} goes in circles: {:?}", self.device, *self.health().changes().borrow());
    }

    async fn states(&mut self, relay: &Relay, attempt: u64) -> Outcome {
        let statement = self.conversation.statement(attempt).await.unwrap();
        let body = serde_json::to_vec(&statement).unwrap();
        let question = self.signed("POST", "sessions", &body, body.clone());
        let answer = self.ask(relay, question).await;
        let now = self.time.moment();
        match answer {
            Ok(answer) => {
                let answer: SessionAnswer = serde_json::from_slice(&answer).unwrap();
                self.conversation.session_answered(&statement, &answer, now).await.unwrap()
            }
            Err(failure) => self.conversation.failed(&failure, now),
        }
    }

    async fn sends(&mut self, relay: &Relay, packed: agent::sync::batch::Packed) -> Outcome {
        let question = self.signed("POST", "batches", &packed.json, packed.packed);
        let answer = self.ask(relay, question).await;
        let now = self.time.moment();
        match answer {
            Ok(answer) => {
                let answer: BatchAnswer = serde_json::from_slice(&answer).unwrap();
                self.conversation.batch_answered(&answer, now).await.unwrap()
            }
            Err(failure) => self.conversation.failed(&failure, now),
        }
    }

    /// Polls if it is time to; what follows if that says that the session is over.
    async fn polls(&mut self, relay: &Relay) -> Option<Outcome> {
        let ticket = self.session?;
        let now = self.time.moment();
        if now < self.poll_at {
            return None;
        }
        self.poll_at = now + POLL;
        let after = self.journal().downlink_cursor().await.unwrap();
        let head = self.journal().head().sequence;
        let query = format!("downlink?after={after}&wait=0&head={head}&ticket={ticket}");
        let question = self.signed("GET", &query, &[], Vec::new());
        match self.ask(relay, question).await {
            Ok(page) => {
                let page: DownlinkPage = serde_json::from_slice(&page).unwrap();
                if let Some(last) = page.items.last() {
                    let cursor = last.cursor;
                    let items = page.items.into_iter().filter_map(|item| match item.body {
                        protocol::downlink::DownlinkBody::Progress(progress) => Some(progress),
                        protocol::downlink::DownlinkBody::Unknown => None,
                    });
                    let kept = self.journal().record_progress(items.collect(), cursor).await;
                    kept.unwrap();
                }
                None
            }
            Err(failure) => {
                self.session = None;
                Some(self.conversation.doubted(&failure, self.time.moment()))
            }
        }
    }

    async fn follows(&mut self, outcome: &Outcome) {
        self.conversation.keep(outcome).await.unwrap();
        self.displaced |= matches!(outcome.turn, Some(Turn::Displaced { .. }));
        match &outcome.link {
            Some(LinkNews::Online) => (self.session, self.held) = (outcome.ticket, None),
            Some(LinkNews::Held(reason)) => (self.session, self.held) = (None, Some(*reason)),
            Some(LinkNews::Down(_)) => self.session = None,
            None => {}
        }
    }
}

fn conversation(
    folder: &TempDir,
    store: &StoreId,
    device: &DeviceId,
    seams: &Seams,
) -> Conversation {
    let parts = Parts {
        store: store.clone(),
        journal: open(folder.path()),
        health: Health::new(Link::NoRelay),
        seams: seams.clone(),
        instance: Bytes(random()),
    };
    Conversation::new(parts, device.clone())
}

fn open(folder: &Path) -> Journal {
    let file = folder.join("journal.db");
    let key = DataKey::new([1; 32]);
    Journal::open(&Options { file, key, new_epoch: Bytes(random()) }).unwrap()
}
