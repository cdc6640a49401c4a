//! The days of registers and the certificates of stores.
//!
//! Decides nothing of what is summed.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use protocol::chain::Sequence;
use protocol::id::{RegisterId, StoreId};
use protocol::time::BusinessDate;
use tokio_postgres::Row;

use super::PostgresStore;
use super::codec::{
    Fault, bytes, json, micros, parsed, signed, time, to_json, unknown, unsigned, value,
    wrong_state,
};
use super::records::PageReader;
use super::transaction::Transaction;
use crate::reconcile::figures::{Addition, Declared, Place, RegisterDay};
use crate::store::StoreError;
use crate::store::books::{
    Books, CertificateRow, DAYS_MAX, EVENTS_OF_DAY_MAX, OpenDays, key_ranges,
};
use crate::store::model::HeldEvent;

/// Reads days, under the store's lock if they are to be written.
pub(super) async fn open(
    on: &Transaction<'_>,
    store: &StoreId,
    places: BTreeSet<Place>,
) -> Result<OpenDays, Fault> {
    let query = "SELECT day FROM register_days
                 WHERE store_id = $1 AND business_date = $2 AND register = $3";
    let mut days = BTreeMap::new();
    for place in places {
        let key = (place.1.to_string(), place.0.as_str());
        let found = on.row(query, &[&store.as_str(), &key.0, &key.1]).await?;
        let day = found.map(|row| json::<RegisterDay>(&row, 0)).transpose()?;
        days.insert(place, day.unwrap_or_default());
    }
    Ok(OpenDays::new(days))
}

/// Writes them.
pub(super) async fn save(
    on: &Transaction<'_>,
    store: &StoreId,
    days: OpenDays,
) -> Result<(), Fault> {
    for ((register, date), day) in days.into_days() {
        let values = (date.to_string(), to_json(&day)?);
        on.run(
            "INSERT INTO register_days (store_id, business_date, register, day)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (store_id, business_date, register) DO UPDATE SET day = excluded.day",
            &[&store.as_str(), &values.0, &register.as_str(), &values.1],
        )
        .await?;
    }
    Ok(())
}

/// Keeps what an entry in conflict would add.
pub(super) async fn keep_waiting(
    on: &Transaction<'_>,
    store: &StoreId,
    inbox_row: i64,
    session: usize,
    addition: &Addition,
) -> Result<(), Fault> {
    on.run(
        "INSERT INTO waiting_figures (store_id, inbox_row, session, addition)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &[&store.as_str(), &inbox_row, &signed(session)?, &to_json(addition)?],
    )
    .await?;
    Ok(())
}

/// A person decided on an entry in conflict: it counts, or it never will.
pub(super) async fn settle_waiting(
    on: &Transaction<'_>,
    store: &StoreId,
    inbox_row: i64,
    counts: bool,
) -> Result<(), Fault> {
    let query = "DELETE FROM waiting_figures WHERE store_id = $1 AND inbox_row = $2
                 RETURNING session, addition";
    let waiting = on.row(query, &[&store.as_str(), &inbox_row]).await?;
    let Some(waiting) = waiting.filter(|_| counts) else { return Ok(()) };
    let (session, addition): (usize, Addition) = (unsigned(&waiting, 0)?, json(&waiting, 1)?);
    let mut days = open(on, store, addition.places().collect()).await?;
    days.take(&addition, Some(session));
    save(on, store, days).await
}

fn certificate(row: &Row) -> Result<CertificateRow, Fault> {
    Ok(CertificateRow {
        store: parsed(row, 0)?,
        business_date: parsed(row, 1)?,
        version: unsigned(row, 2)?,
        certificate: value(row, 3)?,
        issued_at: time(row, 4)?,
    })
}

/// The columns of a certificate.
const CERTIFICATE: &str = "SELECT store_id, business_date, version, certificate, issued_at
                           FROM certificates";

async fn events(
    on: &Transaction<'_>,
    store: &StoreId,
    range: &(String, String),
    pages: &mut PageReader,
) -> Result<Vec<HeldEvent>, Fault> {
    let query = "SELECT device, epoch, sequence, k.natural_key, page_row, page_offset, record_bytes
                 FROM natural_keys k
                   JOIN inbox i ON i.store_id = k.store_id AND i.inbox_row = k.inbox_row
                   JOIN epochs e ON e.store_id = i.store_id AND e.epoch_row = i.epoch_row
                 WHERE k.store_id = $1 AND k.natural_key >= $2 AND k.natural_key < $3
                   AND k.variant = 0
                 ORDER BY k.natural_key LIMIT $4";
    let most = signed(EVENTS_OF_DAY_MAX)?;
    let rows = on.rows(query, &[&store.as_str(), &range.0, &range.1, &most]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(HeldEvent {
            device: parsed(row, 0)?,
            epoch: bytes(row, 1)?,
            sequence: Sequence(unsigned(row, 2)?),
            store: store.clone(),
            natural_key: value(row, 3)?,
            record: pages.record(on, store, row, 4).await?,
            deliveries: Vec::new(),
        });
    }
    Ok(found)
}

