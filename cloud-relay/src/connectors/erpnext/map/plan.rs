//! Which documents an event calls for.
//!
//! | event | documents |
//! |---|---|
//! | goods to the customer (sale, exchange, layaway, gift card, what a post void undoes) | one invoice |
//! | goods back | one credit note for each earlier sale, and one for what nobody can place |
//! | stock that changes | stock entries, what is added apart from what is taken, 100 rows each |
//! | a count | stock reconciliations, one for each moment of counting, 100 rows each |
//! | void, suspend, resume, training, till, fiscal, a handed-over online order | nothing |
//!
//! Sales and returns move their stock with the invoice. Does not look at what ERPNext holds.

use protocol::envelope::Event;
use protocol::event::transaction::Transaction;
use protocol::event::{Body, StockKind, TransactionKind};
use protocol::id::StoreId;
use protocol::money::Money;

use super::groups::{Origin, groups};
use super::stock;
use crate::connectors::erpnext::config::{Settings, StockMover, UnlistedStores};
use crate::connectors::{BridgingItem, Class, Mode, Planned};

/// What is done; the words are part of every delivery key and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connectors::erpnext) enum Action {
    /// A Sales Invoice.
    InvoiceSale,
    /// A Sales Invoice with `is_return`.
    InvoiceReturn,
    /// A Stock Entry.
    StockEntry,
    /// A Stock Reconciliation.
    StockCount,
}

impl Action {
    const ALL: [Self; 4] =
        [Self::InvoiceSale, Self::InvoiceReturn, Self::StockEntry, Self::StockCount];

    const fn as_str(self) -> &'static str {
        match self {
            Self::InvoiceSale => "invoice.sale",
            Self::InvoiceReturn => "invoice.return",
            Self::StockEntry => "stock.entry",
            Self::StockCount => "stock.count",
        }
    }

    /// The action of a planned document.
    pub(in crate::connectors::erpnext) fn of(planned: &Planned) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == planned.action)
    }

    /// The kind of document in ERPNext.
    pub(in crate::connectors::erpnext) const fn doctype(self) -> &'static str {
        match self {
            Self::InvoiceSale | Self::InvoiceReturn => "Sales Invoice",
            Self::StockEntry => "Stock Entry",
            Self::StockCount => "Stock Reconciliation",
        }
    }

    /// Counts come after the receipts, because ERPNext keeps no row of a count that agrees with its
    /// ledger: what happened before the counting has to stand there first.
    const fn class(self) -> Class {
        match self {
            Self::InvoiceSale => Class::Receipts,
            Self::InvoiceReturn => Class::Customer,
            Self::StockEntry => Class::Stock,
            Self::StockCount => Class::Books,
        }
    }
}

/// The documents that an event calls for.
pub(in crate::connectors::erpnext) fn plan(event: &Event, settings: &Settings) -> Vec<Planned> {
    let is_ours = |store: &StoreId| is_ours(store, settings);
    match &event.body {
        Body::Transaction(t) if is_posted(t) && is_ours(&t.store) => of_transaction(t),
        Body::Stock(document)
            if settings.stock_mover == StockMover::Erp && is_ours(&document.store) =>
        {
            let (action, parts) = match document.kind {
                StockKind::Count => (Action::StockCount, stock::count_parts(document).len()),
                _ => (Action::StockEntry, stock::entry_parts(document).len()),
            };
            (0_u32..).zip(0..parts).map(|(part, _)| planned(action, part, None, None)).collect()
        }
        Body::Transaction(_) | Body::Stock(_) | Body::Till(_) | Body::Fiscal(_) => Vec::new(),
    }
}

/// Whether a store is this company's business.
pub(super) fn is_ours(store: &StoreId, settings: &Settings) -> bool {
    settings.unlisted_stores == UnlistedStores::Exception || settings.store(store).is_some()
}

/// Whether a transaction has documents.
fn is_posted(transaction: &Transaction) -> bool {
    transaction.counts() && without_documents(transaction.kind).is_none()
}

/// What a receipt without documents is called: an online order that is handed over was sold
/// elsewhere; a tender exchange and a payment to an account sell nothing.
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

fn of_transaction(transaction: &Transaction) -> Vec<Planned> {
    let mut returns = 0_u32;
    let documents = groups(transaction).into_iter().map(|group| {
        let amount = Some(Money::new(group.total(), transaction.currency));
        if !group.is_return() {
            return planned(Action::InvoiceSale, 0, None, amount);
        }
        let part = returns;
        returns += 1;
        let original = match group.origin {
            Origin::Receipt(natural_key) => Some(natural_key),
            Origin::Sale | Origin::Unknown | Origin::Nothing => None,
        };
        planned(Action::InvoiceReturn, part, original, amount)
    });
    documents.collect()
}

fn planned(action: Action, part: u32, original: Option<String>, amount: Option<Money>) -> Planned {
    Planned {
        class: action.class(),
        action: action.as_str().to_owned(),
        part,
        mode: Mode::Document,
        depends_on: original.into_iter().collect(),
        amount,
    }
}
