//! The whole in one look: stores, targets, exceptions, and what of it a person has to know.
//!
//! A store that was not heard of is unknown, never "0 missing": what it holds nobody can say.
//! Pure but for [`gather`], which reads. Judges nothing else.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::id::{StoreId, TargetId, TenantId};
use protocol::money::Money;
use serde::Serialize;

use crate::connectors::ExceptionClass;
use crate::dispatch::exceptions::{at_risk, code};
use crate::store::model::{
    DeliveryFilter, DeliveryState, DeliveryView, Device, DeviceState, LaneView, RELAY_TARGET,
};
use crate::store::{Store, StoreError};

/// A device polls at least twice a minute; after four missed polls it is not a slow one.
pub const DARK_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// Open exceptions that are summed up: reading them takes about a tenth of a second.
const EXCEPTIONS_MAX: usize = 20_000;

/// Exceptions read in one go.
const PAGE: usize = 2_000;

/// The whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The retailer.
    pub tenant: TenantId,
    /// The relay's clock.
    pub now: Timestamp,
    /// The state in one sentence.
    pub sentence: String,
    /// Entries that the relay holds, of all stores.
    pub entries: u64,
    /// The stores.
    pub stores: Vec<StoreStatus>,
    /// The targets, with the relay's own name last if something stands under it.
    pub targets: Vec<TargetStatus>,
    /// Open exceptions by class.
    pub exceptions: Vec<ExceptionStatus>,
    /// The amounts at risk in them, by currency.
    pub at_risk: Vec<Money>,
    /// Whether all open exceptions were summed up; if not, amounts and ages are at least these.
    pub is_complete: bool,
}

/// One store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// The store.
    pub store: StoreId,
    /// What is known of it.
    pub hearing: Hearing,
    /// When the device that was silent longest was last heard of.
    pub heard_at: Option<Timestamp>,
    /// Entries held of it.
    pub entries: u64,
    /// Its documents that wait.
    pub waiting: u64,
    /// Its open exceptions.
    pub exceptions: u64,
    /// Its devices.
    pub devices: Vec<Device>,
}

/// What is known of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hearing {
    /// Every device was heard of lately and holds nothing unsent.
    Level,
    /// Every device was heard of lately, and one still sends.
    Sending,
    /// A device was not heard of lately: what it holds is unknown.
    Unknown,
    /// A device is held.
    Held,
    /// No device was ever heard of.
    Never,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetStatus {
    /// The target.
    pub target: TargetId,
    /// Documents that stand in it.
    pub done: u64,
    /// Documents on their way.
    pub waiting: u64,
    /// Documents that need a person.
    pub exceptions: u64,
    /// When the oldest of those on their way came in.
    pub oldest_at: Option<Timestamp>,
    /// Until when it is paused.
    pub paused_until: Option<Timestamp>,
    /// Why.
    pub paused_because: Option<String>,
}

/// The open exceptions of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionStatus {
    /// The class.
    pub class: ExceptionClass,
    /// The code whose page explains it.
    pub code: &'static str,
    /// How many.
    pub count: usize,
    /// When the oldest became one.
    pub oldest_at: Timestamp,
    /// The amounts at risk, by currency.
    pub at_risk: Vec<Money>,
}

/// Reads what there is and sums it up.
///
/// # Errors
/// The store failed.
pub async fn gather(
    store: &dyn Store,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Status, StoreError> {
    let (devices, lanes) = (store.devices().await?, store.lanes().await?);
    let mut open = Vec::new();
    let mut filter =
        DeliveryFilter { open_exceptions: true, count_max: PAGE, ..DeliveryFilter::default() };
    let is_complete = loop {
        let page = store.deliveries(&filter).await?;
        filter.after = page.last().map(|delivery| delivery.id);
        let is_last = page.len() < PAGE;
        open.extend(page);
        if is_last || open.len() >= EXCEPTIONS_MAX {
            break is_last;
        }
    };
    Ok(of(tenant, devices, &lanes, &open, is_complete, now))
}

/// What is known of one store, without its documents.
#[must_use]
pub fn of_store(store: StoreId, devices: Vec<Device>, now: Timestamp) -> StoreStatus {
    store_of(store, devices, &[], now)
}

fn of(
    tenant: &TenantId,
    devices: Vec<Device>,
    lanes: &[LaneView],
    open: &[DeliveryView],
    is_complete: bool,
    now: Timestamp,
) -> Status {
    let mut by_store: BTreeMap<StoreId, Vec<Device>> = BTreeMap::new();
    for device in devices {
        by_store.entry(device.store.clone()).or_default().push(device);
    }
    let stores: Vec<_> =
        by_store.into_iter().map(|(store, devices)| store_of(store, devices, lanes, now)).collect();
    let targets = targets_of(lanes, now);
    let mut status = Status {
        tenant: tenant.clone(),
        now,
        sentence: String::new(),
        entries: stores.iter().map(|store| store.entries).sum(),
        stores,
        targets,
        exceptions: exceptions_of(open),
        at_risk: at_risk(open),
        is_complete,
    };
    status.sentence = sentence(&status);
    status
}

fn store_of(
    store: StoreId,
    devices: Vec<Device>,
    lanes: &[LaneView],
    now: Timestamp,
) -> StoreStatus {
    let own = || lanes.iter().filter(|lane| lane.lane.store == store);
    let alive: Vec<_> = devices
        .iter()
        .filter(|device| !matches!(device.state, DeviceState::Revoked { .. }))
        .collect();
    let heard_at = alive.iter().map(|device| device.seen_at).min().flatten();
    StoreStatus {
        hearing: hearing(&alive, now),
        heard_at,
        entries: devices.iter().map(|device| device.entries).sum(),
        waiting: own().map(|lane| lane.waiting).sum(),
        exceptions: own().map(|lane| lane.exceptions).sum(),
        store,
        devices,
    }
}

fn hearing(alive: &[&Device], now: Timestamp) -> Hearing {
    let is_recent =
        |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at) <= DARK_AFTER);
    if alive.iter().any(|device| matches!(device.state, DeviceState::Held { .. })) {
        Hearing::Held
    } else if alive.iter().all(|device| device.seen_at.is_none()) {
        Hearing::Never
    } else if !alive.iter().all(|device| is_recent(device.seen_at)) {
        Hearing::Unknown
    } else if alive.iter().all(|device| is_recent(device.level_at)) {
        Hearing::Level
    } else {
        Hearing::Sending
    }
}

