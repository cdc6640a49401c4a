//! Counts and sums of events, by measure and currency.
//!
//! Sums are exact: one that would not fit, which takes more money than there is, stays at the
//! largest number. Does not know what a Z says.

use std::collections::BTreeMap;

use protocol::event::till::Till;
use protocol::event::{Direction, Line, LineKind, Tax, TenderKind, TillKind, Transaction};
use protocol::money::{Currency, Money};
use serde::{Deserialize, Serialize};

use super::Measure;

/// Counts and sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Totals {
    /// Events by the word of their kind, whether they count or not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Receipts that count: neither void, suspended, resumed nor practice.
    pub receipts: u64,
    /// Sums in minor units; of foreign cash in those of its own currency.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub money: BTreeMap<Currency, BTreeMap<Measure, i64>>,
}

impl Totals {
    /// What a transaction comes to.
    pub(super) fn of_transaction(transaction: &Transaction) -> Self {
        let mut totals = Self::default();
        totals.counts.insert(transaction.kind.as_str().to_owned(), 1);
        if !transaction.counts() {
            return totals;
        }
        totals.receipts = 1;
        let mut sums = Sums(BTreeMap::new());
        sums.sides(transaction);
        sums.taxes(transaction);
        sums.tenders(transaction);
        sums.add(Measure::Rounding, transaction.rounding.minor());
        totals.put(transaction.currency, sums);
        totals
    }

    /// What a till movement comes to.
    pub(super) fn of_till(till: &Till) -> Self {
        let mut totals = Self::default();
        totals.counts.insert(till.kind.as_str().to_owned(), 1);
        let measure = match till.kind {
            TillKind::PaidIn => Measure::PaidIn,
            TillKind::PaidOut => Measure::PaidOut,
            TillKind::Pickup => Measure::Pickups,
            TillKind::Loan => Measure::Loans,
            TillKind::Open
            | TillKind::Close
            | TillKind::NoSale
            | TillKind::Count
            | TillKind::SignOn
            | TillKind::SignOff => return totals,
        };
        if let (Some(amount), Some(currency)) = (till.amount, till.currency) {
            totals.put(currency, Sums(BTreeMap::from([(measure, amount.minor())])));
        }
        totals
    }

    fn put(&mut self, currency: Currency, Sums(mut sums): Sums) {
        sums.retain(|_, minor| *minor != 0);
        self.money.insert(currency, sums);
    }

    /// Adds another's figures.
    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.counts {
            let sum = self.counts.entry(kind.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.receipts = self.receipts.saturating_add(other.receipts);
        for (currency, sums) in &other.money {
            let own = self.money.entry(*currency).or_default();
            for (measure, minor) in sums {
                let sum = own.entry(measure.clone()).or_default();
                *sum = sum.saturating_add(*minor);
            }
        }
    }

    /// How many events of a kind.
    #[must_use]
    pub fn count(&self, kind: &str) -> u64 {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    /// One sum.
    #[must_use]
    pub fn minor(&self, currency: Currency, measure: &Measure) -> i64 {
        self.money.get(&currency).and_then(|sums| sums.get(measure)).copied().unwrap_or_default()
    }

    /// What was brought in: what went out less what came back, and money into and out of the
    /// drawer without a receipt (`connectors::bridging::brought_in`).
    #[must_use]
    pub fn brought_in(&self, currency: Currency) -> Money {
        let sum = |measure| self.minor(currency, &measure);
        let receipts = sum(Measure::Gross).saturating_sub(sum(Measure::Returns));
        let drawer = sum(Measure::PaidIn).saturating_sub(sum(Measure::PaidOut));
        Money::new(receipts.saturating_add(drawer), currency)
    }

    /// Every figure under the word by which it is listed, counts first; what stayed of each kind of
    /// money, because some tills count change on both sides and some on neither.
    #[must_use]
    pub fn listed(&self) -> Vec<(String, Option<Currency>, i64)> {
        let counts = self.counts.iter();
        let mut listed: Vec<_> = counts
            .map(|(kind, count)| {
                (format!("count:{kind}"), None, i64::try_from(*count).unwrap_or(i64::MAX))
            })
            .collect();
        for (currency, sums) in &self.money {
            let mut stayed: BTreeMap<&'static str, i64> = BTreeMap::new();
            let net = sums.get(&Measure::Gross).copied().unwrap_or_default()
                - sums.get(&Measure::Returns).copied().unwrap_or_default();
            listed.push(("net_sales".to_owned(), Some(*currency), net));
            for (measure, minor) in sums {
                match measure {
                    Measure::In(kind) => *stayed.entry(kind.as_str()).or_default() += minor,
                    Measure::Out(kind) => *stayed.entry(kind.as_str()).or_default() -= minor,
                    Measure::ForeignCash(foreign) => {
                        listed.push((measure.to_string(), Some(*foreign), *minor));
                    }
                    _ => listed.push((measure.to_string(), Some(*currency), *minor)),
                }
            }
            let kinds = stayed.into_iter();
            listed.extend(
                kinds.map(|(kind, minor)| (format!("stayed:{kind}"), Some(*currency), minor)),
            );
        }
        listed
    }

    /// The currencies in which anything was summed.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.money.keys().copied()
    }
}

/// The sums of one event.
struct Sums(BTreeMap<Measure, i64>);

impl Sums {
    fn add(&mut self, measure: Measure, minor: i64) {
        *self.0.entry(measure).or_default() += minor;
    }

