//! What became of each document: it stands once, or it is an exception that everyone can see.
//!
//! Read from the relay's own list and held against the vendors' ledgers and the stores' books.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use cloud_relay::connectors::ExceptionClass;
use cloud_relay::dispatch::key::delivery_key;
use cloud_relay::store::model::{DeliveryFilter, DeliveryState, DeliveryView};
use protocol::id::EventId;
use protocol::progress::ProgressState;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Acknowledged, Model};
use crate::pos::books::{Change, Entry, EntryNumber, Kind};
use crate::simulation::vendor::shop::Shop;

/// Deliveries read at once.
const PAGE: usize = 500;

/// The first delivery that still has something to do. What waits for an exception waits for a
/// person.
pub(super) fn unsettled(deliveries: &[DeliveryView]) -> Option<String> {
    let is_exception = |target: &str, key: &str| {
        deliveries.iter().any(|delivery| {
            delivery.lane.target.as_str() == target
                && delivery.natural_key == key
                && matches!(delivery.state, DeliveryState::Exception { .. })
        })
    };
    let unsettled = deliveries.iter().find(|delivery| match &delivery.state {
        DeliveryState::Done { .. }
        | DeliveryState::Exception { .. }
        | DeliveryState::Resolved { .. } => false,
        DeliveryState::Waiting { for_key, .. } => {
            !is_exception(delivery.lane.target.as_str(), for_key)
        }
        _ => true,
    });
    unsettled.map(in_short)
}

fn exceptions(deliveries: &[DeliveryView]) -> impl Iterator<Item = &DeliveryView> {
    let is_exception = |state: &DeliveryState| matches!(state, DeliveryState::Exception { .. });
    deliveries.iter().filter(move |delivery| is_exception(&delivery.state))
}

fn in_short(delivery: &DeliveryView) -> String {
    let DeliveryView { lane, natural_key, action, state, .. } = delivery;
    format!("{action} of {natural_key} at {} is {state:?}", lane.target)
}

