//! The days of registers and the certificates of stores.
//!
//! Decides nothing of what is summed.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use protocol::chain::Sequence;
use protocol::id::{RegisterId, StoreId};
use protocol::time::BusinessDate;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::codec::{
    Fault, bytes, json, micros, parsed, signed, time, to_json, unknown, unsigned, wrong_state,
};
use super::pages::PageReader;
use super::writer::Change;
use crate::reconcile::figures::{Addition, Declared, Place, RegisterDay};
use crate::store::StoreError;
use crate::store::books::{
    Books, CertificateRow, DAYS_MAX, EVENTS_OF_DAY_MAX, OpenDays, key_ranges, places,
};
use crate::store::model::{BatchEntry, HeldEvent};

/// Reads the days that entries touch.
pub(super) fn open<'a>(
    change: &Change<'_>,
    store: &StoreId,
    entries: impl IntoIterator<Item = &'a BatchEntry>,
) -> Result<OpenDays, Fault> {
    read(change.connection, store, places(entries)).map(OpenDays::new)
}

fn read(
    connection: &Connection,
    store: &StoreId,
    places: BTreeSet<Place>,
) -> Result<BTreeMap<Place, RegisterDay>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT day FROM register_days
         WHERE store = ?1 AND business_date = ?2 AND register = ?3",
    )?;
    let mut days = BTreeMap::new();
    for place in places {
        let key = params![store.as_str(), place.1.to_string(), place.0.as_str()];
        let day = select.query_row(key, |row| json(row, 0)).optional()?;
        days.insert(place, day.unwrap_or_default());
    }
    Ok(days)
}

/// Writes them.
pub(super) fn save(change: &Change<'_>, store: &StoreId, days: OpenDays) -> Result<(), Fault> {
    let mut write = change.connection.prepare_cached(
        "INSERT INTO register_days (store, business_date, register, day) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET day = excluded.day",
    )?;
    for ((register, date), day) in days.into_days() {
        let date = date.to_string();
        write.execute(params![store.as_str(), date, register.as_str(), to_json(&day)?])?;
    }
    Ok(())
}

/// Keeps what an entry in conflict would add.
pub(super) fn keep_waiting(
    change: &Change<'_>,
    inbox_row: i64,
    session: usize,
    addition: &Addition,
) -> Result<(), Fault> {
    change
        .connection
        .prepare_cached(
            "INSERT INTO waiting_figures (inbox_row, session, addition) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![inbox_row, signed(session)?, to_json(addition)?])?;
    Ok(())
}

/// A person decided on an entry in conflict: it counts, or it never will.
pub(super) fn settle_waiting(
    change: &Change<'_>,
    inbox_row: i64,
    counts: bool,
) -> Result<(), Fault> {
    let connection = change.connection;
    let waiting = connection
        .prepare_cached(
            "DELETE FROM waiting_figures WHERE inbox_row = ?1 RETURNING session, addition",
        )?
        .query_row([inbox_row], |row| Ok((unsigned(row, 0)?, json::<Addition>(row, 1)?)))
        .optional()?;
    let Some((session, addition)) = waiting.filter(|_| counts) else { return Ok(()) };
    let store: StoreId = connection
        .prepare_cached(
            "SELECT store FROM inbox JOIN epochs USING (epoch_row) JOIN devices USING (device_row)
             WHERE inbox_row = ?1",
        )?
        .query_row([inbox_row], |row| parsed(row, 0))?;
    let mut days = OpenDays::new(read(connection, &store, addition.places().collect())?);
    days.take(&addition, usize::try_from(session).ok());
    save(change, &store, days)
}

fn certificate(row: &Row<'_>) -> rusqlite::Result<CertificateRow> {
    Ok(CertificateRow {
        store: parsed(row, 0)?,
        business_date: parsed(row, 1)?,
        version: row.get(2)?,
        certificate: row.get(3)?,
        issued_at: time(row, 4)?,
    })
}

/// The columns of a certificate.
const CERTIFICATE: &str = "SELECT store, business_date, version, certificate, issued_at
                           FROM certificates";

fn events(
    connection: &Connection,
    store: &StoreId,
    range: &(String, String),
) -> Result<Vec<HeldEvent>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT device, epoch, sequence, store, k.natural_key, page_row, page_offset, record_bytes
         FROM natural_keys k JOIN inbox USING (inbox_row) JOIN epochs USING (epoch_row)
           JOIN devices USING (device_row)
         WHERE k.natural_key >= ?1 AND k.natural_key < ?2 AND k.variant = 0 AND store = ?3
         ORDER BY k.natural_key LIMIT ?4",
    )?;
    let mut rows =
        select.query(params![range.0, range.1, store.as_str(), signed(EVENTS_OF_DAY_MAX)?])?;
    let mut pages = PageReader::default();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(HeldEvent {
            device: parsed(row, 0)?,
            epoch: bytes(row, 1)?,
            sequence: Sequence(unsigned(row, 2)?),
            store: parsed(row, 3)?,
            natural_key: row.get(4)?,
            record: pages.record(connection, row, 5)?,
            deliveries: Vec::new(),
        });
    }
    Ok(found)
}

