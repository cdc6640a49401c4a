//! What every connector's bridging items are held against: kinds to draw, and the equation.
//!
//! Does not know what a connector's documents come to: its own test computes that from the bodies.

use proptest::prelude::Strategy;
use protocol::envelope::Event;
use protocol::event::{LineKind, TransactionKind};

use super::{Bridging, brought_in};

const KINDS: [TransactionKind; 12] = [
    TransactionKind::Sale,
    TransactionKind::Return,
    TransactionKind::Exchange,
    TransactionKind::PostVoid,
    TransactionKind::Void,
    TransactionKind::Suspend,
    TransactionKind::Resume,
    TransactionKind::Layaway,
    TransactionKind::OrderPickup,
    TransactionKind::TenderExchange,
    TransactionKind::GiftCard,
    TransactionKind::AccountPayment,
];

const LINE_KINDS: [LineKind; 8] = [
    LineKind::Item,
    LineKind::Service,
    LineKind::Fee,
    LineKind::ContainerDeposit,
    LineKind::Prepayment,
    LineKind::GiftCard,
    LineKind::Tip,
    LineKind::Donation,
];

/// The kinds of a transaction and of its lines.
pub(super) fn kinds() -> impl Strategy<Value = (TransactionKind, LineKind)> {
    let pair = (0..KINDS.len(), 0..LINE_KINDS.len());
    pair.prop_map(|(transaction, line)| (KINDS[transaction], LINE_KINDS[line]))
}

/// What bridging items come to.
pub(super) fn sum(items: &[Bridging]) -> i64 {
    items.iter().map(|bridging| bridging.amount.minor).sum()
}

/// What an event brought in; nothing if it does not count.
pub(super) fn taken(event: &Event) -> i64 {
    brought_in(event).map_or(0, |money| money.minor)
}

/// Whether the equation holds, and holds no longer when any one item is left out.
pub(super) fn each_item_is_needed(event: &Event, items: &[Bridging], documents: i64) -> bool {
    let without = |index: usize| {
        let mut rest = items.to_vec();
        rest.remove(index);
        taken(event) == documents + sum(&rest)
    };
    taken(event) == documents + sum(items) && !(0..items.len()).any(without)
}
