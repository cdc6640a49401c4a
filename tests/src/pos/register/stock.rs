//! The stock documents that a register writes: corrections, deliveries, counts.
//!
//! They have numbers of their own, beside the counter of receipts.

use jiff::Timestamp;
use rand::RngExt;
use serde_json::json;

use super::{Made, Register};
use crate::pos::books::{Change, Kind, StoreBooks};
use crate::pos::figures::Milli;
use crate::pos::json;

const STOCK: &str = "storekeep.stock.v1";

impl Register {
    pub(super) fn adjust(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let units = self.chance.random_range(1..=3);
        let found = self.chance.random_ratio(1, 4);
        let change = Milli::units(if found { units } else { -units });
        let sku = self.any_item();
        self.document("adjustment", "correction", &[(sku, Change::By(change))], now, books)
    }

    pub(super) fn receive(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let first = self.any_item();
        let items = self.catalogue.items().len();
        let count = self.chance.random_range(1..=8.min(items));
        let received: Vec<_> = (0..count)
            .map(|step| {
                let units = 6 * self.chance.random_range(1..=8);
                ((first + step) % items, Change::By(Milli::units(units)))
            })
            .collect();
        self.document("receipt", "delivery", &received, now, books)
    }

    /// Counts what stands on the shelf and sometimes finds a unit less than was thought.
    pub(super) fn count(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let item = self.any_item();
        let level = books.on_hand(&self.catalogue.items()[item].sku);
        let missing = if self.chance.random_ratio(1, 2) { 1_000 } else { 0 };
        let counted = Milli((level.0 - missing).max(0));
        self.document("count", "cycle count", &[(item, Change::To(counted))], now, books)
    }

    fn any_item(&mut self) -> usize {
        self.chance.random_range(0..self.catalogue.items().len())
    }

    fn document(
        &mut self,
        kind: &str,
        reason: &str,
        changes: &[(usize, Change)],
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        self.documents += 1;
        let number = format!("{}-{:06}", self.place.register, self.documents);
        let at = books.next_time(now);
        let heading = self.heading(&number, at);
        let mut entry = self.entry(Kind::Stock, &number, at);
        entry.key = format!("{}/{number}", self.place.store.name);
        let mut lines = Vec::new();
        for (line, (place, change)) in (1..).zip(changes) {
            let item = &self.catalogue.items()[*place];
            let mut written =
                json!({ "line": line, "item": json::stocked_as(item), "unit": item.unit() });
            match change {
                Change::By(change) => written["change"] = json!(change.to_string()),
                Change::To(counted) => {
                    written["counted"] = json!(counted.to_string());
                    written["countedAt"] = json!(at);
                }
            }
            lines.push(written);
            entry.stock.push((item.sku.clone(), *change));
        }
        let body = json::stock(&heading, kind, reason, &lines);
        self.made(STOCK, entry, body, books)
    }
}
