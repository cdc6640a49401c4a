//! What the relay's store acknowledged since its folder was empty, and whether it is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cloud_relay::store::Store;
use cloud_relay::store::model::{
    DeliveryFilter, DeliveryState, DeliveryView, HeldEvent, ReplayFilter,
};
use cloud_relay::store::sqlite::SqliteStore;
use protocol::chain::{Position, Sequence};
use rusqlite::Connection;

use super::register::{DELIVERIES, REGISTERS, Register};
use crate::rig::report::Said;
use crate::rig::series::Found;

/// Rows that are read at a time.
const PAGE_ROWS: usize = 5_000;

/// What was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Each register's acknowledged ends in order.
    ends: BTreeMap<u64, Vec<Position>>,
    attempted: BTreeSet<String>,
    delivered: BTreeSet<String>,
}

impl Ledger {
    /// Takes down what was said; how many entries were acknowledged.
    pub(crate) fn hear(&mut self, said: &[Said]) -> Result<u64> {
        let mut new = 0;
        for line in said {
            match line {
                Said::Committed { register, end } => {
                    let ends = self.ends.entry(*register).or_default();
                    let before = ends.last().map_or(Sequence::NONE, |last| last.sequence);
                    ensure!(end.sequence > before, "register {register} went back to {before}");
                    new += end.sequence.since(before);
                    ends.push(*end);
                }
                Said::Attempted { deliveries } => self.attempted.extend(deliveries.iter().cloned()),
                Said::Delivered { deliveries } => self.delivered.extend(deliveries.iter().cloned()),
                _ => {}
            }
        }
        Ok(new)
    }

    /// Opens the store as the relay does at its next start, checks it and looks for everything.
    pub(crate) fn compare(&self, folder: &Path) -> Result<Found> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .context("start a thread for reading")?;
        let mut found = Found::default();
        {
            let store = match super::open(folder) {
                Ok(store) => store,
                Err(error) => {
                    let lost = self.ends.values().filter_map(|ends| ends.last());
                    found.lost = lost.map(|end| end.sequence.0).sum();
                    found.faults.push(format!("the store does not open: {error:#}"));
                    return Ok(found);
                }
            };
            runtime.block_on(self.look(&store, &mut found))?;
        }
        let check = whole(&folder.join(super::FILE))?;
        if check != "ok" {
            found.faults.push(format!("the file is damaged: {check}"));
        }
        Ok(found)
    }

    async fn look(&self, store: &SqliteStore, found: &mut Found) -> Result<()> {
        let records = records(store).await?;
        let deliveries = deliveries(store).await?;
        let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
        for delivery in &deliveries {
            *by_key.entry(&delivery.natural_key).or_default() += 1;
        }
        let mut entries_held = 0;
        for register in (0..REGISTERS).map(Register) {
            let head = match store.device(&register.device()?).await? {
                Some(known) => store.head(&known.device, register.epoch()).await?,
                None => None,
            };
            let head = head.map_or(Sequence::NONE, |head| head.sequence);
            entries_held += head.0;
            self.compare_register(store, register, head, found).await?;
            for sequence in (1..=head.0).map(Sequence) {
                let key = register.natural_key(sequence);
                if records.get(&key) != Some(&register.record(sequence)) {
                    found.faults.push(format!("the record of {key} is not what was sent"));
                }
                let planned = by_key.get(key.as_str()).copied().unwrap_or(0);
                if planned != DELIVERIES {
                    found.faults.push(format!("{key} has {planned} deliveries"));
                }
            }
        }
        if records.len() != usize::try_from(entries_held).context("count the entries")? {
            found.faults.push(format!("{} records below heads of {entries_held}", records.len()));
        }
        self.compare_deliveries(&deliveries, found);
        Ok(())
    }

    async fn compare_register(
        &self,
        store: &SqliteStore,
        register: Register,
        head: Sequence,
        found: &mut Found,
    ) -> Result<()> {
        let device = register.device()?;
        let ends = self.ends.get(&register.0).map_or(&[][..], Vec::as_slice);
        let last = ends.last().map_or(Sequence::NONE, |end| end.sequence);
        found.lost += last.since(head);
        found.unanswered += head.since(last);
        for end in ends.iter().filter(|end| end.sequence <= head) {
            let held = store.chain_hash(&device, register.epoch(), end.sequence).await?;
            if held != Some(end.chain_hash) {
                found.faults.push(format!("register {} has another {end:?}", register.0));
            }
        }
        Ok(())
    }

    fn compare_deliveries(&self, held: &[DeliveryView], found: &mut Found) {
        let held: BTreeMap<_, _> = held.iter().map(|it| (it.id.to_string(), it)).collect();
        let is_attempted = |it: &&DeliveryView| it.attempts > 0;
        let is_done = |it: &&DeliveryView| matches!(it.state, DeliveryState::Done { .. });
        let attempted = self.attempted.iter().filter(|id| held.get(*id).is_some_and(is_attempted));
        let forgotten = self.attempted.len() - attempted.count();
        if forgotten > 0 {
            found.faults.push(format!("{forgotten} attempts are forgotten"));
        }
        let delivered = self.delivered.iter().filter(|id| held.get(*id).is_some_and(is_done));
        let forgotten = self.delivered.len() - delivered.count();
        if forgotten > 0 {
            found.faults.push(format!("{forgotten} outcomes are forgotten"));
        }
    }
}

/// SQLite's own word about its file.
fn whole(file: &Path) -> Result<String> {
    let connection = Connection::open(file).context("open the store's file")?;
    let check = connection.pragma_query_value(None, "integrity_check", |row| row.get(0));
    check.context("check the store's file")
}

/// Every record by its natural key.
async fn records(store: &SqliteStore) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.held_events(&ReplayFilter::default(), after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some((last.device.clone(), last.epoch, last.sequence));
        all.extend(
            page.into_iter().map(|HeldEvent { natural_key, record, .. }| (natural_key, record)),
        );
    }
}

/// Every delivery.
async fn deliveries(store: &SqliteStore) -> Result<Vec<DeliveryView>> {
    let mut all: Vec<DeliveryView> = Vec::new();
    loop {
        let after = all.last().map(|last| last.id);
        let filter = DeliveryFilter { after, count_max: PAGE_ROWS, ..DeliveryFilter::default() };
        let page = store.deliveries(&filter).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

#[cfg(test)]
mod tests {
    //! What a store lacks is noticed.

    use super::*;

    #[test]
    fn what_is_not_in_the_store_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::default();
        assert_eq!(ledger.compare(folder.path()).unwrap(), Found::default());
        let end = Position { sequence: Sequence(7), ..Position::START };
        let deliveries = vec!["1-1".to_owned()];
        let said = [Said::Committed { register: 2, end }, Said::Delivered { deliveries }];
        assert_eq!(ledger.hear(&said).unwrap(), 7);
        let found = ledger.compare(folder.path()).unwrap();
        assert_eq!((found.lost, found.faults.len()), (7, 1));
        assert!(ledger.hear(&said).is_err(), "an acknowledged journal does not go back");
    }
}
