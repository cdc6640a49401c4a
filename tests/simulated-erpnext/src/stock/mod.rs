//! The stock ledger: quantities by item and warehouse, in the order of their posting times.
//!
//! Sources: erpnext/stock/stock_ledger.py. A backdated entry changes every balance after it up to
//! the next count, and is refused if one of them would fall below zero; the real site recomputes
//! them in a queued job (Repost Item Valuation), here it is done at once and counted. Valuation is
//! not simulated.

pub(crate) mod count;
pub(crate) mod entry;

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{money, time};

/// An entry of the stock ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLedgerEntry {
    /// Its name.
    pub name: String,
    /// The item.
    pub item_code: String,
    /// The warehouse.
    pub warehouse: String,
    /// When it counts.
    pub posting: DateTime,
    /// The absolute quantity that was counted, if it is a count.
    pub counted: Option<Decimal>,
    /// By how much the stock changed.
    pub actual_qty: Decimal,
    /// The stock after it.
    pub qty_after_transaction: Decimal,
    /// The doctype that posted it.
    pub voucher_type: String,
    /// The document that posted it.
    pub voucher_no: String,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
}

/// What a document does to the stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) item: String,
    pub(crate) warehouse: String,
    pub(crate) effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Change(Decimal),
    Count(Decimal),
}

/// Which document moves the stock, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voucher<'a> {
    pub(crate) doctype: &'a str,
    pub(crate) name: &'a str,
    pub(crate) posting: DateTime,
}

/// Stock that would fall below zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) item: String,
    pub(crate) warehouse: String,
    pub(crate) missing: Decimal,
    /// When it would, and by which document.
    pub(crate) posting: DateTime,
    pub(crate) voucher: String,
}

type Place = (String, String);

/// The stock ledger.
#[derive(Debug, Default)]
pub(crate) struct StockLedger {
    /// What counts, by item and warehouse, in the order of posting.
    lines: BTreeMap<Place, Vec<StockLedgerEntry>>,
    cancelled: Vec<StockLedgerEntry>,
    written: u64,
    reposts: u64,
}

impl StockLedger {
    /// Moves the stock for a document: all of it or nothing. Gives how many of its entries were
    /// backdated.
    pub(crate) fn apply(
        &mut self,
        voucher: Voucher<'_>,
        moves: &[Move],
        may_go_negative: impl Fn(&str) -> bool,
    ) -> Result<u64, Shortage> {
        let mut late = 0;
        for step in moves {
            let at = self.insert(voucher, step);
            let place = (step.item.clone(), step.warehouse.clone());
            let line = self.lines.entry(place).or_default();
            late += u64::from(at + 1 < line.len());
            if let Some(shortage) = recompute(line, at)
                && !may_go_negative(&step.item)
            {
                self.take_out(voucher.doctype, voucher.name);
                return Err(shortage);
            }
        }
        Ok(late)
    }

    /// Takes back what a document moved: all of it or nothing.
    pub(crate) fn revoke(
        &mut self,
        voucher: Voucher<'_>,
        may_go_negative: impl Fn(&str) -> bool,
    ) -> Result<(), Shortage> {
        let taken = self.take_out(voucher.doctype, voucher.name);
        let shortage = taken.iter().find_map(|entry| {
            let line = self.lines.get_mut(&place(entry))?;
            recompute(line, 0).filter(|_| !may_go_negative(&entry.item_code))
        });
        if let Some(shortage) = shortage {
            for entry in taken {
                self.put_back(entry);
            }
            return Err(shortage);
        }
        for mut entry in taken {
            entry.is_cancelled = true;
            self.cancelled.push(entry);
        }
        Ok(())
    }

    /// Forgets what a document moved, because its transaction is rolled back.
    pub(crate) fn forget(&mut self, voucher: Voucher<'_>) {
        self.take_out(voucher.doctype, voucher.name);
    }

    /// The stock at a moment; `None` before the first entry.
    pub(crate) fn balance(&self, item: &str, warehouse: &str, at: DateTime) -> Option<Decimal> {
        let line = self.lines.get(&(item.to_owned(), warehouse.to_owned()))?;
        let before = line.iter().take_while(|entry| entry.posting <= at).last()?;
        Some(before.qty_after_transaction)
    }