#[async_trait]
impl Books for SqliteStore {
    async fn register_days(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<BTreeMap<RegisterId, RegisterDay>, StoreError> {
        let store = store.clone();
        let look = move |c: &Connection| {
            let mut select = c.prepare_cached(
                "SELECT register, day FROM register_days WHERE store = ?1 AND business_date = ?2",
            )?;
            let key = params![store.as_str(), business_date.to_string()];
            let rows = select.query_map(key, |row| Ok((parsed(row, 0)?, json(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.readers.run("read a store's day", look).await
    }

    async fn register_day_before(
        &self,
        store: &StoreId,
        register: &RegisterId,
        business_date: BusinessDate,
    ) -> Result<Option<(BusinessDate, RegisterDay)>, StoreError> {
        let (store, register) = (store.clone(), register.clone());
        let look = move |c: &Connection| {
            let key = params![store.as_str(), register.as_str(), business_date.to_string()];
            Ok(c.prepare_cached(
                "SELECT business_date, day FROM register_days
                 WHERE store = ?1 AND register = ?2 AND business_date < ?3
                 ORDER BY business_date DESC LIMIT 1",
            )?
            .query_row(key, |row| Ok((parsed(row, 0)?, json(row, 1)?)))
            .optional()?)
        };
        self.readers.run("read a register's day before", look).await
    }

    async fn business_dates(
        &self,
        store: Option<&StoreId>,
        from: BusinessDate,
        until: BusinessDate,
    ) -> Result<Vec<(StoreId, BusinessDate)>, StoreError> {
        let store = store.map(ToString::to_string);
        let look = move |c: &Connection| {
            let mut select = c.prepare_cached(
                "SELECT DISTINCT store, business_date FROM register_days
                 WHERE (?1 IS NULL OR store = ?1) AND business_date BETWEEN ?2 AND ?3
                 ORDER BY store, business_date LIMIT ?4",
            )?;
            let key = params![store, from.to_string(), until.to_string(), signed(DAYS_MAX)?];
            let rows = select.query_map(key, |row| Ok((parsed(row, 0)?, parsed(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.readers.run("list business dates", look).await
    }

    async fn events_of_day(
        &self,
        store: &StoreId,
        register: &RegisterId,
        business_date: BusinessDate,
    ) -> Result<Vec<HeldEvent>, StoreError> {
        let store = store.clone();
        let ranges = key_ranges(&store, register, business_date);
        let look = move |c: &Connection| {
            let mut found = Vec::new();
            for range in &ranges {
                found.extend(events(c, &store, range)?);
            }
            Ok(found)
        };
        self.readers.run("read the events of a day", look).await
    }

    async fn declare_numbers(
        &self,
        store: &StoreId,
        place: &Place,
        declared: Declared,
    ) -> Result<(), StoreError> {
        let (store, place) = (store.clone(), place.clone());
        let declare = move |change: &Change<'_>| {
            let known = change
                .connection
                .prepare_cached(
                    "SELECT 1 FROM register_days
                     WHERE store = ?1 AND business_date = ?2 AND register = ?3",
                )?
                .exists(params![store.as_str(), place.1.to_string(), place.0.as_str()])?;
            if !known {
                let day = format!("{store}, register {}, {}", place.0, place.1);
                return Err(unknown("business date", &day));
            }
            let mut days = read(change.connection, &store, BTreeSet::from([place]))?;
            days.values_mut().for_each(|day| day.numbers.declare(declared.clone()));
            save(change, &store, OpenDays::new(days))
        };
        self.writer.run("declare receipt numbers", declare).await
    }

    async fn add_certificate(&self, row: CertificateRow) -> Result<(), StoreError> {
        let add = move |change: &Change<'_>| {
            let added = change
                .connection
                .prepare_cached(
                    "INSERT INTO certificates (store, business_date, version, certificate,
                       issued_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    row.store.as_str(),
                    row.business_date.to_string(),
                    row.version,
                    row.certificate,
                    micros(row.issued_at)
                ])?;
            let id = format!("{} {}", row.store, row.business_date);
            let taken = || wrong_state("certificate", &id, "issued meanwhile by another process");
            (added == 1).then_some(()).ok_or_else(taken)
        };
        self.writer.run("keep a certificate", add).await
    }

    async fn certificates(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<Vec<CertificateRow>, StoreError> {
        let store = store.clone();
        let look = move |c: &Connection| {
            let mut select = c.prepare_cached(&format!(
                "{CERTIFICATE} WHERE store = ?1 AND business_date = ?2 ORDER BY version"
            ))?;
            let key = params![store.as_str(), business_date.to_string()];
            let rows = select.query_map(key, certificate)?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.readers.run("read certificates", look).await
    }

    async fn certificate_before(
        &self,
        store: &StoreId,
        business_date: BusinessDate,
    ) -> Result<Option<CertificateRow>, StoreError> {
        let store = store.clone();
        let look = move |c: &Connection| {
            let key = params![store.as_str(), business_date.to_string()];
            Ok(c.prepare_cached(&format!(
                "{CERTIFICATE} WHERE store = ?1 AND business_date < ?2
                 ORDER BY business_date DESC, version DESC LIMIT 1"
            ))?
            .query_row(key, certificate)
            .optional()?)
        };
        self.readers.run("read the certificate before", look).await
    }
}
