//! The money side of the books: the figures of one entry, and their sums.
//!
//! Sums only; where a figure comes from is the register's business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::books::{Entry, Kind, TenderKind};
use super::catalogue::TaxCode;

/// One tax.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// What it is levied on, in minor units.
    pub base_minor: i64,
    /// The tax, in minor units.
    pub amount_minor: i64,
}

/// Money of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// To the store, in minor units.
    pub in_minor: i64,
    /// To customers, in minor units.
    pub out_minor: i64,
}

/// Cash that moves in and out of the drawer without a customer, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawer {
    /// Paid in.
    pub paid_in_minor: i64,
    /// Paid out for expenses.
    pub paid_out_minor: i64,
    /// Taken to the safe.
    pub pickups_minor: i64,
    /// Brought from the safe.
    pub loans_minor: i64,
}

impl Drawer {
    /// What it adds to the drawer.
    #[must_use]
    pub const fn net_minor(&self) -> i64 {
        self.paid_in_minor - self.paid_out_minor - self.pickups_minor + self.loans_minor
    }
}

/// What went over the counter, with all taxes and before cash rounding, in minor units; nothing
/// where nothing did. A basket that costs nothing is something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    /// To the customer: goods, gift cards, deposits.
    pub out_minor: Option<i64>,
    /// Back from a receipt that is named.
    pub back_minor: Option<i64>,
    /// Back from no receipt: goods without one, and deposits that are set against goods.
    pub unplaced_minor: Option<i64>,
}

impl Goods {
    /// Whether nothing went over the counter.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.out_minor.is_none() && self.back_minor.is_none() && self.unplaced_minor.is_none()
    }

    /// What is due for it, before cash rounding.
    #[must_use]
    pub fn due_minor(&self) -> i64 {
        let [out, back, unplaced] =
            [self.out_minor, self.back_minor, self.unplaced_minor].map(Option::unwrap_or_default);
        out - back - unplaced
    }

    fn add(&mut self, other: &Self) {
        let sum = |one: Option<i64>, two: Option<i64>| match (one, two) {
            (None, None) => None,
            (one, two) => Some(one.unwrap_or_default() + two.unwrap_or_default()),
        };
        self.out_minor = sum(self.out_minor, other.out_minor);
        self.back_minor = sum(self.back_minor, other.back_minor);
        self.unplaced_minor = sum(self.unplaced_minor, other.unplaced_minor);
    }
}

/// The money side of one entry or of many. What comes back has negative taxes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// What went to customers came to, in sales as in exchanges; rounded where they pay cash.
    pub sold_minor: i64,
    /// What came back came to, paid out or set against what was sold; rounded where it is paid
    /// out in cash.
    pub returned_minor: i64,
    /// Discounts on what was sold.
    pub discounts_minor: i64,
    /// Cash rounding, signed: 4.82 paid as 4.80 is −2.
    pub rounding_minor: i64,
    /// Taxes, by code.
    pub taxes: BTreeMap<TaxCode, Tax>,
    /// Money, by kind.
    pub tenders: BTreeMap<TenderKind, Flow>,
    /// Gift cards issued.
    pub gift_cards_issued_minor: i64,
    /// Notes of other currencies taken, by currency, in its own minor units.
    pub foreign_cash_minor: BTreeMap<String, i64>,
    /// Cash that moved without a customer.
    pub drawer: Drawer,
}

impl Figures {
    /// What customers paid less what they were paid.
    #[must_use]
    pub const fn total_minor(&self) -> i64 {
        self.sold_minor - self.returned_minor
    }

    fn add(&mut self, other: &Self) {
        self.sold_minor += other.sold_minor;
        self.returned_minor += other.returned_minor;
        self.discounts_minor += other.discounts_minor;
        self.rounding_minor += other.rounding_minor;
        for (code, tax) in &other.taxes {
            let sum = self.taxes.entry(*code).or_default();
            sum.base_minor += tax.base_minor;
            sum.amount_minor += tax.amount_minor;
        }
        for (kind, flow) in &other.tenders {
            let sum = self.tenders.entry(*kind).or_default();
            sum.in_minor += flow.in_minor;
            sum.out_minor += flow.out_minor;
        }
        self.gift_cards_issued_minor += other.gift_cards_issued_minor;
        for (currency, taken) in &other.foreign_cash_minor {
            *self.foreign_cash_minor.entry(currency.clone()).or_default() += taken;
        }
        self.drawer.paid_in_minor += other.drawer.paid_in_minor;
        self.drawer.paid_out_minor += other.drawer.paid_out_minor;
        self.drawer.pickups_minor += other.drawer.pickups_minor;
        self.drawer.loans_minor += other.drawer.loans_minor;
    }
}

/// Counts and sums over entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How many, by kind.
    pub counts: BTreeMap<Kind, u64>,
    /// The money side.
    pub figures: Figures,
    /// What went over the counter.
    pub goods: Goods,
}

impl Totals {
    /// Sums entries up.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut totals = Self::default();
        for entry in entries {
            *totals.counts.entry(entry.kind).or_default() += 1;
            totals.figures.add(&entry.figures);
            totals.goods.add(&entry.goods);
        }
        totals
    }

    /// How many of one kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or_default()
    }
}
