//! A target that takes everything, for tests that are not about targets.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::envelope::Event;
use uuid::Uuid;

use crate::connectors::{
    Bridging, BundleVerdict, Call, CheckFinding, Checked, Class, Connector, Found, Mode, Planned,
    Prepared, Profile, Reply, TargetRef, Unanswered, Verdict,
};

/// The target with the keys of what it took.
pub(crate) struct Sink {
    profile: Profile,
    is_well: bool,
    taken: Mutex<Vec<Uuid>>,
}

impl Sink {
    /// A target whose check finds it well, or not.
    pub(crate) fn new(is_well: bool) -> Self {
        let profile = Profile {
            kind: "sink",
            verified: None,
            call_timeout: Duration::from_secs(5),
            settle_time: Duration::ZERO,
            bundle_max: 1,
            repeat_window: Duration::from_secs(60),
            cost_estimate: 1,
        };
        Self { profile, is_well, taken: Mutex::default() }
    }

    pub(crate) fn taken(&self) -> Vec<Uuid> {
        self.taken.lock().unwrap().clone()
    }
}

fn reply<T>(outcome: T) -> Reply<T> {
    Reply { outcome, budget: None }
}

fn reference() -> TargetRef {
    TargetRef { id: "1".to_owned(), name: "#1".to_owned(), detail: serde_json::Value::Null }
}

#[async_trait]
impl Connector for Sink {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn plan(&self, _event: &Event) -> Vec<Planned> {
        vec![Planned {
            class: Class::Receipts,
            action: "order.create".to_owned(),
            part: 0,
            mode: Mode::Document,
            depends_on: Vec::new(),
            amount: None,
        }]
    }

    fn bridging(&self, _event: &Event) -> Vec<Bridging> {
        Vec::new()
    }

    async fn check(&self) -> Result<Checked, Unanswered> {
        let detail = if self.is_well { "accepted" } else { "refused: enter a new token" };
        let (subject, detail) = ("credentials".to_owned(), detail.to_owned());
        Ok(Checked { findings: vec![CheckFinding { subject, well: self.is_well, detail }] })
    }

    async fn find(&self, call: &Call) -> Reply<Result<Found, Unanswered>> {
        let is_there = self.taken().contains(&call.key);
        reply(Ok(if is_there { Found::Posted(reference()) } else { Found::None }))
    }

    async fn create(&self, call: &Call) -> Reply<Verdict> {
        self.taken.lock().unwrap().push(call.key);
        reply(Verdict::Done(reference()))
    }

    async fn commit(&self, _call: &Call, draft: &TargetRef) -> Reply<Verdict> {
        reply(Verdict::Done(draft.clone()))
    }

    async fn verify(&self, _call: &Call, reference: &TargetRef) -> Reply<Verdict> {
        reply(Verdict::Done(reference.clone()))
    }

    async fn prepare(&self, _key: Uuid, calls: &[Call]) -> Reply<Result<Prepared, Unanswered>> {
        let without_effect = (0..calls.len()).collect();
        reply(Ok(Prepared { bundle: None, refused: Vec::new(), without_effect }))
    }

    async fn send(&self, _key: Uuid, _body: &str, _deadline: Timestamp) -> Reply<BundleVerdict> {
        reply(BundleVerdict::Done(reference()))
    }
}
