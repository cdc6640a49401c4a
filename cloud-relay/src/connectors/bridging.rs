//! What a target cannot hold of an event, named and summed, so that its books and the POS's can be
//! compared to the minor unit.
//!
//! The equation that every connector keeps, for each event and so for every sum of events:
//!
//! ```text
//! brought_in(event) = what the target's documents for it come to + Σ bridging(event)
//! ```
//!
//! Documents count by their direction: orders and invoices add, refunds and credit notes take off.
//! A document that is still on its way or needs a person stands in the equation as planned; what
//! misses of it is that delivery's amount, not a bridging item. Nothing here says how money was
//! paid, and nothing is rounded away: what no other item names is [`BridgingItem::Remainder`].

use std::collections::BTreeMap;

use protocol::envelope::Event;
use protocol::event::till::{Till, TillKind};
use protocol::event::transaction::Flag;
use protocol::event::{Body, LineKind};
use protocol::money::{Currency, Money};
use serde::{Deserialize, Serialize};

/// What a target cannot hold. The words are stored and shown, and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BridgingItem {
    /// Cash rounding that no document holds.
    CashRounding,
    /// Goods back of which nobody knows the sale: stock moves, money does not.
    ReturnWithoutReceipt,
    /// Container deposits paid back.
    DepositPaidBack,
    /// A prepayment that was taken before and settles part of this sale.
    PrepaymentApplied,
    /// A gift card paid out.
    GiftCardPaidOut,
    /// An online order handed over: its own document came from elsewhere.
    OrderPickup,
    /// A payment to a customer's account.
    AccountPayment,
    /// What a tender exchange brought in; nothing, unless the store kept a part.
    TenderExchange,
    /// A receipt of a store that is no business of this target.
    StoreElsewhere,
    /// Money paid into the drawer without a receipt.
    PaidIn,
    /// Money paid out of the drawer without a receipt.
    PaidOut,
    /// What the total says beyond the parts that documents are made of: figures that do not add
    /// up, or a discount or tax of the basket on a side that has no lines.
    Remainder,
}

impl BridgingItem {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 12] = [
        Self::CashRounding,
        Self::ReturnWithoutReceipt,
        Self::DepositPaidBack,
        Self::PrepaymentApplied,
        Self::GiftCardPaidOut,
        Self::OrderPickup,
        Self::AccountPayment,
        Self::TenderExchange,
        Self::StoreElsewhere,
        Self::PaidIn,
        Self::PaidOut,
        Self::Remainder,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CashRounding => "cash_rounding",
            Self::ReturnWithoutReceipt => "return_without_receipt",
            Self::DepositPaidBack => "deposit_paid_back",
            Self::PrepaymentApplied => "prepayment_applied",
            Self::GiftCardPaidOut => "gift_card_paid_out",
            Self::OrderPickup => "order_pickup",
            Self::AccountPayment => "account_payment",
            Self::TenderExchange => "tender_exchange",
            Self::StoreElsewhere => "store_elsewhere",
            Self::PaidIn => "paid_in",
            Self::PaidOut => "paid_out",
            Self::Remainder => "remainder",
        }
    }

    /// What a line that came back, and that no document at the target takes back, is called.
    pub(super) const fn of_unplaced(kind: LineKind) -> Self {
        match kind {
            LineKind::ContainerDeposit => Self::DepositPaidBack,
            LineKind::Prepayment => Self::PrepaymentApplied,
            LineKind::GiftCard => Self::GiftCardPaidOut,
            LineKind::Item
            | LineKind::Service
            | LineKind::Fee
            | LineKind::Tip
            | LineKind::Donation => Self::ReturnWithoutReceipt,
        }
    }
}

/// An amount that a target's documents for an event do not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bridging {
    /// What it is.
    pub item: BridgingItem,
    /// How much, signed as [`brought_in`] is; never nothing.
    pub amount: Money,
}

/// What an event brought in, signed: due to the store is positive, paid out is negative.
///
/// A receipt brings in its total, if it counts (no void, suspended, resumed or training basket);
/// money paid into or out of the drawer brings in itself. Moves between drawer and safe, counts and
/// closings bring in nothing, and neither does stock.
#[must_use]
pub fn brought_in(event: &Event) -> Option<Money> {
    match &event.body {
        Body::Transaction(transaction) => transaction.counts().then(|| transaction.signed_total()),
        Body::Till(till) => drawer(till).map(|bridging| bridging.amount),
        Body::Stock(_) | Body::Fiscal(_) => None,
    }
}