async fn declare(
    on: &Transaction<'_>,
    store: &StoreId,
    place: &Place,
    declared: Declared,
) -> Result<(), Fault> {
    on.lock_store(store).await?;
    let query = "SELECT 1 FROM register_days
                 WHERE store_id = $1 AND business_date = $2 AND register = $3";
    let date = place.1.to_string();
    if on.row(query, &[&store.as_str(), &date, &place.0.as_str()]).await?.is_none() {
        let day = format!("{store}, register {}, {date}", place.0);
        return Err(unknown("business date", &day));
    }
    let mut days = open(on, store, BTreeSet::from([place.clone()])).await?.into_days();
    days.values_mut().for_each(|day| day.numbers.declare(declared.clone()));
    save(on, store, OpenDays::new(days)).await
}

#[async_trait]
impl Books for PostgresStore {
    async fn register_days(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<BTreeMap<RegisterId, RegisterDay>, StoreError> {
        let (store, date) = (store.clone(), business_date.to_string());
        self.read("read a store's day", move |on| {
            Box::pin(async move {
                let query = "SELECT register, day FROM register_days
                             WHERE store_id = $1 AND business_date = $2";
                let rows = on.rows(query, &[&store.as_str(), &date]).await?;
                rows.iter().map(|row| Ok((parsed(row, 0)?, json(row, 1)?))).collect()
            })
        })
        .await
    }

    async fn register_day_before(
        &self,
        store: &StoreId,
        register: &RegisterId,
        business_date: BusinessDate,
    ) -> Result<Option<(BusinessDate, RegisterDay)>, StoreError> {
        let key = (store.clone(), register.clone(), business_date.to_string());
        self.read("read a register's day before", move |on| {
            Box::pin(async move {
                let query = "SELECT business_date, day FROM register_days
                             WHERE store_id = $1 AND register = $2 AND business_date < $3
                             ORDER BY business_date DESC LIMIT 1";
                let found = on.row(query, &[&key.0.as_str(), &key.1.as_str(), &key.2]).await?;
                found.map(|row| Ok((parsed(&row, 0)?, json(&row, 1)?))).transpose()
            })
        })
        .await
    }

    async fn business_dates(
        &self,
        store: Option<&StoreId>,
        from: BusinessDate,
        until: BusinessDate,
    ) -> Result<Vec<(StoreId, BusinessDate)>, StoreError> {
        let key = (store.map(ToString::to_string), from.to_string(), until.to_string());
        self.read("list business dates", move |on| {
            Box::pin(async move {
                let query = "SELECT DISTINCT store_id, business_date FROM register_days
                             WHERE ($1::text IS NULL OR store_id = $1)
                               AND business_date BETWEEN $2 AND $3
                             ORDER BY store_id, business_date LIMIT $4";
                let rows = on.rows(query, &[&key.0, &key.1, &key.2, &signed(DAYS_MAX)?]).await?;
                rows.iter().map(|row| Ok((parsed(row, 0)?, parsed(row, 1)?))).collect()
            })
        })
        .await
    }

    async fn events_of_day(
        &self,
        store: &StoreId,
        register: &RegisterId,
        business_date: BusinessDate,
    ) -> Result<Vec<HeldEvent>, StoreError> {
        let store = store.clone();
        let ranges = key_ranges(&store, register, business_date);
        self.read("read the events of a day", move |on| {
            Box::pin(async move {
                let mut pages = PageReader::default();
                let mut found = Vec::new();
                for range in &ranges {
                    found.extend(events(on, &store, range, &mut pages).await?);
                }
                Ok(found)
            })
        })
        .await
    }

    async fn declare_numbers(
        &self,
        store: &StoreId,
        place: &Place,
        declared: Declared,
    ) -> Result<(), StoreError> {
        let (store, place) = (store.clone(), place.clone());
        self.write("declare receipt numbers", move |on| {
            Box::pin(async move { declare(on, &store, &place, declared).await })
        })
        .await
    }

    async fn add_certificate(&self, row: CertificateRow) -> Result<(), StoreError> {
        self.write("keep a certificate", move |on| {
            Box::pin(async move {
                let added = on
                    .run(
                        "INSERT INTO certificates (store_id, business_date, version, certificate,
                           issued_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                        &[
                            &row.store.as_str(),
                            &row.business_date.to_string(),
                            &i64::from(row.version),
                            &row.certificate,
                            &micros(row.issued_at),
                        ],
                    )
                    .await?;
                let id = format!("{} {}", row.store, row.business_date);
                let taken =
                    || wrong_state("certificate", &id, "issued meanwhile by another process");
                (added == 1).then_some(()).ok_or_else(taken)
            })
        })
        .await
    }

    async fn certificates(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<Vec<CertificateRow>, StoreError> {
        let key = (store.clone(), business_date.to_string());
        self.read("read certificates", move |on| {
            Box::pin(async move {
                let query = format!(
                    "{CERTIFICATE} WHERE store_id = $1 AND business_date = $2 ORDER BY version"
                );
                let rows = on.rows(&query, &[&key.0.as_str(), &key.1]).await?;
                rows.iter().map(certificate).collect()
            })
        })
        .await
    }

    async fn certificate_before(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<Option<CertificateRow>, StoreError> {
        let key = (store.clone(), business_date.to_string());
        self.read("read the certificate before", move |on| {
            Box::pin(async move {
                let query = format!(
                    "{CERTIFICATE} WHERE store_id = $1 AND business_date < $2
                     ORDER BY business_date DESC, version DESC LIMIT 1"
                );
                let found = on.row(&query, &[&key.0.as_str(), &key.1]).await?;
                found.as_ref().map(certificate).transpose()
            })
        })
        .await
    }
}
