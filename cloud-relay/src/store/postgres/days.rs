//! Numbers of rows that begin with their day, and the day's partitions of `inbox` and `pages`.
//!
//! Partitions are made some days ahead, so that no batch at midnight waits for one, and on demand
//! for any other day. Drops none.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use deadpool_postgres::Client;
use jiff::{SignedDuration, Timestamp};

use super::codec::Fault;

/// Bits of a row's number below its day: a billion rows a day for three years, or any other split
/// of 2^40 rows, before serial numbers come again, and then still on other days.
const SERIAL_BITS: u32 = 40;

/// Days for which partitions are made ahead: a relay that nobody restarts makes the next ones on
/// every day that begins, so this only has to outlast a night.
const DAYS_AHEAD: i64 = 3;

/// Whoever makes partitions holds this lock, so that two replicas do not make the same one.
const DAYS_LOCK: i64 = 0x534b_0001;

/// The tables that are partitioned by the number of their rows.
const TABLES: [&str; 2] = ["inbox", "pages"];

/// A day, in days since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) i64);

impl Day {
    pub(super) fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(86_400))
    }

    /// The number of a row of this day.
    pub(super) const fn row(self, serial: i64) -> i64 {
        self.begin() | (serial & ((1 << SERIAL_BITS) - 1))
    }

    /// The first number of the day.
    pub(super) const fn begin(self) -> i64 {
        self.0 << SERIAL_BITS
    }

    /// The first number of the day after.
    pub(super) const fn end(self) -> i64 {
        (self.0 + 1) << SERIAL_BITS
    }

    fn date(self) -> String {
        let beginning = SignedDuration::from_hours(24 * self.0);
        let at = Timestamp::UNIX_EPOCH.saturating_add(beginning).unwrap_or(Timestamp::MAX);
        at.strftime("%Y_%m_%d").to_string()
    }
}

/// The days whose partitions this process knows to be there.
#[derive(Debug, Default)]
pub(super) struct Days(Mutex<BTreeSet<Day>>);

impl Days {
    /// Whether a day and the next one have partitions.
    pub(super) fn are_ready(&self, day: Day) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&day) && known.contains(&Day(day.0 + 1))
    }

    /// Makes the partitions of a day and of some after it, in a transaction of its own.
    pub(super) async fn make(&self, client: &mut Client, day: Day) -> Result<(), Fault> {
        let transaction = client.transaction().await?;
        let lock = "SELECT pg_advisory_xact_lock($1)";
        transaction.execute(lock, &[&DAYS_LOCK]).await?;
        for day in (day.0..=day.0 + DAYS_AHEAD).map(Day) {
            for table in TABLES {
                let name = format!("{table}_{}", day.date());
                let there = "SELECT to_regclass($1) IS NOT NULL";
                if transaction.query_one(there, &[&name]).await?.try_get(0)? {
                    continue;
                }
                // Attaching an empty table lets reading and writing go on; CREATE TABLE …
                // PARTITION OF would lock them out.
                transaction
                    .batch_execute(&format!(
                        "CREATE TABLE {name} (LIKE {table} INCLUDING ALL);
                         ALTER TABLE {table} ATTACH PARTITION {name}
                           FOR VALUES FROM ({}) TO ({});",
                        day.begin(),
                        day.end()
                    ))
                    .await?;
            }
        }
        transaction.commit().await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend((day.0..=day.0 + DAYS_AHEAD).map(Day));
        Ok(())
    }
}