/// The item of money that went into or out of the drawer without a receipt.
pub(super) fn drawer(till: &Till) -> Option<Bridging> {
    let (amount, currency) = (till.amount?.minor(), till.currency?);
    let (item, minor) = match till.kind {
        TillKind::PaidIn => (BridgingItem::PaidIn, amount),
        TillKind::PaidOut => (BridgingItem::PaidOut, -amount),
        // The money stays in the store, or nothing moves.
        TillKind::Open
        | TillKind::Close
        | TillKind::Pickup
        | TillKind::Loan
        | TillKind::NoSale
        | TillKind::Count
        | TillKind::SignOn
        | TillKind::SignOff => return None,
    };
    let is_practice = till.flags.contains(&Flag::Training);
    let is_something = minor != 0 && !is_practice;
    is_something.then(|| Bridging { item, amount: Money::new(minor, currency) })
}

/// The items of one receipt while they are summed.
pub(super) struct Sums {
    currency: Currency,
    sums: BTreeMap<BridgingItem, i64>,
}

impl Sums {
    /// Nothing yet.
    pub(super) const fn new(currency: Currency) -> Self {
        Self { currency, sums: BTreeMap::new() }
    }

    /// Adds minor units to an item.
    pub(super) fn add(&mut self, item: BridgingItem, minor: i64) {
        *self.sums.entry(item).or_default() += minor;
    }

    /// The items, and as the remainder what is missing to `brought_in` beside documents of
    /// `documents` minor units.
    pub(super) fn complete(mut self, brought_in: Money, documents: i64) -> Vec<Bridging> {
        let named: i64 = self.sums.values().sum();
        self.add(BridgingItem::Remainder, brought_in.minor - documents - named);
        let Self { currency, sums } = self;
        let items = sums.into_iter().filter(|(_, minor)| *minor != 0);
        items.map(|(item, minor)| Bridging { item, amount: Money::new(minor, currency) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use protocol::envelope::{Draft, Event};
    use protocol::id::EventId;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{BridgingItem, brought_in, drawer};

    fn event(kind: &str, data: &Value) -> Event {
        let event = json!({ "specversion": "1.0", "type": format!("storekeep.{kind}.v1"),
            "time": "2026-11-23T18:00:00+01:00", "data": data });
        Draft::parse(event.to_string().as_bytes()).unwrap().into_event(EventId(Uuid::nil()))
    }

    fn till(kind: &str, flags: &Value) -> Event {
        event(
            "till",
            &json!({ "kind": kind, "store": "0042", "register": "2", "businessDate": "2026-11-23",
                "receipt": "000201", "currency": "EUR", "amount": 1500, "flags": flags }),
        )
    }

    fn receipt(kind: &str, direction: &str) -> Event {
        event(
            "transaction",
            &json!({ "kind": kind, "store": "0042", "register": "2", "businessDate": "2026-11-23",
                "receipt": "000202", "currency": "EUR",
                "total": { "amount": 300, "direction": direction } }),
        )
    }

    fn minor(event: &Event) -> Option<i64> {
        brought_in(event).map(|money| money.minor)
    }

    #[test]
    fn each_item_is_stored_under_the_word_that_is_shown() {
        for item in BridgingItem::ALL {
            assert_eq!(json!(item), json!(item.as_str()));
        }
        let words: std::collections::BTreeSet<_> =
            BridgingItem::ALL.iter().map(|item| item.as_str()).collect();
        assert_eq!(words.len(), BridgingItem::ALL.len());
    }

    #[test]
    fn a_receipt_brings_in_its_signed_total_if_it_counts() {
        assert_eq!(minor(&receipt("sale", "in")), Some(300));
        assert_eq!(minor(&receipt("return", "out")), Some(-300));
        for kind in ["void", "suspend", "resume"] {
            assert_eq!(minor(&receipt(kind, "in")), None);
        }
    }

    #[test]
    fn only_money_that_enters_or_leaves_the_store_is_brought_in_by_a_drawer() {
        assert_eq!(minor(&till("paid_in", &json!([]))), Some(1500));
        assert_eq!(minor(&till("paid_out", &json!([]))), Some(-1500));
        assert_eq!(minor(&till("paid_out", &json!(["training"]))), None);
        for kind in ["pickup", "loan"] {
            let event = till(kind, &json!([]));
            assert_eq!(minor(&event), None);
            let protocol::event::Body::Till(till) = &event.body else { panic!("{kind}") };
            assert_eq!(drawer(till), None);
        }
    }
}
