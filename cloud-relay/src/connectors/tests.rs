//! The conformance suite lets a right connector pass and names what is wrong with others.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use protocol::envelope::Event;
use uuid::Uuid;

use super::conformance::{Bench, Fault, conforms};
use super::{
    Bridging, BundleBody, BundleVerdict, Call, Checked, Class, Connector, ExceptionClass, Found,
    Mode, Planned, Prepared, Profile, Reply, TargetRef, Unanswered, Verdict,
};
use crate::dispatch::read;
use crate::dispatch::tests::make::record;

/// A mistake that a connector may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    LostAnswerIsRetried,
    ServerErrorIsRefusal,
    CredentialsAreRefusal,
    RefusalIsRetried,
    SettleTimeTooShort,
    TokenInReason,
    NewKeyForEachBundle,
}

const TOKEN: &str = "shpat_secret";
const LAG: Duration = Duration::from_secs(60);

/// The vendor's own books.
#[derive(Default)]
struct Books {
    now: Duration,
    documents: BTreeMap<Uuid, Vec<Duration>>,
    bundles: BTreeMap<(Uuid, usize), Uuid>,
    sent: usize,
    fault: Option<Fault>,
}

struct Fake {
    books: Arc<Mutex<Books>>,
    profile: Profile,
    mistake: Mistake,
}

/// What the fake said, before the connector judged it.
enum Said {
    Applied,
    Status(u16),
    Nothing,
}

impl Fake {
    fn write(&self, apply: impl FnOnce(&mut Books, Duration)) -> Said {
        let mut books = self.books.lock().unwrap();
        let now = books.now;
        match books.fault.take() {
            None => apply(&mut books, now),
            Some(Fault::Hidden) => apply(&mut books, now + LAG),
            Some(Fault::AnswerLost) => {
                apply(&mut books, now);
                return Said::Nothing;
            }
            Some(Fault::NothingDone | Fault::Html) => return Said::Nothing,
            Some(Fault::Status(status)) => return Said::Status(status),
        }
        Said::Applied
    }

    fn judge(&self, said: &Said, key: Uuid) -> Verdict {
        let secret = if self.mistake == Mistake::TokenInReason { TOKEN } else { "" };
        let reason = format!("no luck {secret}");
        let refused = |reason| Verdict::Exception { class: ExceptionClass::Rejected, reason };
        let retry = |reason| Verdict::Retry { after: None, reason };
        match said {
            Said::Applied => Verdict::Done(name(key)),
            Said::Nothing if self.mistake == Mistake::LostAnswerIsRetried => retry(reason),
            Said::Nothing => Verdict::Unknown { reason },
            Said::Status(401 | 403) if self.mistake != Mistake::CredentialsAreRefusal => {
                Verdict::Paused { after: LAG, reason }
            }
            Said::Status(500..) if self.mistake == Mistake::ServerErrorIsRefusal => refused(reason),
            Said::Status(429 | 500..) => retry(reason),
            Said::Status(_) if self.mistake == Mistake::RefusalIsRetried => retry(reason),
            Said::Status(_) => refused(reason),
        }
    }
}

fn name(key: Uuid) -> TargetRef {
    TargetRef { id: key.to_string(), name: key.to_string(), detail: serde_json::Value::Null }
}

fn reply<T>(outcome: T) -> Reply<T> {
    Reply { outcome, budget: None }
}

