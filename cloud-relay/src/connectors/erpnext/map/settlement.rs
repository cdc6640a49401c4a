//! How each invoice of a transaction is paid, in ERPNext's terms: rows by mode of payment, all of
//! one sign, and change that is more than enough cash.
//!
//! Where goods come back and others go out, one mode of payment carries the value from the credit
//! note to the invoice, and the tenders pay the difference. Checks no receipt's own figures.

use protocol::event::{Direction, TenderKind, Transaction};
use protocol::money::Money;

use super::Unfit;
use super::groups::Group;
use crate::connectors::ExceptionClass;
use crate::connectors::erpnext::config::Settings;

/// How one invoice is paid; amounts in minor units, none negative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::connectors::erpnext) struct Paid {
    /// Amounts by mode of payment.
    pub(in crate::connectors::erpnext) rows: Vec<(String, i64)>,
    /// What is given back in cash of what a sale was paid.
    pub(in crate::connectors::erpnext) change: i64,
}

impl Paid {
    fn add(&mut self, mode: &str, amount: i64) {
        match self.rows.iter_mut().find(|(known, _)| known == mode) {
            Some((_, sum)) => *sum += amount,
            None => self.rows.push((mode.to_owned(), amount)),
        }
    }

    fn sum(&self) -> i64 {
        self.rows.iter().map(|(_, amount)| amount).sum()
    }
}

/// One mode of payment of a transaction.
struct Flow {
    mode: String,
    is_cash: bool,
    paid_in: i64,
    paid_out: i64,
}

/// How the invoice at `index` is paid.
pub(super) fn settle(
    transaction: &Transaction,
    groups: &[Group<'_>],
    index: usize,
    settings: &Settings,
) -> Result<Paid, Unfit> {
    let flows = flows(transaction, settings)?;
    let sale: i64 = groups.iter().filter(|g| !g.is_return()).map(Group::total).sum();
    let returned: i64 = groups.iter().filter(|g| g.is_return()).map(Group::total).sum();
    let has_both = groups.iter().any(Group::is_return) && groups.iter().any(|g| !g.is_return());
    let carried = if has_both { sale.min(returned) } else { 0 };
    let carrier = || -> Result<&str, Unfit> {
        settings.goods_back.as_deref().ok_or_else(|| {
            let reason = "goods came back and others went out: name a mode of payment that \
                          carries the value under `goods_back` in the settings of the target";
            (ExceptionClass::Rejected, reason.to_owned())
        })
    };
    let group = &groups[index];
    let mut paid = Paid::default();
    if has_both && carried > 0 && !group.is_return() {
        paid.add(carrier()?, carried);
    }
    if !group.is_return() {
        if returned <= sale || !has_both {
            take_in(&mut paid, &flows)?;
        }
    } else {
        let mut pool = Vec::new();
        if carried > 0 {
            pool.push((carrier()?.to_owned(), carried));
        }
        if returned > sale || !has_both {
            pool.extend(pay_out(&flows)?);
        }
        let before = groups[..index].iter().filter(|g| g.is_return()).map(Group::total).sum();
        paid = cut(&pool, before, group.total());
    }
    let cash = settings.mode(TenderKind::Cash).unwrap_or_default();
    if paid.rows.is_empty() || paid.change > 0 {
        // A POS invoice has a row, and only one in cash lets ERPNext give change.
        paid.add(cash, 0);
    }
    let settled = paid.sum() - paid.change;
    if group.total() < 0 || settled != group.total() {
        let money = |minor| Money::new(minor, transaction.currency);
        let (total, settled) = (money(group.total()), money(settled));
        let reason = format!("{total} is due and {settled} of it is paid: nothing was sent");
        return Err((ExceptionClass::Unbalanced, reason));
    }
    Ok(paid)
}

/// What the customer paid, and the change.
fn take_in(paid: &mut Paid, flows: &[Flow]) -> Result<(), Unfit> {
    for flow in flows {
        if flow.is_cash {
            paid.change += flow.paid_out;
            if flow.paid_in > 0 {
                paid.add(&flow.mode, flow.paid_in);
            }
            continue;
        }
        match flow.paid_in - flow.paid_out {
            0 => {}
            net if net > 0 => paid.add(&flow.mode, net),
            _ => return Err(both_ways(&flow.mode, "paid out in a sale")),
        }
    }
    Ok(())
}

/// What the store paid back, by mode.
fn pay_out(flows: &[Flow]) -> Result<Vec<(String, i64)>, Unfit> {
    let mut back = Vec::new();
    for flow in flows {
        match flow.paid_out - flow.paid_in {
            0 => {}
            net if net > 0 => back.push((flow.mode.clone(), net)),
            _ => return Err(both_ways(&flow.mode, "paid in with a return")),
        }
    }
    Ok(back)
}

fn both_ways(mode: &str, what: &str) -> Unfit {
    let reason = format!(
        "{mode} was {what}, and the payments of an ERPNext invoice all go one way: enter it there \
         by hand"
    );
    (ExceptionClass::Rejected, reason)
}

/// The part of a pool that begins after `before` and is `length` long.
fn cut(pool: &[(String, i64)], before: i64, length: i64) -> Paid {
    let mut paid = Paid::default();
    let mut passed = 0;
    for (mode, amount) in pool {
        let from = before.max(passed);
        passed += amount;
        let taken = passed.min(before + length) - from;
        if taken > 0 {
            paid.add(mode, taken);
        }
    }
    paid
}

/// The tenders by mode of payment, in the order of their first appearance.
fn flows(transaction: &Transaction, settings: &Settings) -> Result<Vec<Flow>, Unfit> {
    let mut flows: Vec<Flow> = Vec::new();
    let cash = settings.mode(TenderKind::Cash);
    for tender in transaction.tenders.iter().filter(|tender| tender.counts()) {
        let mode = settings.mode(tender.kind).ok_or_else(|| {
            let kind = tender.kind.as_str();
            let reason = format!(
                "`{kind}` has no mode of payment: name it under `modes_of_payment` in the settings \
                 of the target"
            );
            (ExceptionClass::Rejected, reason)
        })?;
        let place = flows.iter().position(|flow| flow.mode == mode);
        let place = place.unwrap_or_else(|| {
            let is_cash = cash == Some(mode);
            flows.push(Flow { mode: mode.to_owned(), is_cash, paid_in: 0, paid_out: 0 });
            flows.len() - 1
        });
        let flow = &mut flows[place];
        match tender.direction {
            Direction::In => flow.paid_in += tender.amount.minor(),
            Direction::Out => flow.paid_out += tender.amount.minor(),
        }
    }
    Ok(flows)
}