fn targets_of(lanes: &[LaneView], now: Timestamp) -> Vec<TargetStatus> {
    let mut targets: BTreeMap<(bool, TargetId), TargetStatus> = BTreeMap::new();
    for LaneView { lane, waiting, exceptions, done, oldest_at, paused } in lanes {
        let name = lane.target.clone();
        let key = (name.as_str() == RELAY_TARGET, name.clone());
        let target = targets.entry(key).or_insert_with(|| TargetStatus {
            target: name,
            done: 0,
            waiting: 0,
            exceptions: 0,
            oldest_at: None,
            paused_until: None,
            paused_because: None,
        });
        target.done += done;
        target.waiting += waiting;
        target.exceptions += exceptions;
        target.oldest_at = target.oldest_at.into_iter().chain(*oldest_at).min();
        if let Some((until, reason)) = paused.as_ref().filter(|(until, _)| *until > now) {
            target.paused_until = Some(*until);
            target.paused_because = Some(reason.clone());
        }
    }
    targets.into_values().collect()
}

fn exceptions_of(open: &[DeliveryView]) -> Vec<ExceptionStatus> {
    let mut classes: BTreeMap<ExceptionClass, (Timestamp, Vec<DeliveryView>)> = BTreeMap::new();
    for view in open {
        if let DeliveryState::Exception { class, since, .. } = view.state {
            let (oldest_at, views) = classes.entry(class).or_insert((since, Vec::new()));
            *oldest_at = since.min(*oldest_at);
            views.push(view.clone());
        }
    }
    let rows = classes.into_iter().map(|(class, (oldest_at, views))| ExceptionStatus {
        class,
        code: code(class).number(),
        count: views.len(),
        oldest_at,
        at_risk: at_risk(&views),
    });
    rows.collect()
}

fn sentence(status: &Status) -> String {
    let hearing = |is: Hearing| {
        let stores = status.stores.iter().filter(|store| store.hearing == is).count();
        u64::try_from(stores).unwrap_or(u64::MAX)
    };
    let (unknown, held) = (hearing(Hearing::Unknown), hearing(Hearing::Held));
    let waiting: u64 = status.targets.iter().map(|target| target.waiting).sum();
    let exceptions: usize = status.exceptions.iter().map(|class| class.count).sum();
    let paused = status.targets.iter().filter(|target| target.paused_until.is_some());
    let paused: Vec<_> = paused.map(|target| target.target.as_str()).collect();
    let mut parts = vec![format!(
        "{} of {} held",
        counted(status.entries, "entry", "entries"),
        counted(u64::try_from(status.stores.len()).unwrap_or(u64::MAX), "store", "stores")
    )];
    if waiting > 0 {
        parts.push(format!("{} on the way", counted(waiting, "document", "documents")));
    }
    if unknown > 0 {
        parts.push(format!("{} unknown", counted(unknown, "store", "stores")));
    }
    if held > 0 {
        let stores = counted(held, "store", "stores");
        parts.push(format!("{stores} with a device to be released"));
    }
    if !paused.is_empty() {
        parts.push(format!("{} takes nothing", paused.join(", ")));
    }
    if exceptions > 0 {
        let amounts: Vec<_> = status.at_risk.iter().map(ToString::to_string).collect();
        let amounts = if amounts.is_empty() { "no amount".to_owned() } else { amounts.join(", ") };
        let exceptions = u64::try_from(exceptions).unwrap_or(u64::MAX);
        let exceptions = counted(exceptions, "exception", "exceptions");
        parts.push(format!("{exceptions} for a person, {amounts} at risk"));
    } else if unknown + held == 0 && paused.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    format!("{}.", parts.join("; "))
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
