//! Which transaction a reference to a receipt means.
//!
//! Whoever brings goods back names the receipt that sold them: store, register, day and number, not
//! whether it was a sale, an exchange or a layaway, and often not the register's counter cycle. A
//! connector asks for it as a sale. Where there is none, the transaction of that receipt that handed
//! goods out is meant. Their natural keys lie side by side, so both databases read one short range.
//! Does not read it.

use protocol::event::TransactionKind;

use super::model::{DeliveryState, OriginalState};

/// Natural keys of one receipt that are looked at: there are 12 kinds, and a second counter cycle
/// on the same trading day is rare.
pub(crate) const KEYS_PER_RECEIPT_MAX: i64 = 36;

/// Kinds that hand goods out, or settle what was handed out elsewhere.
const HANDS_OUT: [TransactionKind; 7] = [
    TransactionKind::Sale,
    TransactionKind::Exchange,
    TransactionKind::Layaway,
    TransactionKind::GiftCard,
    TransactionKind::OrderPickup,
    TransactionKind::AccountPayment,
    TransactionKind::TenderExchange,
];

/// Kinds that take back, and may hand out as well.
const MAY_HAND_OUT: [TransactionKind; 2] = [TransactionKind::Return, TransactionKind::PostVoid];

/// A receipt as a natural key names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedReceipt {
    /// The natural keys of its transactions are not below this.
    pub(crate) from: String,
    /// And below this.
    pub(crate) below: String,
    cycle: u32,
}

/// How well a transaction fits a reference; the least fits best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    other_cycle: bool,
    cycle: u32,
    /// Whether it counts only if a document of it handed goods out.
    needs_document: bool,
    kind: usize,
}

impl NamedReceipt {
    /// The receipt that a natural key belongs to; nothing unless it is a transaction's.
    pub(crate) fn of(natural_key: &str) -> Option<Self> {
        let (prefix, _, cycle) = parts(natural_key)?;
        // `0` is what follows `/`.
        Some(Self { from: format!("{prefix}/"), below: format!("{prefix}0"), cycle })
    }

    /// How well the transaction with a natural key of the range fits; nothing if it is not meant.
    ///
    /// A reference that names a cycle means that one. The first cycle may stand for a POS that does
    /// not know, so without a transaction in it a later one is meant.
    pub(crate) fn rank(&self, natural_key: &str) -> Option<Rank> {
        let (_, word, cycle) = parts(natural_key)?;
        let other_cycle = cycle != self.cycle;
        if other_cycle && self.cycle != 0 {
            return None;
        }
        let place = |kinds: &[TransactionKind]| kinds.iter().position(|k| k.as_str() == word);
        let (needs_document, kind) = match (place(&HANDS_OUT), place(&MAY_HAND_OUT)) {
            (Some(kind), _) => (false, kind),
            (None, Some(kind)) => (true, kind),
            (None, None) => return None,
        };
        Some(Rank { other_cycle, cycle, needs_document, kind })
    }
}

/// Which documents of an event others may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Documents {
    /// Any; that of its receipt if there is one.
    Any,
    /// That of its receipt: the one that hands goods out.
    Receipts,
}

/// What the state of a document means to those that refer to it.
pub(crate) fn as_original(state: DeliveryState) -> OriginalState {
    match state {
        DeliveryState::Done { reference } => OriginalState::Standing(reference),
        DeliveryState::Exception { .. } => OriginalState::Exception,
        DeliveryState::Resolved { .. } => OriginalState::WithoutDocument,
        DeliveryState::Due { .. }
        | DeliveryState::Unknown { .. }
        | DeliveryState::Draft { .. }
        | DeliveryState::Bundled { .. }
        | DeliveryState::Waiting { .. } => OriginalState::OnItsWay,
    }
}

/// What is known of a receipt none of whose transactions has a document that handed goods out.
pub(crate) fn without_document<'a>(mut meant: impl Iterator<Item = &'a Rank>) -> OriginalState {
    // What only takes back is not what is meant: that may still come.
    let is_there = meant.any(|rank| !rank.needs_document);
    if is_there { OriginalState::WithoutDocument } else { OriginalState::NeverSeen }
}

/// A transaction's natural key up to the receipt, its kind and its counter cycle.
fn parts(natural_key: &str) -> Option<(&str, &str, u32)> {
    let mut parts = natural_key.rsplitn(3, '/');
    let cycle = parts.next()?.parse().ok()?;
    let kind = parts.next()?;
    let prefix = parts.next()?;
    prefix.starts_with("transaction/").then_some((prefix, kind, cycle))
}

#[cfg(test)]
mod tests {
    use super::{HANDS_OUT, MAY_HAND_OUT, NamedReceipt};

    const RECEIPT: &str = "transaction/0042/2/2026-11-22/000001";

    fn named(rest: &str) -> NamedReceipt {
        NamedReceipt::of(&format!("{RECEIPT}/{rest}")).unwrap()
    }

    fn in_order(asked: &str, rests: &[&str]) -> Vec<String> {
        let named = named(asked);
        let keys = rests.iter().map(|rest| format!("{RECEIPT}/{rest}"));
        let mut ranked: Vec<_> = keys.filter_map(|key| Some((named.rank(&key)?, key))).collect();
        ranked.sort();
        let rest = |key: String| key[RECEIPT.len() + 1..].to_owned();
        ranked.into_iter().map(|(_, key)| rest(key)).collect()
    }

    #[test]
    fn the_range_holds_the_keys_of_one_receipt_and_no_other() {
        let named = named("sale/0");
        let is_in = |key: &str| named.from.as_str() <= key && key < named.below.as_str();
        for kind in HANDS_OUT.iter().chain(&MAY_HAND_OUT) {
            assert!(is_in(&format!("{RECEIPT}/{}/7", kind.as_str())));
        }
        for other in ["0/sale/0", "1/sale/0", "%2F1/sale/0", "-1/sale/0", ""] {
            assert!(!is_in(&format!("{RECEIPT}{other}")), "{other}");
        }
    }

    #[test]
    fn what_hands_goods_out_is_meant_and_nothing_else() {
        let keys = ["exchange/0", "post_void/0", "return/0", "sale/0", "suspend/0", "void/0"];
        assert_eq!(in_order("sale/0", &keys), ["sale/0", "exchange/0", "return/0", "post_void/0"]);
        assert_eq!(in_order("sale/0", &["exchange/0+1", "exchange/x"]), [""; 0]);
    }

    #[test]
    fn a_later_counter_cycle_is_meant_only_where_the_reference_names_none() {
        let keys = ["exchange/2", "layaway/0", "sale/1"];
        assert_eq!(in_order("sale/0", &keys), ["layaway/0", "sale/1", "exchange/2"]);
        assert_eq!(in_order("sale/2", &keys), ["exchange/2"]);
        assert_eq!(in_order("sale/3", &keys), [""; 0]);
    }

    #[test]
    fn only_a_transaction_has_a_receipt() {
        for key in ["key-1", "till/0042/2/2026-11-22/000001/paid_out/0", "transaction/0042"] {
            assert_eq!(NamedReceipt::of(key), None, "{key}");
        }
    }
}
