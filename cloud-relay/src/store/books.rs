//! The books' part of the store: the days of registers, and the certificates of stores.
//!
//! A day changes only with the commit that takes its events in (`OpenDays`), or by what a person
//! declares. Both databases keep the same text. Does not know what is summed (`reconcile::figures`).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::id::{RegisterId, StoreId};
use protocol::money::Money;
use protocol::time::BusinessDate;

use super::StoreError;
use super::model::{BatchEntry, HeldEvent, REVIEW_ACTION};
use crate::connectors::{Class, Mode, Planned};
use crate::reconcile::figures::{Addition, Declared, Place, RegisterDay, Taken};

/// Events of one register's day that are read back at once: ten times a busy lane's.
pub const EVENTS_OF_DAY_MAX: usize = 20_000;

/// Days that are listed at once.
pub const DAYS_MAX: usize = 10_000;

/// A certificate as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRow {
    /// The store.
    pub store: StoreId,
    /// The business date.
    pub business_date: BusinessDate,
    /// The first is 1; a later one names the one before.
    pub version: u32,
    /// The document, byte for byte.
    pub certificate: String,
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// What of the store the books use. Every method is one transaction.
#[async_trait]
pub trait Books: Send + Sync + 'static {
    /// The registers of a store's business date.
    async fn register_days(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<BTreeMap<RegisterId, RegisterDay>, StoreError>;
    /// The last day of a register before a business date.
    async fn register_day_before(
        &self,
        store: &StoreId,
        register: &RegisterId,
        business_date: BusinessDate,
    ) -> Result<Option<(BusinessDate, RegisterDay)>, StoreError>;
    /// The business dates of which something is known, from one to another, by store; at most
    /// [`DAYS_MAX`].
    async fn business_dates(
        &self,
        store: Option<&StoreId>,
        from: BusinessDate,
        until: BusinessDate,
    ) -> Result<Vec<(StoreId, BusinessDate)>, StoreError>;
    /// The events of a register's business date that count, by their natural keys; at most
    /// [`EVENTS_OF_DAY_MAX`].
    async fn events_of_day(
        &self,
        store: &StoreId,
        register: &RegisterId,
        business_date: BusinessDate,
    ) -> Result<Vec<HeldEvent>, StoreError>;
    /// Notes what a person declared of receipt numbers that are not there. Fails if nothing is
    /// known of the day.
    async fn declare_numbers(
        &self,
        store: &StoreId,
        place: &Place,
        declared: Declared,
    ) -> Result<(), StoreError>;
    /// Keeps a certificate. Fails if that version is there.
    async fn add_certificate(&self, row: CertificateRow) -> Result<(), StoreError>;
    /// The certificates of a store's business date, oldest version first.
    async fn certificates(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<Vec<CertificateRow>, StoreError>;
    /// The last version of the last certificate of a store before a business date.
    async fn certificate_before(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<Option<CertificateRow>, StoreError>;
}

/// The days that a commit touches, read before it and written after it.
#[derive(Debug)]
pub(in crate::store) struct OpenDays(BTreeMap<Place, RegisterDay>);

/// The days that entries touch.
pub(in crate::store) fn places<'a>(
    entries: impl IntoIterator<Item = &'a BatchEntry>,
) -> BTreeSet<Place> {
    let figures = entries.into_iter().filter_map(|entry| entry.figures.as_ref());
    figures.flat_map(Addition::places).collect()
}

impl OpenDays {
    /// Takes the days as they stand; one that does not begins.
    pub(in crate::store) const fn new(days: BTreeMap<Place, RegisterDay>) -> Self {
        Self(days)
    }

    /// Counts an event; `session` is where it belongs if it waited for a decision.
    pub(in crate::store) fn take(&mut self, addition: &Addition, session: Option<usize>) -> Taken {
        let own = (addition.register.clone(), addition.business_date);
        let taken = self.0.entry(own).or_default().take(addition, session);
        if let Some((place, receipt)) = addition.resumed() {
            self.0.entry(place.clone()).or_default().resume(receipt);
        }
        taken
    }

    /// The session to which an event belongs that waits for a decision.
    pub(in crate::store) fn wait(&mut self, addition: &Addition) -> usize {
        let own = (addition.register.clone(), addition.business_date);
        self.0.entry(own).or_default().session_of_waiting()
    }

    /// The days as they are to be written.
    pub(in crate::store) fn into_days(self) -> BTreeMap<Place, RegisterDay> {
        self.0
    }
}

/// What a person is asked to look at of a Z that differs from its receipts.
pub(in crate::store) fn z_review(amount: Option<Money>) -> Planned {
    Planned {
        class: Class::Books,
        action: REVIEW_ACTION.to_owned(),
        part: 0,
        mode: Mode::Document,
        depends_on: Vec::new(),
        amount,
    }
}

/// Where the natural keys of a register's day lie: of transactions and of till movements.
pub(in crate::store) fn key_ranges(
    store: &StoreId,
    register: &RegisterId,
    business_date: BusinessDate,
) -> [(String, String); 2] {
    // `0` is what follows `/`.
    ["transaction", "till"].map(|kind| {
        let prefix = format!("{kind}/{store}/{register}/{business_date}");
        (format!("{prefix}/"), format!("{prefix}0"))
    })
}
