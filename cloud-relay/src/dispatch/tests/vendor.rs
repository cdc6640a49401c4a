//! A target as a model: the set of what was applied, and a script of how it misbehaves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::envelope::Event;
use uuid::Uuid;

use super::make::{at, reference};
use crate::connectors::{
    Bridging, BundleBody, BundleVerdict, Call, Checked, Connector, ExceptionClass, Found, Planned,
    Prepared, Profile, Reply, TargetRef, Unanswered, Verdict,
};
use crate::seams::Clock;

/// How the target treats one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) enum Mood {
    /// As it should.
    Well,
    /// Does it, and the answer is lost; look-ups show it after so many seconds.
    AnswerLost(i64),
    /// Does nothing, and that answer is lost.
    NothingDone,
    /// Says that it is too busy.
    Busy,
    /// Says that the budget is spent.
    Throttled,
    /// Says that it takes nothing now.
    Closed,
    /// Leaves a draft.
    Draft,
    /// Refuses the document (or the bundle's first member) for good.
    Refuses,
    /// The connector panics before it sends anything.
    Panics,
    /// Says that the compare was stale (bundles only; documents: as it should).
    Stale,
}

#[derive(Debug, Default)]
pub(in crate::dispatch) struct Books {
    /// When each application of a document or delta shows in look-ups.
    pub(in crate::dispatch) applied: BTreeMap<Uuid, Vec<Timestamp>>,
    drafts: BTreeMap<Uuid, Timestamp>,
    /// Bundle keys that the target remembers, with their first request.
    bundles: BTreeMap<Uuid, Timestamp>,
    pub(in crate::dispatch) moods: VecDeque<Mood>,
    pub(in crate::dispatch) moved_since: Vec<Vec<protocol::decimal::Number>>,
}

/// The target, with its connector.
pub(in crate::dispatch) struct Vendor {
    profile: Profile,
    books: Mutex<Books>,
    clock: Clock,
    seconds: Arc<AtomicI64>,
}

impl Vendor {
    /// A target that runs on a clock of seconds; each call takes one.
    pub(in crate::dispatch) fn new(seconds: Arc<AtomicI64>) -> Arc<Self> {
        let profile = Profile {
            kind: "model",
            verified: None,
            call_timeout: Duration::from_secs(30),
            settle_time: Duration::from_secs(120),
            bundle_max: 3,
            repeat_window: Duration::from_secs(24 * 3_600),
            cost_estimate: 1,
        };
        let clock = clock(&seconds);
        Arc::new(Self { profile, books: Mutex::default(), clock, seconds })
    }

    pub(in crate::dispatch) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// How often a document or delta was applied.
    pub(in crate::dispatch) fn times_applied(&self, key: Uuid) -> usize {
        self.books().applied.get(&key).map_or(0, Vec::len)
    }

    fn mood(&self) -> Mood {
        self.seconds.fetch_add(1, Ordering::Relaxed);
        self.books().moods.pop_front().unwrap_or(Mood::Well)
    }

    fn apply(&self, key: Uuid, shows_after: i64) {
        let shows_at = (self.clock)() + jiff::SignedDuration::from_secs(shows_after);
        let mut books = self.books();
        books.drafts.remove(&key);
        books.applied.entry(key).or_default().push(shows_at);
    }

    fn apply_bundle(&self, key: Uuid, body: &str, shows_after: i64) {
        let now = (self.clock)();
        let first = *self.books().bundles.entry(key).or_insert(now);
        let is_repetition = first < now && now.duration_since(first).as_hours() < 24;
        if !is_repetition {
            for member in body.lines() {
                self.apply(member.parse().unwrap(), shows_after);
            }
        }
    }

    /// What a mood means for a call that may apply something, but for doing it.
    fn declined(mood: Mood) -> Option<Verdict> {
        Some(match mood {
            Mood::Busy => Verdict::Retry { after: None, reason: "503".to_owned() },
            Mood::Throttled => Verdict::Throttled { after: Duration::from_secs(3) },
            Mood::Closed => {
                let reason = "closed for maintenance".to_owned();
                Verdict::Paused { after: Duration::from_secs(600), reason }
            }
            Mood::NothingDone => Verdict::Unknown { reason: "connection reset".to_owned() },
            Mood::Panics => panic!("the connector has a mistake"),
            _ => return None,
        })
    }

    fn unanswered(mood: Mood) -> Option<Unanswered> {
        Some(match mood {
            Mood::Busy | Mood::NothingDone | Mood::AnswerLost(_) => {
                Unanswered::Retry { after: None, reason: "503".to_owned() }
            }
            Mood::Throttled => Unanswered::Throttled { after: Duration::from_secs(3) },
            Mood::Closed => {
                let reason = "closed for maintenance".to_owned();
                Unanswered::Paused { after: Duration::from_secs(600), reason }
            }
            Mood::Panics => panic!("the connector has a mistake"),
            _ => return None,
        })
    }

