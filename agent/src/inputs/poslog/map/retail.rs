//! A transaction: its lines and tenders, its total, and what kind it is.
//!
//! Does not repair figures: the profile's own equations are checked here, the canonical ones at
//! capture.

use protocol::envelope::Draft;
use protocol::event::line::{Line, LineKind};
use protocol::event::transaction::{Stated, Total, Transaction};
use protocol::event::{Body, Direction, Tender, TransactionKind};
use protocol::money::{Amount, Currency};
use protocol::record::Equation;

use super::super::profile::names::{Figure, TotalField};
use super::super::profile::{NoTotal, PostVoidBody, RoundingSign, TotalWay};
use super::super::xml::tree::Tree;
use super::basket::Basket;
use super::draft;
use super::head::{Head, reference};
use super::line::{list, point_back};
use super::look::{Fault, Look, Said, signed};

/// Reads a transaction; of the kind that its lines make it where none is given.
pub(super) fn transaction(
    look: Look<'_>,
    head: &Head,
    kind: Option<TransactionKind>,
) -> Result<Draft, Fault> {
    let currency = head.money()?;
    let stated = total(look, currency)?;
    let pays_out = stated.is_some_and(|total| total.direction == Direction::Out);
    let mut basket = Basket::read(look, currency, pays_out)?;
    basket.rounding = basket.rounding.saturating_add(rounding(look, currency)?);
    let link = reference(look, &look.profile.link, Tree::ROOT)?;
    if let Some(link) = &link {
        point_back(&mut basket.lines, link);
    }
    let kind = kind.unwrap_or_else(|| by_lines(&basket.lines, pays_out));
    let total = match stated {
        Some(total) => Some(total),
        None => missing_total(look, kind, &basket)?,
    };
    let transaction = Transaction {
        kind,
        store: head.store.clone(),
        register: head.register.clone(),
        till: head.till.clone(),
        shift: head.shift.clone(),
        location: None,
        business_date: head.business_date,
        receipt: head.receipt.clone(),
        counter_cycle: 0,
        pos_id: head.pos_id.clone(),
        profile: head.profile.clone(),
        started_at: head.started_at,
        completed_at: head.completed_at,
        cashier: head.cashier.clone(),
        seller: head.seller.clone(),
        flags: head.flags.clone(),
        currency,
        customer: head.customer.clone(),
        personal: None,
        original: link,
        order: head.order.clone(),
        stated: figures(look, currency, &mut basket)?,
        lines: list(basket.lines, Tree::ROOT)?,
        discounts: list(basket.discounts, Tree::ROOT)?,
        taxes: list(basket.taxes, Tree::ROOT)?,
        rounding: signed(basket.rounding, Tree::ROOT)?,
        total,
        tenders: list(basket.tenders, Tree::ROOT)?,
        fiscal: head.fiscal.clone(),
        extensions: look.kept(&look.profile.extensions.transaction, Tree::ROOT),
    };
    let unbalanced = unbalanced(look, &transaction)?;
    let transaction = turned(look, transaction);
    let mut draft = draft(Body::Transaction(Box::new(transaction)))?;
    draft.unbalanced = unbalanced;
    Ok(draft)
}

/// The stated total with its direction.
fn total(look: Look<'_>, currency: Currency) -> Result<Option<Total>, Fault> {
    let fields = &look.profile.total;
    let Some(said) = look.said(fields, TotalField::Total, Tree::ROOT) else { return Ok(None) };
    let units = look.units(said, currency)?;
    let is_marked = look.leads(fields, TotalField::PaidOut, Tree::ROOT);
    let is_out = match look.profile.rules.total_way {
        TotalWay::Signed => units < 0,
        TotalWay::Marked if units < 0 => {
            let next = "set `total_way = \"signed\"` if a total below zero is paid out";
            return Err(said.fault_next("the total is below zero", next));
        }
        TotalWay::Marked => is_marked,
    };
    Ok(Some(directed(said.amount(units)?, is_out)))
}

const fn directed(amount: Amount, is_out: bool) -> Total {
    let is_out = is_out && amount.minor() != 0;
    Total { amount, direction: if is_out { Direction::Out } else { Direction::In } }
}

/// What a transaction comes to that states no total.
fn missing_total(
    look: Look<'_>,
    kind: TransactionKind,
    basket: &Basket,
) -> Result<Option<Total>, Fault> {
    let is_bare = basket.lines.is_empty() && basket.tenders.is_empty();
    match kind {
        TransactionKind::PostVoid if is_bare => return Ok(None),
        TransactionKind::Void | TransactionKind::Suspend | TransactionKind::Resume => {
            return Ok(Some(directed(Amount::ZERO, false)));
        }
        _ if look.profile.rules.total_absent == NoTotal::Tenders => {}
        _ => {
            let next = "name its place in the profile (`total.total`), or set `total_absent = \
                        \"tenders\"` if this POS states none";
            return Err(Fault::new(Tree::ROOT, "the document states no total", next));
        }
    }
    let paid: i64 = paid(&basket.tenders);
    let beyond = || Fault::new(Tree::ROOT, "the tenders are beyond any sale", "correct them");
    let amount = super::look::amount(paid).ok_or_else(beyond)?;
    Ok(Some(directed(amount, paid < 0)))
}