    /// Every entry, cancelled ones last.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &StockLedgerEntry> {
        self.lines.values().flatten().chain(&self.cancelled)
    }

    /// Counts what the real site would now queue.
    pub(crate) fn count_reposts(&mut self, late: u64) {
        self.reposts += late;
    }

    /// How many entries were backdated.
    pub(crate) fn reposts(&self) -> u64 {
        self.reposts
    }

    /// The latest balances.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &StockLedgerEntry> {
        self.lines.values().filter_map(|line| line.last())
    }

    pub(crate) fn rows(&self) -> Vec<Value> {
        self.entries().map(listed).collect()
    }

    pub(crate) fn bins(&self) -> Vec<Value> {
        self.latest()
            .map(|entry| {
                json!({
                    "name": format!("{}@{}", entry.item_code, entry.warehouse),
                    "item_code": entry.item_code,
                    "warehouse": entry.warehouse,
                    "actual_qty": money::number(entry.qty_after_transaction),
                })
            })
            .collect()
    }

    fn insert(&mut self, voucher: Voucher<'_>, step: &Move) -> usize {
        self.written += 1;
        let counted = match step.effect {
            Effect::Count(quantity) => Some(quantity),
            Effect::Change(_) => None,
        };
        let actual_qty = match step.effect {
            Effect::Change(quantity) => quantity,
            Effect::Count(_) => Decimal::ZERO,
        };
        self.put_back(StockLedgerEntry {
            name: format!("MAT-SLE-{:08}", self.written),
            item_code: step.item.clone(),
            warehouse: step.warehouse.clone(),
            posting: voucher.posting,
            counted,
            actual_qty,
            qty_after_transaction: Decimal::ZERO,
            voucher_type: voucher.doctype.to_owned(),
            voucher_no: voucher.name.to_owned(),
            is_cancelled: false,
        })
    }

    fn put_back(&mut self, entry: StockLedgerEntry) -> usize {
        let line = self.lines.entry(place(&entry)).or_default();
        let at = line
            .partition_point(|other| (other.posting, &other.name) < (entry.posting, &entry.name));
        line.insert(at, entry);
        // What falls short here fell short before as well.
        recompute(line, at);
        at
    }

    fn take_out(&mut self, doctype: &str, name: &str) -> Vec<StockLedgerEntry> {
        let mut taken = Vec::new();
        for line in self.lines.values_mut() {
            let own = |entry: &StockLedgerEntry| {
                entry.voucher_no == name && entry.voucher_type == doctype
            };
            if !line.iter().any(own) {
                continue;
            }
            taken.extend(line.extract_if(.., |entry| own(entry)));
            recompute(line, 0);
        }
        self.lines.retain(|_, line| !line.is_empty());
        taken
    }
}

fn place(entry: &StockLedgerEntry) -> Place {
    (entry.item_code.clone(), entry.warehouse.clone())
}

/// Computes the balances from `at` on; the first that falls below zero because of a change.
fn recompute(line: &mut [StockLedgerEntry], at: usize) -> Option<Shortage> {
    let before = at.checked_sub(1).and_then(|before| line.get(before));
    let mut balance = before.map_or(Decimal::ZERO, |entry| entry.qty_after_transaction);
    let mut shortage = None;
    for entry in line.iter_mut().skip(at) {
        match entry.counted {
            Some(counted) => entry.actual_qty = counted - balance,
            None => {
                let after = balance + entry.actual_qty;
                if after < Decimal::ZERO && entry.actual_qty < Decimal::ZERO && shortage.is_none() {
                    shortage = Some(Shortage {
                        item: entry.item_code.clone(),
                        warehouse: entry.warehouse.clone(),
                        missing: -after,
                        posting: entry.posting,
                        voucher: format!("{} {}", entry.voucher_type, entry.voucher_no),
                    });
                }
            }
        }
        balance += entry.actual_qty;
        entry.qty_after_transaction = balance;
    }
    shortage
}

fn listed(entry: &StockLedgerEntry) -> Value {
    json!({
        "name": entry.name,
        "item_code": entry.item_code,
        "warehouse": entry.warehouse,
        "posting_date": entry.posting.date(),
        "posting_time": time::clock(entry.posting),
        "actual_qty": money::number(entry.actual_qty),
        "qty_after_transaction": money::number(entry.qty_after_transaction),
        "voucher_type": entry.voucher_type,
        "voucher_no": entry.voucher_no,
        "is_cancelled": u8::from(entry.is_cancelled),
    })
}
