//! What orders and refunds do not hold of what an event brought in.
//!
//! Orders hold all that went out and refunds all that came back from a known order, both without
//! cash rounding. Does not look at what Shopify holds.

use protocol::envelope::Event;
use protocol::event::{Body, Direction, Transaction};

use super::basket::Side;
use super::plan::without_documents;
use super::refund::is_placed;
use crate::connectors::bridging::{Sums, drawer};
use crate::connectors::{Bridging, BridgingItem};

/// The bridging items of an event.
pub(in crate::connectors::shopify) fn bridging(event: &Event) -> Vec<Bridging> {
    match &event.body {
        Body::Transaction(transaction) if transaction.counts() => of_transaction(transaction),
        Body::Till(till) => drawer(till).into_iter().collect(),
        Body::Transaction(_) | Body::Stock(_) | Body::Fiscal(_) => Vec::new(),
    }
}

fn of_transaction(transaction: &Transaction) -> Vec<Bridging> {
    let total = transaction.signed_total();
    let mut sums = Sums::new(transaction.currency);
    if let Some(item) = without_documents(transaction.kind) {
        sums.add(item, total.minor);
        return sums.complete(total, 0);
    }
    sums.add(BridgingItem::CashRounding, transaction.rounding.minor());
    let mut documents = Side::of(transaction, Direction::Out).total();
    for back in Side::of(transaction, Direction::In).lines {
        if is_placed(transaction, back.line) {
            documents -= back.gross;
        } else {
            sums.add(BridgingItem::of_unplaced(back.line.kind), -back.gross);
        }
    }
    sums.complete(total, documents)
}
