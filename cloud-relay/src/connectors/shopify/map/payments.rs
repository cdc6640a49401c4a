//! How an order was paid, in Shopify's terms: one payment for each gateway, none negative.
//!
//! Change and cash back are taken off what was paid in. Three things that are no tender settle an
//! order as well: goods that came back in the same transaction, a prepayment that was taken before,
//! and cash rounding. Does not check that a payment covers the order: what the POS took, it took.

use protocol::event::{Direction, LineKind, Tender, TenderKind, Transaction};
use protocol::money::Money;

use super::basket::Side;
use super::{Unfit, Wording};
use crate::connectors::ExceptionClass;

/// The gateway of goods that came back in the same transaction.
pub(super) const GOODS_BACK: &str = "goods_back";

/// The gateway of a prepayment that is applied to the sale.
pub(super) const PREPAYMENT: &str = "prepayment";

/// The gateway of cash rounding in the customer's favour.
pub(super) const ROUNDING: &str = "cash_rounding";

/// A payment: the gateway and the amount in minor units, above zero.
pub(super) type Payment = (String, i64);

/// What came back in a transaction and pays for what went out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Goods, in minor units.
    pub(super) goods: i64,
    /// Prepayments, in minor units.
    pub(super) prepayments: i64,
}

impl Settled {
    /// What came back in a transaction.
    pub(super) fn of(transaction: &Transaction) -> Self {
        let mut settled = Self::default();
        for back in Side::of(transaction, Direction::In).lines {
            match back.line.kind {
                LineKind::Prepayment => settled.prepayments += back.gross,
                _ => settled.goods += back.gross,
            }
        }
        settled
    }
}

/// The payments of the order of a transaction.
pub(super) fn of_order(
    transaction: &Transaction,
    settled: Settled,
    wording: &Wording,
) -> Result<Vec<Payment>, Unfit> {
    let mut payments = by_gateway(transaction, wording);
    add(&mut payments, GOODS_BACK.to_owned(), settled.goods);
    add(&mut payments, PREPAYMENT.to_owned(), settled.prepayments);
    add(&mut payments, ROUNDING.to_owned(), -transaction.rounding.minor());
    let cash = wording.gateway(TenderKind::Cash);
    // Change comes out of the drawer, so it is taken off cash first.
    payments.sort_by_key(|(gateway, _)| *gateway != cash);
    let given: i64 = payments.iter().map(|(_, amount)| (*amount).min(0)).sum();
    let mut open = -given;
    payments.retain(|(_, amount)| *amount > 0);
    for (_, amount) in &mut payments {
        let taken = open.min(*amount);
        *amount -= taken;
        open -= taken;
    }
    payments.retain(|(_, amount)| *amount > 0);
    if open > 0 {
        let reason = format!(
            "{} more was paid out than was paid in for goods to the customer; Shopify knows no \
             negative payment, so nothing was sent",
            Money::new(open, transaction.currency)
        );
        return Err((ExceptionClass::Unbalanced, reason));
    }
    Ok(payments)
}

/// What was paid back, by gateway.
pub(super) fn paid_back(transaction: &Transaction, wording: &Wording) -> Vec<Payment> {
    let mut payments = by_gateway(transaction, wording);
    for (_, amount) in &mut payments {
        *amount = -*amount;
    }
    payments.retain(|(_, amount)| *amount > 0);
    payments
}

/// The tenders by gateway, money to the store positive, in the order of their first appearance.
fn by_gateway(transaction: &Transaction, wording: &Wording) -> Vec<Payment> {
    let tenders: &[Tender] = &transaction.tenders;
    let mut payments = Vec::new();
    for tender in tenders.iter().filter(|tender| tender.counts()) {
        let amount = tender.amount.minor();
        let signed = if tender.direction == Direction::In { amount } else { -amount };
        add(&mut payments, wording.gateway(tender.kind), signed);
    }
    payments
}

fn add(payments: &mut Vec<Payment>, gateway: String, amount: i64) {
    match payments.iter_mut().find(|(known, _)| *known == gateway) {
        Some((_, sum)) => *sum += amount,
        None => payments.push((gateway, amount)),
    }
}
