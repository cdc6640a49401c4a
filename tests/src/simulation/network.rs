//! The way between agents and relay: two kinds of it, and everything that goes wrong on it.
//!
//! Over HTTPS a question and its answer share a connection: either is lost with it, and a relay
//! may finish what nobody waits for any more. Through a broker each message travels alone: late,
//! twice, out of order, to another replica than the one before. An answer is told apart by the
//! question that it belongs to, as the real uplinks do. A hostile way also forges
//! acknowledgements, with a stolen key, so that only the chain hash stands against it. A statement
//! is never late or repeated: whose it is then is the handshake's to tell, and no matter of this
//! simulation. Signs and verifies as the uplinks do; decides nothing about what is said.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent::health::Reason;
use agent::sync::answer::{Answer, said, signed};
use agent::sync::batch::Packed;
use agent::sync::policy::{BATCH_TIMEOUT, CONNECT_TIMEOUT, MESSAGE_TIMEOUT, POLL_GRACE};
use agent::sync::uplink::{Failure, Poll, Uplink};
use protocol::batch::{Acknowledgement, Batch, BatchAnswer};
use protocol::bytes::Bytes;
use protocol::downlink::DownlinkPage;
use protocol::handshake::{SessionAnswer, Statement};
use protocol::id::DeviceId;
use protocol::problem::Code;
use protocol::sign::{SigningKey, VerifyingKey};
use tokio::sync::mpsc;

use super::chance::Chance;
use super::relay::{Question, Replica, STATEMENTS, Said};
use super::trace::Trace;

/// How long a broker keeps a message for a relay that is away.
const BROKER_KEEPS_MAX: Duration = Duration::from_secs(90);

/// How often a broker tries again to hand a message over.
const BROKER_LOOKS: Duration = Duration::from_millis(500);

/// The longest way of a message through a broker that is not the usual one.
const STRAGGLER_MS_MAX: u64 = 40_000;

/// Answers that a hostile way remembers to repeat them.
const REMEMBERED_MAX: usize = 8;

/// How the way carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Question and answer on one connection.
    Https,
    /// Independent messages.
    Mqtt,
}

/// What is wrong with one agent's way at present.
#[derive(Debug, Default)]
pub struct Weather {
    /// Virtual milliseconds until which nothing passes.
    cut_until_ms: AtomicU64,
    /// One message in so many is lost; none if 0.
    pub loses_one_in: AtomicU64,
    /// Acknowledgements are forged.
    pub is_hostile: AtomicBool,
}

/// One agent's way to the relay.
pub struct Line {
    name: String,
    device: DeviceId,
    kind: Kind,
    key: SigningKey,
    relay_key: VerifyingKey,
    replicas: Vec<Arc<Replica>>,
    weather: Arc<Weather>,
    chance: Chance,
    trace: Arc<Trace>,
    remembered: Mutex<Vec<BatchAnswer>>,
}

/// What a line is made of.
pub struct Ends {
    /// Whose it is, in the trace.
    pub name: String,
    /// The device.
    pub device: DeviceId,
    /// How it carries.
    pub kind: Kind,
    /// The device's key.
    pub key: SigningKey,
    /// What the relay signs with.
    pub relay_key: VerifyingKey,
    /// Where it leads.
    pub replicas: Vec<Arc<Replica>>,
    /// What is wrong with it.
    pub weather: Arc<Weather>,
}

impl Weather {
    /// Cuts the way for a time.
    pub fn cut_for(&self, now: Duration, lasts: Duration) {
        let until = u64::try_from((now + lasts).as_millis()).unwrap_or(u64::MAX);
        self.cut_until_ms.store(until, Ordering::Relaxed);
    }

    /// Everything is well from now on.
    pub fn heal(&self) {
        self.cut_until_ms.store(0, Ordering::Relaxed);
        self.loses_one_in.store(0, Ordering::Relaxed);
        self.is_hostile.store(false, Ordering::Relaxed);
    }
}

impl Line {
    /// A line between two ends.
    #[must_use]
    pub fn new(ends: Ends, seed: u64, trace: Arc<Trace>) -> Arc<Self> {
        let Ends { name, device, kind, key, relay_key, replicas, weather } = ends;
        let chance = Chance::of(seed, &format!("line of {name}"));
        let remembered = Mutex::default();
        Arc::new(Self {
            name,
            device,
            kind,
            key,
            relay_key,
            replicas,
            weather,
            chance,
            trace,
            remembered,
        })
    }