#[async_trait]
impl Connector for Fake {
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
        let books = self.books.lock().unwrap();
        let shows = |times: &Vec<Duration>| times.iter().any(|at| *at <= books.now);
        let is_there = books.documents.get(&call.key).is_some_and(shows);
        reply(Ok(if is_there { Found::Posted(name(call.key)) } else { Found::None }))
    }
    async fn create(&self, call: &Call) -> Reply<Verdict> {
        let said = self.write(|books, at| books.documents.entry(call.key).or_default().push(at));
        reply(self.judge(&said, call.key))
    }
    async fn commit(&self, call: &Call, _draft: &TargetRef) -> Reply<Verdict> {
        self.create(call).await
    }
    async fn verify(&self, _call: &Call, found: &TargetRef) -> Reply<Verdict> {
        reply(Verdict::Done(found.clone()))
    }
    async fn prepare(&self, _key: Uuid, calls: &[Call]) -> Reply<Result<Prepared, Unanswered>> {
        let body = calls[0].key.to_string();
        let bundle = Some(BundleBody { body, members: vec![0] });
        reply(Ok(Prepared { bundle, refused: Vec::new(), without_effect: Vec::new() }))
    }
    async fn send(&self, key: Uuid, body: &str, _deadline: Timestamp) -> Reply<BundleVerdict> {
        let member: Uuid = body.parse().unwrap();
        let said = self.write(|books, _at| {
            books.sent += 1;
            // The vendor knows a repetition by its key, which a mistaken connector changes.
            let salt = if self.mistake == Mistake::NewKeyForEachBundle { books.sent } else { 0 };
            books.bundles.insert((key, salt), member);
        });
        reply(match self.judge(&said, key) {
            Verdict::Done(reference) => BundleVerdict::Done(reference),
            Verdict::Exception { class, reason } => {
                let culprits = vec![(0, class, reason.clone())];
                BundleVerdict::Refused { culprits, reason }
            }
            verdict => BundleVerdict::Wait(verdict),
        })
    }
}

impl Bench for Arc<Fake> {
    fn connector(&self) -> Arc<dyn Connector> {
        self.clone()
    }
    fn modes(&self) -> Vec<Mode> {
        vec![Mode::Document, Mode::Delta]
    }
    fn call(&self, number: u32, mode: Mode) -> Call {
        Call {
            event: read::event(&record(i64::from(number))).unwrap(),
            planned: Planned {
                class: Class::Receipts,
                action: "post".to_owned(),
                part: 0,
                mode,
                depends_on: Vec::new(),
                amount: None,
            },
            key: Uuid::from_u128(u128::from(number)),
            originals: Vec::new(),
            moved_since: Vec::new(),
            deadline: Timestamp::MAX,
        }
    }
    fn fault(&self, fault: Fault) {
        self.books.lock().unwrap().fault = Some(fault);
    }
    fn effects(&self, call: &Call) -> usize {
        let books = self.books.lock().unwrap();
        let in_bundles = books.bundles.values().filter(|member| **member == call.key).count();
        books.documents.get(&call.key).map_or(0, Vec::len) + in_bundles
    }
    fn pass(&self, time: Duration) {
        self.books.lock().unwrap().now += time;
    }
    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }
}

fn fake(mistake: Mistake) -> Box<dyn Bench> {
    let is_short = mistake == Mistake::SettleTimeTooShort;
    let settle_time = if is_short { Duration::ZERO } else { LAG };
    let profile = Profile {
        kind: "fake",
        verified: None,
        call_timeout: Duration::from_secs(1),
        settle_time,
        bundle_max: 1,
        repeat_window: Duration::from_secs(3_600),
        cost_estimate: 1,
    };
    Box::new(Arc::new(Fake { books: Arc::default(), profile, mistake }))
}

fn passes(mistake: Mistake) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let suite = AssertUnwindSafe(conforms(|| fake(mistake))).catch_unwind();
    runtime.block_on(suite).is_ok()
}

#[test]
fn a_right_connector_conforms() {
    assert!(passes(Mistake::None));
}

#[test]
fn control_every_mistake_is_found() {
    for mistake in [
        Mistake::LostAnswerIsRetried,
        Mistake::ServerErrorIsRefusal,
        Mistake::CredentialsAreRefusal,
        Mistake::RefusalIsRetried,
        Mistake::SettleTimeTooShort,
        Mistake::TokenInReason,
        Mistake::NewKeyForEachBundle,
    ] {
        assert!(!passes(mistake), "{mistake:?} went unnoticed");
    }
}