impl Model {
    pub(super) async fn all_deliveries(&self) -> Vec<DeliveryView> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|last: &DeliveryView| last.id);
            let filter = DeliveryFilter { after, count_max: PAGE, ..DeliveryFilter::default() };
            let page = self.store.deliveries(&filter).await.expect("list deliveries");
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return all;
            }
        }
    }

    /// Each document that an event calls for is there, once, and stands as the relay says.
    pub(super) async fn deliveries_stand_once(&self, acknowledged: &[Acknowledged]) {
        let deliveries = self.all_deliveries().await;
        let mut by_document: BTreeMap<(EventId, &str, &str), &DeliveryView> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for delivery in &deliveries {
            let (target, action) = (delivery.lane.target.as_str(), delivery.action.as_str());
            let document = (delivery.event_id, target, action);
            if by_document.insert(document, delivery).is_some() {
                self.broken(&format!("planned twice: {}", in_short(delivery)));
            }
            keys.insert(self.stands_as_said(delivery));
        }
        for shop in &self.shops {
            let ledger = shop.ledger();
            let unknown: Vec<_> = ledger.keys().filter(|key| !keys.contains(key)).collect();
            if !unknown.is_empty() {
                self.broken(&format!("{} holds what nobody sent: {unknown:?}", shop.name));
            }
        }
        for event in acknowledged {
            self.is_planned(event, &by_document);
        }
        self.stock_is_equal(acknowledged, &by_document);
        self.exceptions_are_listed(&deliveries).await;
    }

    fn key(&self, delivery: &DeliveryView) -> Uuid {
        let DeliveryView { lane, natural_key, action, .. } = delivery;
        delivery_key(&self.tenant, natural_key, &lane.target, action, 0)
    }

    fn shop(&self, target: &str) -> Option<&Shop> {
        self.shops.iter().find(|shop| shop.name == target).map(AsRef::as_ref)
    }

    /// Done is there once; an exception is not there, unless nobody knows. Returns its key.
    fn stands_as_said(&self, delivery: &DeliveryView) -> Uuid {
        let key = self.key(delivery);
        let shop = self.shop(delivery.lane.target.as_str());
        let effects = shop.map_or(0, |shop| shop.ledger().effects(key));
        let is_right = match &delivery.state {
            DeliveryState::Done { .. } => effects == 1,
            DeliveryState::Exception { class: ExceptionClass::UnknownOutcome, .. } => effects <= 1,
            // It shares its key with the event that was first, whose document may stand.
            DeliveryState::Exception { class: ExceptionClass::Conflict, .. } => effects <= 1,
            _ => effects == 0,
        };
        if !is_right {
            self.broken(&format!("stands {effects} times: {}", in_short(delivery)));
        }
        key
    }

    /// Every document of an event is planned: nothing is dropped without a word.
    fn is_planned(
        &self,
        acknowledged: &Acknowledged,
        by_document: &BTreeMap<(EventId, &str, &str), &DeliveryView>,
    ) {
        let event = acknowledged.event;
        let Some(number) = acknowledged.entry else {
            let in_conflict = by_document.iter().any(|((id, ..), delivery)| {
                let class = ExceptionClass::Conflict;
                *id == event
                    && matches!(&delivery.state, DeliveryState::Exception { class: c, .. } if *c == class)
            });
            if !in_conflict {
                self.broken(&format!("{event} is in conflict and nobody is told"));
            }
            return;
        };
        let Some(entry) = self.entry(acknowledged, number) else { return };
        for (target, action) in called_for(&entry) {
            if !by_document.contains_key(&(event, target, action)) {
                let key = &entry.key;
                self.broken(&format!("{action} of {key} was never planned at {target}"));
            }
        }
    }

    fn entry(&self, acknowledged: &Acknowledged, number: EntryNumber) -> Option<Entry> {
        let agent = self.agents.iter().find(|agent| agent.device == acknowledged.device)?;
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        Some(books.stores.get(agent.store.as_str())?.entry(number).clone())
    }

    /// The vendor's stock is what the books say, less what stands as an exception.
    fn stock_is_equal(
        &self,
        acknowledged: &[Acknowledged],
        by_document: &BTreeMap<(EventId, &str, &str), &DeliveryView>,
    ) {
        let Some(shop) = self.shop("shop") else { return };
        for agent in &self.agents {
            let store = agent.store.as_str();
            let mut expected: BTreeMap<String, Decimal> = {
                let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
                let first = books.stores.get(store).map(|books| books.first_stock.clone());
                let levels = first.unwrap_or_default().into_iter();
                levels.map(|(sku, level)| (sku, Decimal::new(level.0, 3))).collect()
            };
            // In the order of the books, which is that of the store's own time.
            let mut moves: Vec<(Entry, EventId)> = acknowledged
                .iter()
                .filter(|event| event.device == agent.device)
                .filter_map(|event| Some((self.entry(event, event.entry?)?, event.event)))
                .collect();
            moves.sort_by_key(|(entry, _)| entry.at);
            for (entry, event) in moves {
                let documents =
                    ["move", "set"].map(|action| by_document.get(&(event, "shop", action)));
                let applied = documents
                    .into_iter()
                    .flatten()
                    .any(|delivery| shop.ledger().effects(self.key(delivery)) > 0);
                for (sku, change) in entry.stock.iter().filter(|_| applied) {
                    let level = expected.entry(sku.clone()).or_default();
                    match change {
                        Change::By(by) => *level += Decimal::new(by.0, 3),
                        Change::To(counted) => *level = Decimal::new(counted.0, 3),
                    }
                }
            }
            for (sku, expected) in expected {
                let level = shop.ledger().level(store, &sku);
                if level != expected {
                    self.broken(&format!("{level} of {sku} at the vendor, {expected} in {store}"));
                }
            }
        }
    }

    /// Each exception is in the list that people look at.
    async fn exceptions_are_listed(&self, deliveries: &[DeliveryView]) {
        let filter =
            DeliveryFilter { open_exceptions: true, count_max: PAGE, ..DeliveryFilter::default() };
        let listed = self.store.deliveries(&filter).await.expect("list exceptions");
        let listed: BTreeSet<_> = listed.iter().map(|delivery| delivery.id).collect();
        let unlisted = exceptions(deliveries).find(|delivery| !listed.contains(&delivery.id));
        if let Some(delivery) = unlisted {
            self.broken(&format!("not listed: {}", in_short(delivery)));
        }
    }

    /// The first exception of which the store's own agent does not know.
    pub(super) async fn untold(&self, deliveries: &[DeliveryView]) -> Option<String> {
        for delivery in exceptions(deliveries) {
            let agent = self.agents.iter().find(|agent| agent.store == delivery.lane.store)?;
            let told = agent.inspect().progress_of(delivery.event_id).await;
            let told = told.expect("read the journal's progress");
            let is_told = told.iter().any(|progress| {
                progress.target == delivery.lane.target
                    && progress.state == ProgressState::Exception
            });
            if !is_told {
                return Some(format!("the store is not told: {}", in_short(delivery)));
            }
        }
        None
    }

    fn broken(&self, promise: &str) {
        self.trace.broken("model", promise);
    }
}

/// The documents that an entry of the books calls for.
fn called_for(entry: &Entry) -> Vec<(&'static str, &'static str)> {
    let mut documents = match entry.kind {
        Kind::Sale => vec![("shop", "sale"), ("books", "sale")],
        Kind::Return => vec![("shop", "refund"), ("books", "refund")],
        _ => Vec::new(),
    };
    match entry.stock.first() {
        Some((_, Change::To(_))) => documents.push(("shop", "set")),
        Some((_, Change::By(_))) => documents.push(("shop", "move")),
        None => {}
    }
    documents
}