    async fn ask(self: &Arc<Self>, question: Question, limit: Duration) -> Result<Said, Failure> {
        let carried = async {
            match self.kind {
                Kind::Https => self.on_connection(&question).await,
                Kind::Mqtt => Ok(self.through_broker(question.clone()).await),
            }
        };
        let answer = tokio::time::timeout(limit, carried).await;
        let answer = answer.unwrap_or_else(|_| Err(unavailable("no answer within its time")))?;
        if answer.is_good() {
            return Ok(answer);
        }
        let problem = serde_json::from_slice(&answer.body);
        let problem = problem.map_err(|_| unavailable("an answer that is none of the relay's"))?;
        Err(said(answer.status, &problem, answer.retry_after))
    }

    async fn on_connection(&self, question: &Question) -> Result<Said, Failure> {
        if self.is_cut() {
            tokio::time::sleep(CONNECT_TIMEOUT).await;
            return Err(unreachable("no connection came about"));
        }
        self.travel().await;
        let replica = self.any_replica().ok_or_else(|| unreachable("nobody listens"))?;
        if self.loses() {
            return std::future::pending().await;
        }
        let broken = || unavailable("the connection broke");
        let mut answering = replica.take(question).ok_or_else(broken)?;
        // A relay does not always notice that a connection is half open.
        answering.hangs_up |= question.is_statement() || self.chance.one_in(2);
        let answer = answering.said().await.ok_or_else(broken)?;
        self.travel().await;
        if self.is_cut() || self.loses() {
            return match self.chance.one_in(2) {
                true => Err(broken()),
                false => std::future::pending().await,
            };
        }
        Ok(answer)
    }

    /// Sends a question through the broker and waits for the first answer to it.
    async fn through_broker(self: &Arc<Self>, question: Question) -> Said {
        if question.is_statement() {
            return match self.carry(&question).await {
                Some(said) => said,
                None => std::future::pending().await,
            };
        }
        // A poll is confirmed at once and answered once; all else may come twice.
        let twice = question.body.is_some() && self.chance.one_in(8);
        let (answers, mut first) = mpsc::channel(2);
        for _ in 0..if twice { 2 } else { 1 } {
            let (line, question, answers) = (Arc::clone(self), question.clone(), answers.clone());
            tokio::spawn(async move {
                if let Some(said) = line.carry(&question).await
                    && answers.try_send(said).is_err()
                {
                    line.trace.say(&line.name, || "gets an answer it has given up".to_owned());
                }
            });
        }
        drop(answers);
        match first.recv().await {
            Some(said) => said,
            None => std::future::pending().await,
        }
    }

    /// Carries one message to a replica and its answer back; none if either is lost.
    async fn carry(&self, question: &Question) -> Option<Said> {
        self.travel().await;
        self.straggle(question).await;
        if self.loses() {
            return None;
        }
        let began = self.trace.time().passed();
        let said = loop {
            let replica = if self.is_cut() { None } else { self.any_replica() };
            // What a replica did not confirm goes to another one.
            if let Some(replica) = replica
                && let Some(mut answering) = replica.take(question)
            {
                answering.hangs_up |= question.is_statement();
                if let Some(said) = answering.said().await {
                    break said;
                }
            }
            if self.trace.time().passed().saturating_sub(began) > BROKER_KEEPS_MAX {
                return None;
            }
            tokio::time::sleep(BROKER_LOOKS).await;
        };
        self.travel().await;
        self.straggle(question).await;
        (!self.loses()).then_some(said)
    }

    async fn travel(&self) {
        tokio::time::sleep(self.chance.millis(2, 60)).await;
    }

    async fn straggle(&self, question: &Question) {
        if !question.is_statement() && self.chance.one_in(12) {
            tokio::time::sleep(self.chance.millis(100, STRAGGLER_MS_MAX)).await;
        }
    }

    fn is_cut(&self) -> bool {
        let until = Duration::from_millis(self.weather.cut_until_ms.load(Ordering::Relaxed));
        until > self.trace.time().passed()
    }

    fn loses(&self) -> bool {
        let one_in = self.weather.loses_one_in.load(Ordering::Relaxed);
        u32::try_from(one_in).is_ok_and(|one_in| one_in > 0 && self.chance.one_in(one_in))
    }

    fn any_replica(&self) -> Option<&Replica> {
        let running = self.replicas.iter().filter(|replica| replica.runs());
        let running: Vec<&Replica> = running.map(AsRef::as_ref).collect();
        match running.is_empty() {
            true => None,
            false => Some(*self.chance.any_of(&running)),
        }
    }