/// What tenders come to, signed. Bounded: at most 200 amounts of 10^15 stay below 2^63.
fn paid(tenders: &[Tender]) -> i64 {
    let counting = tenders.iter().filter(|tender| tender.counts());
    let each = counting.map(|tender| match tender.direction {
        Direction::In => tender.amount.minor(),
        Direction::Out => -tender.amount.minor(),
    });
    each.fold(0, i64::saturating_add)
}

/// Cash rounding that is stated beside the lines.
fn rounding(look: Look<'_>, currency: Currency) -> Result<i64, Fault> {
    let mut sum = 0_i64;
    for found in look.places(look.profile.total.get(&TotalField::Rounding), Tree::ROOT) {
        look.tree.see(found.node, found.attribute);
        let said = Said { text: found.text(look.tree), found };
        if !said.text.is_empty() {
            sum = sum.saturating_add(look.units(said, currency)?);
        }
    }
    Ok(match look.profile.rules.rounding_sign {
        RoundingSign::Added => sum,
        RoundingSign::Subtracted => sum.saturating_neg(),
    })
}

/// Figures that the POS states besides.
fn figures(
    look: Look<'_>,
    currency: Currency,
    basket: &mut Basket,
) -> Result<Option<Stated>, Fault> {
    let fields = &look.profile.total;
    let figure = |field| look.amount(fields, field, Tree::ROOT, currency);
    let (gross, net) = (figure(TotalField::Gross)?, figure(TotalField::Net)?);
    let tax = list(std::mem::take(&mut basket.summary), Tree::ROOT)?;
    let says_nothing = gross.is_none() && net.is_none() && tax.is_empty();
    Ok((!says_nothing).then_some(Stated { gross, net, tax }))
}

/// A sale, a return, or both in one, by which way the goods go; deposits and fees decide only where
/// there are no goods.
fn by_lines(lines: &[Line], pays_out: bool) -> TransactionKind {
    let is_goods = |line: &&Line| matches!(line.kind, LineKind::Item | LineKind::Service);
    let counting: Vec<_> = lines.iter().filter(|line| line.counts()).collect();
    let goods: Vec<_> = counting.iter().copied().filter(is_goods).collect();
    let deciding = if goods.is_empty() { counting } else { goods };
    let any = |way| deciding.iter().any(|line| line.direction == way);
    match (any(Direction::Out), any(Direction::In)) {
        (true, true) => TransactionKind::Exchange,
        (false, true) => TransactionKind::Return,
        (false, false) if pays_out => TransactionKind::Return,
        _ => TransactionKind::Sale,
    }
}

/// A post void that repeats the sale as it was made, turned around.
fn turned(look: Look<'_>, transaction: Transaction) -> Transaction {
    let is_as_sold = look.profile.rules.post_void_body == PostVoidBody::AsSold;
    if transaction.kind != TransactionKind::PostVoid
        || transaction.is_bare_post_void()
        || !is_as_sold
    {
        return transaction;
    }
    let mut turned = transaction.clone();
    (turned.lines, turned.tenders, turned.total) = Default::default();
    turned.fill_from_original(&transaction);
    turned
}

/// The profile's own equations that do not hold.
fn unbalanced(look: Look<'_>, transaction: &Transaction) -> Result<Vec<Equation>, Fault> {
    if !transaction.counts() {
        return Ok(Vec::new());
    }
    let mut wrong = Vec::new();
    for rule in &look.profile.balance {
        let places = look.places(Some(&rule.sum), Tree::ROOT);
        let is_stated =
            rule.sum.0.iter().all(|selector| selector.first(look.tree, Tree::ROOT).is_some());
        if !is_stated {
            continue;
        }
        let mut sum = 0_i64;
        for found in places {
            look.tree.see(found.node, found.attribute);
            let said = Said { text: found.text(look.tree), found };
            sum = sum.saturating_add(look.units(said, transaction.currency)?);
        }
        let figure = match rule.equals {
            Figure::Total => transaction.signed_total().minor,
            Figure::Tenders => paid(&transaction.tenders),
            Figure::Lines => lines(&transaction.lines),
        };
        if sum != figure {
            wrong.push(rule.equals.equation());
        }
    }
    Ok(wrong)
}

fn lines(lines: &[Line]) -> i64 {
    let counting = lines.iter().filter(|line| line.counts());
    let each = counting.map(|line| match line.direction {
        Direction::Out => line.total.minor(),
        Direction::In => -line.total.minor(),
    });
    each.fold(0, i64::saturating_add)
}