    /// What went out and what came back, so that they differ by what the receipt says is due.
    fn sides(&mut self, transaction: &Transaction) {
        let total = transaction.signed_total().minor;
        let (out, back) = (side(transaction, Direction::Out), side(transaction, Direction::In));
        let has_lines = transaction.lines.iter().any(Line::counts);
        // Cash is rounded on the side that is paid; of a receipt without lines the total decides.
        let returns = match (has_lines, out >= back) {
            (true, true) => back,
            (true, false) => back - transaction.rounding.minor(),
            (false, _) => (-total).max(0),
        };
        self.add(Measure::Gross, total + returns);
        self.add(Measure::Returns, returns);
        let lines = transaction.lines.iter().filter(|line| goes(line, Direction::Out));
        let on_lines = lines.flat_map(|line| line.discounts.iter());
        let on_basket = transaction.discounts.iter().filter(|d| d.direction == Direction::Out);
        let discounts = on_lines.chain(on_basket).map(|discount| discount.amount.minor());
        self.add(Measure::Discounts, discounts.sum());
        let cards = transaction.lines.iter().filter(|line| goes(line, Direction::Out));
        let cards = cards.filter(|line| line.kind == LineKind::GiftCard);
        self.add(Measure::GiftCardsIssued, cards.map(|line| line.total.minor()).sum());
    }

    fn taxes(&mut self, transaction: &Transaction) {
        let mut add = |tax: &Tax, direction: Direction| {
            let rate = tax.rate.map(|rate| rate.value().normalize().to_string());
            let measure =
                Measure::Tax { code: tax.code.to_string(), rate: rate.unwrap_or_default() };
            self.add(measure, signed(direction, tax.amount.minor()));
        };
        if transaction.taxes.is_empty() {
            for line in transaction.lines.iter().filter(|line| line.counts()) {
                line.taxes.iter().for_each(|tax| add(tax, line.direction));
            }
        } else {
            transaction.taxes.iter().for_each(|tax| add(tax, tax.direction));
        }
    }

    fn tenders(&mut self, transaction: &Transaction) {
        for tender in transaction.tenders.iter().filter(|tender| tender.counts()) {
            let amount = tender.amount.minor();
            match tender.direction {
                Direction::Out => self.add(Measure::Out(tender.kind), amount),
                Direction::In => {
                    self.add(Measure::In(tender.kind), amount);
                    if tender.kind == TenderKind::GiftCard {
                        self.add(Measure::GiftCardsRedeemed, amount);
                    }
                    if let Some(foreign) = &tender.foreign {
                        let measure = Measure::ForeignCash(foreign.currency);
                        self.add(measure, foreign.amount.minor());
                    }
                }
            }
        }
    }
}

/// What the lines of one direction come to, with all taxes and after all discounts.
fn side(transaction: &Transaction, direction: Direction) -> i64 {
    let lines = || transaction.lines.iter().filter(|line| goes(line, direction));
    let totals: i64 = lines().map(|line| line.total.minor()).sum();
    let discounts = transaction.discounts.iter().filter(|d| d.direction == direction);
    let discounts: i64 = discounts.map(|discount| discount.amount.minor()).sum();
    let added = |tax: &&Tax| !tax.included;
    let taxes: i64 = if transaction.taxes.is_empty() {
        lines().flat_map(|line| line.taxes.iter().filter(added)).map(|t| t.amount.minor()).sum()
    } else {
        let taxes = transaction.taxes.iter().filter(added);
        taxes.filter(|tax| tax.direction == direction).map(|tax| tax.amount.minor()).sum()
    };
    totals - discounts + taxes
}

fn goes(line: &Line, direction: Direction) -> bool {
    line.counts() && line.direction == direction
}

const fn signed(direction: Direction, minor: i64) -> i64 {
    match direction {
        Direction::Out => minor,
        Direction::In => -minor,
    }
}