    /// What a hostile way says in place of the relay: an acknowledgement of everything, or an
    /// answer of an earlier time.
    fn forged(&self, batch: &Packed) -> Option<BatchAnswer> {
        if !self.weather.is_hostile.load(Ordering::Relaxed) || !self.chance.one_in(4) {
            return None;
        }
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if !remembered.is_empty() && self.chance.one_in(2) {
            return Some(self.chance.any_of(&remembered).clone());
        }
        let batch: Batch = serde_json::from_slice(&batch.json).expect("a batch of our own");
        let Batch { device, epoch, head_sequence: sequence, .. } = batch;
        let chain_hash = Bytes([0xEE; 32]);
        Some(BatchAnswer::Acknowledgement(Acknowledgement { device, epoch, sequence, chain_hash }))
    }

    fn remember(&self, answer: &BatchAnswer) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() < REMEMBERED_MAX {
            remembered.push(answer.clone());
        }
    }

    fn signed<T: serde::de::DeserializeOwned>(&self, said: Said) -> Result<T, Failure> {
        signed(&Answer { body: said.body, signature: said.signature }, self.relay_key)
    }

    fn question(&self, path: &str, signed: &[u8], body: Option<Vec<u8>>, packed: bool) -> Question {
        let signature = self.key.sign(signed);
        let device = self.device.to_string();
        Question { device, path: path.to_owned(), body, packed, signature }
    }
}

/// A line as sync holds it.
pub struct Way(pub Arc<Line>);

impl Uplink for Way {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        let Self(line) = self;
        line.trace.say(&line.name, || {
            let (head, acknowledged) = (statement.head.sequence, statement.acknowledged.sequence);
            format!("states head {head}, acknowledged {acknowledged}")
        });
        let body = serde_json::to_vec(statement).expect("a statement is plain data");
        let question = line.question(STATEMENTS, &body, Some(body.clone()), false);
        let answer = line.ask(question, MESSAGE_TIMEOUT).await.and_then(|said| line.signed(said));
        line.trace.say(&line.name, || match &answer {
            Ok(SessionAnswer { head, standing, .. }) => {
                format!("is told head {}, {standing:?}", head.sequence)
            }
            Err(failure) => format!("has no session: {failure}"),
        });
        answer
    }

    async fn send(&self, batch: &Packed) -> Result<BatchAnswer, Failure> {
        let Self(line) = self;
        let (end, entries) = (batch.end.sequence, batch.entries);
        line.trace.say(&line.name, || format!("sends {entries} entries up to {end}"));
        if let Some(forged) = line.forged(batch) {
            line.travel().await;
            line.trace.say(&line.name, || format!("is lied to: {}", in_short(&forged)));
            return Ok(forged);
        }
        let question = line.question("batches", &batch.json, Some(batch.packed.clone()), true);
        let answer = line.ask(question, BATCH_TIMEOUT).await.and_then(|said| line.signed(said));
        line.trace.say(&line.name, || match &answer {
            Ok(answer) => format!("is answered: {}", in_short(answer)),
            Err(failure) => format!("is not answered: {failure}"),
        });
        if let Ok(answer) = &answer {
            line.remember(answer);
        }
        answer
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        let Self(line) = self;
        let Poll { after, head, ticket, wait_seconds: wait } = poll;
        let path = format!("downlink?after={after}&wait={wait}&head={head}&ticket={ticket}");
        let signed = format!("/v1/devices/{}/{path}", line.device);
        let question = line.question(&path, signed.as_bytes(), None, false);
        let limit = POLL_GRACE + Duration::from_secs(wait);
        line.ask(question, limit).await.and_then(|said| line.signed(said))
    }
}

fn in_short(answer: &BatchAnswer) -> String {
    match answer {
        BatchAnswer::Acknowledgement(stated) => format!("acknowledged up to {}", stated.sequence),
        BatchAnswer::Head(stated) => format!("the head is {}", stated.sequence),
        BatchAnswer::Aside(stated) => format!("kept aside up to {}", stated.sequence),
    }
}

fn unavailable(text: &str) -> Failure {
    Failure::unavailable(Reason::new(Code::RelayUnreachable, text))
}

fn unreachable(text: &str) -> Failure {
    Failure::Unreachable(Reason::new(Code::RelayUnreachable, text))
}