    fn write(&self, key: Uuid, mood: Mood) -> Verdict {
        if let Some(verdict) = Self::declined(mood) {
            return verdict;
        }
        match mood {
            Mood::Refuses => Verdict::Exception {
                class: ExceptionClass::UnknownItem,
                reason: "4711 is unknown".to_owned(),
            },
            Mood::AnswerLost(shows_after) => {
                self.apply(key, shows_after);
                Verdict::Unknown { reason: "no answer".to_owned() }
            }
            _ => {
                self.apply(key, 0);
                Verdict::Done(reference(&key.to_string()))
            }
        }
    }
}

pub(in crate::dispatch) fn clock(seconds: &Arc<AtomicI64>) -> Clock {
    let seconds = Arc::clone(seconds);
    Arc::new(move || at(seconds.load(Ordering::Relaxed)))
}

fn reply<T>(outcome: T) -> Reply<T> {
    Reply { outcome, budget: None }
}

#[async_trait]
impl Connector for Vendor {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn plan(&self, _event: &Event) -> Vec<Planned> {
        Vec::new()
    }

    fn bridging(&self, _event: &Event) -> Vec<Bridging> {
        Vec::new()
    }

    async fn check(&self) -> Result<Checked, Unanswered> {
        Ok(Checked { findings: Vec::new() })
    }

    async fn find(&self, call: &Call) -> Reply<Result<Found, Unanswered>> {
        if let Some(unanswered) = Self::unanswered(self.mood()) {
            return reply(Err(unanswered));
        }
        let now = (self.clock)();
        let books = self.books();
        let shows = |at: &Timestamp| *at <= now;
        let posted = books.applied.get(&call.key).is_some_and(|times| times.iter().any(shows));
        let name = reference(&call.key.to_string());
        reply(Ok(match (posted, books.drafts.contains_key(&call.key)) {
            (true, _) => Found::Posted(name),
            (false, true) => Found::Draft(name),
            (false, false) => Found::None,
        }))
    }

    async fn create(&self, call: &Call) -> Reply<Verdict> {
        let mood = self.mood();
        if mood == Mood::Draft {
            let now = (self.clock)();
            self.books().drafts.insert(call.key, now);
            return reply(Verdict::Resume(reference(&call.key.to_string())));
        }
        reply(self.write(call.key, mood))
    }

    async fn commit(&self, call: &Call, _draft: &TargetRef) -> Reply<Verdict> {
        let mood = self.mood();
        // A draft becomes one document, however often it is told to.
        if self.times_applied(call.key) > 0 {
            return reply(Verdict::AlreadyDone(reference(&call.key.to_string())));
        }
        reply(self.write(call.key, mood))
    }

    async fn verify(&self, _call: &Call, found: &TargetRef) -> Reply<Verdict> {
        reply(match Self::unanswered(self.mood()) {
            Some(Unanswered::Retry { after, reason }) => Verdict::Retry { after, reason },
            Some(Unanswered::Throttled { after }) => Verdict::Throttled { after },
            Some(Unanswered::Paused { after, reason }) => Verdict::Paused { after, reason },
            None => Verdict::Done(found.clone()),
        })
    }

    async fn prepare(&self, _key: Uuid, calls: &[Call]) -> Reply<Result<Prepared, Unanswered>> {
        if let Some(unanswered) = Self::unanswered(self.mood()) {
            return reply(Err(unanswered));
        }
        let sums = calls.iter().map(|call| call.moved_since.clone());
        self.books().moved_since.extend(sums);
        let body = calls.iter().map(|call| call.key.to_string()).collect::<Vec<_>>().join("\n");
        let bundle = Some(BundleBody { body, members: (0..calls.len()).collect() });
        reply(Ok(Prepared { bundle, refused: Vec::new(), without_effect: Vec::new() }))
    }

    async fn send(&self, key: Uuid, body: &str, _deadline: Timestamp) -> Reply<BundleVerdict> {
        let mood = self.mood();
        if let Some(verdict) = Self::declined(mood) {
            return reply(BundleVerdict::Wait(verdict));
        }
        let is_known = self.books().bundles.contains_key(&key);
        let reason = "user error".to_owned();
        reply(match mood {
            Mood::Refuses if !is_known => {
                let culprit = (0, ExceptionClass::UnknownItem, "4711 is unknown".to_owned());
                BundleVerdict::Refused { culprits: vec![culprit], reason }
            }
            Mood::Stale if !is_known => BundleVerdict::Refused { culprits: Vec::new(), reason },
            Mood::AnswerLost(_) => {
                self.apply_bundle(key, body, 0);
                let reason = "no answer".to_owned();
                BundleVerdict::Wait(Verdict::Unknown { reason })
            }
            _ => {
                self.apply_bundle(key, body, 0);
                BundleVerdict::Done(reference(&key.to_string()))
            }
        })
    }
}
