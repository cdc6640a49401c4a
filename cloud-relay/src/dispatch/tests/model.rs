//! Random answers, crashes and lost fences against a target that is a set: each document ends
//! there exactly once, or as an exception and not there. With a fault switched on, it does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_oneof, proptest,
};
use protocol::id::TenantId;
use uuid::Uuid;

use super::make::{delivery, id};
use super::memory::{Fault, Memory, lane};
use super::vendor::{Mood, Vendor, clock};
use crate::connectors::{Connector, ExceptionClass, Mode, Targets};
use crate::dispatch::Settings;
use crate::dispatch::key::delivery_key;
use crate::dispatch::purse::Purse;
use crate::dispatch::visit::Shared;
use crate::dispatch::work::{WorkParts, visit};
use crate::seams::Seams;
use crate::store::model::DeliveryState;
use crate::store::{SharedStore, Store};

/// A store, a target and the workers' shared parts, on a clock that only calls and waits move.
pub(super) struct World {
    pub(super) store: Arc<Memory>,
    pub(super) vendor: Arc<Vendor>,
    pub(super) seconds: Arc<AtomicI64>,
    shared: Shared,
}

const LEASE: SignedDuration = SignedDuration::from_secs(140);

impl World {
    pub(super) fn new(seams: Seams) -> Self {
        let seconds = Arc::new(AtomicI64::new(0));
        let store = Arc::new(Memory::default());
        let vendor = Vendor::new(Arc::clone(&seconds));
        let seams = Seams { clock: clock(&seconds), ..seams };
        let target = lane().target;
        let connector: Arc<dyn Connector> = vendor.clone();
        let shared_store: SharedStore = store.clone();
        let shared = Shared {
            store: shared_store,
            targets: Targets::from([(target.clone(), connector)]),
            tenant: TenantId::new("acme").unwrap(),
            purses: BTreeMap::from([(target, Purse::new(1, Arc::clone(&seams.clock)))]),
            seams,
            settings: Settings::default(),
        };
        Self { store, vendor, seconds, shared }
    }

    pub(super) fn work_parts(&self) -> WorkParts {
        WorkParts {
            store: self.shared.store.clone(),
            targets: self.shared.targets.clone(),
            tenant: self.shared.tenant.clone(),
            seams: self.shared.seams.clone(),
            settings: self.shared.settings,
        }
    }

    pub(super) fn key(&self, number: i64) -> Uuid {
        let rows = self.store.rows();
        let delivery = &rows.deliveries[&id(number)];
        let planned = &delivery.planned;
        delivery_key(
            &self.shared.tenant,
            &delivery.natural_key,
            &lane().target,
            &planned.action,
            planned.part,
        )
    }

    pub(super) fn times_applied(&self, number: i64) -> usize {
        self.vendor.times_applied(self.key(number))
    }

    /// Lets workers come by until everything is settled.
    pub(super) fn run(&self) {
        self.run_until(|| self.store.is_settled());
    }

    /// The deliveries that are neither done nor an exception.
    pub(super) fn open(&self) -> Vec<i64> {
        let rows = self.store.rows();
        let open = rows.deliveries.values().filter(|delivery| {
            !matches!(delivery.state, DeliveryState::Done { .. } | DeliveryState::Exception { .. })
        });
        open.map(|delivery| delivery.id.number).collect()
    }

    /// Lets workers come by until a condition holds.
    pub(super) fn run_until(&self, is_over: impl Fn() -> bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            for _ in 0..20_000 {
                if is_over() {
                    return;
                }
                let now = self.shared.now();
                match self.store.claim_lane("worker", now, LEASE).await.unwrap() {
                    // A visit that died leaves the lane as it stands; the next one goes on.
                    Some(claim) => drop(visit(&self.shared, claim, LEASE, || false).await),
                    None => {
                        self.seconds.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            panic!("never settled: {:?}", self.store.rows());
        });
    }

    /// What promise 2 says of each delivery.
    fn broken_promise(&self) -> Option<String> {
        let ids: Vec<_> = self.store.rows().deliveries.keys().copied().collect();
        ids.into_iter().find_map(|id| {
            let (state, times) = (self.store.state(id), self.times_applied(id.number));
            let is_kept = match &state {
                DeliveryState::Done { .. } => times == 1,
                DeliveryState::Exception { class: ExceptionClass::UnknownOutcome, .. } => times < 2,
                _ => times == 0,
            };
            (!is_kept).then(|| format!("{id} was applied {times} times and is {state:?}"))
        })
    }
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        4 => Just(Mood::Well),
        3 => (0_i64..=120).prop_map(Mood::AnswerLost),
        2 => Just(Mood::NothingDone),
        2 => Just(Mood::Busy),
        1 => Just(Mood::Throttled),
        1 => Just(Mood::Closed),
        2 => Just(Mood::Draft),
        1 => Just(Mood::Refuses),
        1 => Just(Mood::Stale),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::CrashBefore),
        1 => Just(Fault::CrashAfter),
        1 => Just(Fault::FenceLost),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_document_is_applied_exactly_once_or_is_an_exception(
        moods in prop::collection::vec(mood(), 0..60),
        faults in prop::collection::vec(fault(), 0..60),
        modes in prop::collection::vec(prop_oneof![Just(Mode::Document), Just(Mode::Delta)], 1..9),
        returns in prop::collection::vec(any::<bool>(), 9),
    ) {
        let world = World::new(Seams::default());
        for (number, mode) in (1..).zip(&modes) {
            let mut delivery = delivery(number, *mode);
            if number > 1 && *mode == Mode::Document && returns[usize::try_from(number - 1).unwrap()]
                && modes[0] == Mode::Document
            {
                delivery.planned.depends_on = vec!["key-1".to_owned()];
            }
            world.store.add(delivery);
        }
        world.vendor.books().moods.extend(moods);
        world.store.rows().faults.extend(faults);
        let is_stuck = |number: i64| {
            // What depends on an exception waits for the person who settles that one.
            let rows = world.store.rows();
            let first = matches!(rows.deliveries[&id(1)].state, DeliveryState::Exception { .. });
            first && !rows.deliveries[&id(number)].planned.depends_on.is_empty()
        };
        world.run_until(|| {
            let open: Vec<_> = world.open();
            open.into_iter().all(is_stuck)
        });
        prop_assert!(world.broken_promise().is_none(), "{}", world.broken_promise().unwrap());
        for number in world.open() {
            prop_assert!(is_stuck(number));
        }
    }
}

/// An answer that is lost while the document stands, shown to look-ups a minute later.
fn lost_answer(seams: Seams) -> usize {
    let world = World::new(seams);
    world.store.add(delivery(1, Mode::Document));
    world.vendor.books().moods.push_back(Mood::AnswerLost(60));
    world.run();
    world.times_applied(1)
}

#[test]
fn a_lost_answer_leads_to_one_document() {
    assert_eq!(lost_answer(Seams::default()), 1);
}

#[test]
fn control_without_looking_first_a_lost_answer_leads_to_two() {
    assert_eq!(lost_answer(Seams { find_before_retry: false, ..Seams::default() }), 2);
}

#[test]
fn control_without_settle_time_a_search_that_lags_leads_to_two() {
    let seams = Seams { settle_time: Some(Duration::ZERO), ..Seams::default() };
    assert_eq!(lost_answer(seams), 2);
}
