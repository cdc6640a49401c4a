//! What invoices and credit notes do not hold of what an event brought in.
//!
//! They hold everything of a receipt, cash rounding and goods of an unknown sale included, so only
//! receipts without documents and money without a receipt are left. Does not look at what ERPNext
//! holds.

use protocol::envelope::Event;
use protocol::event::{Body, Transaction};

use super::groups::groups;
use super::plan::{is_ours, without_documents};
use crate::connectors::bridging::{Sums, drawer};
use crate::connectors::erpnext::config::Settings;
use crate::connectors::{Bridging, BridgingItem};

/// The bridging items of an event.
pub(in crate::connectors::erpnext) fn bridging(
    event: &Event,
    settings: &Settings,
) -> Vec<Bridging> {
    match &event.body {
        Body::Transaction(t) if t.counts() => of_transaction(t, settings),
        Body::Till(till) => drawer(till).into_iter().collect(),
        Body::Transaction(_) | Body::Stock(_) | Body::Fiscal(_) => Vec::new(),
    }
}

fn of_transaction(transaction: &Transaction, settings: &Settings) -> Vec<Bridging> {
    let total = transaction.signed_total();
    let mut sums = Sums::new(transaction.currency);
    let elsewhere = !is_ours(&transaction.store, settings);
    let elsewhere = elsewhere.then_some(BridgingItem::StoreElsewhere);
    if let Some(item) = elsewhere.or_else(|| without_documents(transaction.kind)) {
        sums.add(item, total.minor);
        return sums.complete(total, 0);
    }
    let groups = groups(transaction);
    if groups.is_empty() {
        // Rounding alone is no invoice.
        sums.add(BridgingItem::CashRounding, transaction.rounding.minor());
    }
    let signed = groups.iter().map(|group| match group.is_return() {
        true => -group.total(),
        false => group.total(),
    });
    sums.complete(total, signed.sum())
}
