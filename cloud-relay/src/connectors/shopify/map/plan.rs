//! Which documents an event calls for.
//!
//! | event | documents |
//! |---|---|
//! | goods to the customer (sale, exchange, layaway, gift card, what a post void undoes) | one order |
//! | goods back that name their sale or an online order | one refund for each such order |
//! | goods back that nobody can place | no document: stock only |
//! | movements of stock | deltas, at most 250 items each |
//! | a count | counts, at most 250 items each |
//! | void, suspend, resume, training, till, fiscal, a handed-over online order | nothing |
//!
//! Does not look at what Shopify holds.

use protocol::envelope::Event;
use protocol::event::transaction::Transaction;
use protocol::event::{Body, Direction, Move, StockDocument, StockKind, TransactionKind};
use protocol::money::Money;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::basket::Side;
use super::refund::{self, Origin};
use crate::connectors::{BridgingItem, Class, Mode, Planned};

/// Changes in one call: Shopify refuses more (`MAX_INPUT_SIZE_EXCEEDED`).
pub(in crate::connectors::shopify) const CHANGES_MAX: usize = 250;

/// What is done; the words are part of every delivery key and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connectors::shopify) enum Action {
    /// `orderCreate`.
    OrderCreate,
    /// `refundCreate`.
    RefundCreate,
    /// `inventoryAdjustQuantities`.
    StockAdjust,
    /// `inventorySetQuantities`.
    StockSet,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::OrderCreate => "order.create",
            Self::RefundCreate => "refund.create",
            Self::StockAdjust => "stock.adjust",
            Self::StockSet => "stock.set",
        }
    }

    /// Whether a word means it.
    pub(in crate::connectors::shopify) fn is(self, action: &str) -> bool {
        self.as_str() == action
    }

    /// The action of a planned document.
    pub(in crate::connectors::shopify) fn of(planned: &Planned) -> Option<Self> {
        [Self::OrderCreate, Self::RefundCreate, Self::StockAdjust, Self::StockSet]
            .into_iter()
            .find(|action| action.as_str() == planned.action)
    }
}

/// The documents that an event calls for.
pub(in crate::connectors::shopify) fn plan(event: &Event) -> Vec<Planned> {
    match &event.body {
        Body::Transaction(transaction) if is_posted(transaction) => {
            of_transaction(event, transaction)
        }
        Body::Stock(document) if document.kind == StockKind::Count => of_count(document),
        Body::Stock(document) => deltas(&event.stock_moves(), |moves| cost(document, moves)),
        Body::Transaction(_) | Body::Till(_) | Body::Fiscal(_) => Vec::new(),
    }
}

/// Whether a transaction has documents.
fn is_posted(transaction: &Transaction) -> bool {
    transaction.counts() && without_documents(transaction.kind).is_none()
}

/// What a receipt without documents is called: an online order that is handed over stands in Shopify
/// already and has moved its stock there; a tender exchange and a payment to an account sell nothing.
pub(super) const fn without_documents(kind: TransactionKind) -> Option<BridgingItem> {
    match kind {
        TransactionKind::OrderPickup => Some(BridgingItem::OrderPickup),
        TransactionKind::TenderExchange => Some(BridgingItem::TenderExchange),
        TransactionKind::AccountPayment => Some(BridgingItem::AccountPayment),
        TransactionKind::Sale
        | TransactionKind::Return
        | TransactionKind::Exchange
        | TransactionKind::PostVoid
        | TransactionKind::Layaway
        | TransactionKind::GiftCard
        | TransactionKind::Void
        | TransactionKind::Suspend
        | TransactionKind::Resume => None,
    }
}

fn of_transaction(event: &Event, transaction: &Transaction) -> Vec<Planned> {
    let mut planned = Vec::new();
    let currency = transaction.currency;
    let out = Side::of(transaction, Direction::Out);
    if !out.lines.is_empty() {
        let amount = Some(Money::new(out.total(), currency));
        planned.push(document(Class::Receipts, Action::OrderCreate, 0, Vec::new(), amount));
    }
    for (part, group) in (0_u32..).zip(refund::groups(transaction)) {
        let depends_on = match &group.origin {
            Origin::Receipt(natural_key) => vec![natural_key.clone()],
            Origin::Order { .. } | Origin::Nothing => Vec::new(),
        };
        let amount = Some(Money::new(group.amount, currency));
        planned.push(document(Class::Customer, Action::RefundCreate, part, depends_on, amount));
    }
    let worth = |moves: &[Move]| {
        let is_moved = |number: u32| moves.iter().any(|moved| moved.line == number);
        let lines = transaction.lines.iter().filter(|line| is_moved(line.line));
        Some(Money::new(lines.map(|line| line.total.minor()).sum(), currency))
    };
    planned.extend(deltas(&event.stock_moves(), worth));
    planned
}

fn document(
    class: Class,
    action: Action,
    part: u32,
    depends_on: Vec<String>,
    amount: Option<Money>,
) -> Planned {
    let action = action.as_str().to_owned();
    Planned { class, action, part, mode: Mode::Document, depends_on, amount }
}

fn deltas(moves: &[Move], worth: impl Fn(&[Move]) -> Option<Money>) -> Vec<Planned> {
    let parts = (0_u32..).zip(moves.chunks(CHANGES_MAX));
    parts.map(|(part, moves)| stock(Action::StockAdjust, Mode::Delta, part, worth(moves))).collect()
}

fn of_count(document: &StockDocument) -> Vec<Planned> {
    let parts = (0_u32..).zip(document.lines.chunks(CHANGES_MAX));
    parts.map(|(part, _)| stock(Action::StockSet, Mode::Count, part, None)).collect()
}

fn stock(action: Action, mode: Mode, part: u32, amount: Option<Money>) -> Planned {
    let action = action.as_str().to_owned();
    Planned { class: Class::Stock, action, part, mode, depends_on: Vec::new(), amount }
}

/// What the moved goods cost, where the document says so, to the nearest minor unit.
fn cost(document: &StockDocument, moves: &[Move]) -> Option<Money> {
    let currency = document.currency?;
    let scale = Decimal::from(10_i64.pow(u32::from(currency.exponent())));
    let is_moved = |number: u32| moves.iter().any(|moved| moved.line == number);
    let lines = document.lines.iter().filter(|line| is_moved(line.line));
    let costs = lines.map(|line| {
        let change = line.change.unwrap_or_default().value().abs();
        change.checked_mul(line.cost.unwrap_or_default().value())
    });
    let sum = costs.into_iter().try_fold(Decimal::ZERO, |sum, cost| sum.checked_add(cost?))?;
    let minor = sum.checked_mul(scale)?.round().to_i64()?;
    Some(Money::new(minor, currency))
}
