//! Till movements: signing on, money in and out of the drawer, the close with its totals.
//!
//! Each figure of a close is optional: the POS states what it states. Compares nothing.

use std::collections::BTreeMap;

use protocol::envelope::Draft;
use protocol::event::till::{Counted, Till, ZReport, ZTender};
use protocol::event::{Body, TillKind};
use protocol::id::{Code, Receipt};
use protocol::money::{Amount, Currency, SignedAmount};

use super::super::profile::names::{TillField, ZField, ZTenderField};
use super::super::xml::tree::Tree;
use super::draft;
use super::head::Head;
use super::line::list;
use super::look::{Fault, Look, shown, signed};
use super::tender::counted_kind;

/// Reads a till movement.
pub(super) fn movement(look: Look<'_>, head: &Head, kind: TillKind) -> Result<Draft, Fault> {
    let fields = &look.profile.till;
    let amount = match kind.moves_money() {
        true => Some(moved(look, head)?),
        false => None,
    };
    let tender = look.said(fields, TillField::Tender, Tree::ROOT);
    let (mut counted, mut z) = (Vec::new(), None);
    if let Some(currency) = head.currency {
        match kind {
            TillKind::Close => z = closing(look, currency)?,
            TillKind::Count => counted = counts(look, currency)?,
            _ => {}
        }
    }
    let has_money = amount.is_some() || z.is_some() || !counted.is_empty();
    draft(Body::Till(Box::new(Till {
        kind,
        store: head.store.clone(),
        register: head.register.clone(),
        till: head.till.clone(),
        shift: head.shift.clone(),
        business_date: head.business_date,
        receipt: head.receipt.clone(),
        counter_cycle: 0,
        pos_id: head.pos_id.clone(),
        profile: head.profile.clone(),
        occurred_at: head.completed_at.or(head.started_at),
        cashier: head.cashier.clone(),
        approver: look.code(fields, TillField::Approver, Tree::ROOT)?,
        flags: head.flags.clone(),
        currency: head.currency.filter(|_| has_money),
        amount,
        tender: tender.filter(|_| amount.is_some()).map(|said| counted_kind(look, Some(said))),
        reason: look.words(fields, TillField::Reason, Tree::ROOT),
        counted: list(counted, Tree::ROOT)?,
        z,
        fiscal: head.fiscal.clone(),
        extensions: look.kept(&look.profile.extensions.transaction, Tree::ROOT),
    })))
}

fn moved(look: Look<'_>, head: &Head) -> Result<Amount, Fault> {
    let currency = head.money()?;
    let amount = look.amount(&look.profile.till, TillField::Amount, Tree::ROOT, currency)?;
    amount.ok_or_else(|| {
        let next = "name its place in the profile (`till.amount`)";
        Fault::new(Tree::ROOT, "money moves, and no amount is stated", next)
    })
}

fn closing(look: Look<'_>, currency: Currency) -> Result<Option<ZReport>, Fault> {
    let fields = &look.profile.z;
    let amount = |field| look.amount(fields, field, Tree::ROOT, currency);
    let receipt = |field| -> Result<Option<Receipt>, Fault> {
        let Some(said) = look.said(fields, field, Tree::ROOT) else { return Ok(None) };
        Receipt::new(said.text).map(Some).map_err(|error| said.fault(&error.to_string()))
    };
    let rounding = look.minor(fields, ZField::Rounding, Tree::ROOT, currency)?;
    let z = ZReport {
        number: whole(look, ZField::Number)?,
        first_receipt: receipt(ZField::FirstReceipt)?,
        last_receipt: receipt(ZField::LastReceipt)?,
        counts: closing_counts(look)?,
        gross: amount(ZField::Gross)?,
        returns: amount(ZField::Returns)?,
        discounts: amount(ZField::Discounts)?,
        rounding: rounding.map(|units| signed(units, Tree::ROOT)).transpose()?,
        tenders: list(closing_tenders(look, currency)?, Tree::ROOT)?,
        float: amount(ZField::Float)?,
        paid_in: amount(ZField::PaidIn)?,
        paid_out: amount(ZField::PaidOut)?,
        pickups: amount(ZField::Pickups)?,
        loans: amount(ZField::Loans)?,
        over_short: over_short(amount(ZField::Over)?, amount(ZField::Short)?)?,
        grand_total: amount(ZField::GrandTotal)?,
        ..ZReport::default()
    };
    Ok((z != ZReport::default()).then_some(z))
}

fn whole(look: Look<'_>, field: ZField) -> Result<Option<u64>, Fault> {
    let Some(said) = look.said(&look.profile.z, field, Tree::ROOT) else { return Ok(None) };
    let number = said.text.parse();
    let wrong = |_| said.fault(&format!("`{}` is no whole number", shown(said.text)));
    number.map(Some).map_err(wrong)
}

fn closing_counts(look: Look<'_>) -> Result<BTreeMap<Code, u64>, Fault> {
    let mut counts = BTreeMap::new();
    let each = [
        ("sale", ZField::SaleCount),
        ("return", ZField::ReturnCount),
        ("void", ZField::VoidCount),
        ("no_sale", ZField::NoSaleCount),
    ];
    for (name, field) in each {
        if let Some(count) = whole(look, field)? {
            counts.insert(Code::new(name).expect("a word is a code"), count);
        }
    }
    Ok(counts)
}

fn closing_tenders(look: Look<'_>, currency: Currency) -> Result<Vec<ZTender>, Fault> {
    let fields = &look.profile.z_tender;
    let mut tenders = Vec::new();
    for place in look.places(fields.get(&ZTenderField::Each), Tree::ROOT) {
        let at = place.node;
        let minor = |field| -> Result<Option<SignedAmount>, Fault> {
            let units = look.minor(fields, field, at, currency)?;
            units.map(|units| signed(units, at)).transpose()
        };
        tenders.push(ZTender {
            kind: counted_kind(look, look.said(fields, ZTenderField::Kind, at)),
            money_in: look.amount(fields, ZTenderField::In, at, currency)?,
            money_out: look.amount(fields, ZTenderField::Out, at, currency)?,
            expected: minor(ZTenderField::Expected)?,
            counted: minor(ZTenderField::Counted)?,
        });
    }
    Ok(tenders)
}

fn counts(look: Look<'_>, currency: Currency) -> Result<Vec<Counted>, Fault> {
    let fields = &look.profile.z_tender;
    let mut counted = Vec::new();
    for place in look.places(fields.get(&ZTenderField::Each), Tree::ROOT) {
        let kind = counted_kind(look, look.said(fields, ZTenderField::Kind, place.node));
        let amount = look.amount(fields, ZTenderField::Counted, place.node, currency)?;
        counted.extend(amount.map(|amount| Counted {
            kind,
            amount,
            denominations: BTreeMap::new(),
        }));
    }
    Ok(counted)
}

/// What was counted less what was expected: over and short stand apart without signs.
fn over_short(over: Option<Amount>, short: Option<Amount>) -> Result<Option<SignedAmount>, Fault> {
    if over.is_none() && short.is_none() {
        return Ok(None);
    }
    let minor = |amount: Option<Amount>| amount.map_or(0, Amount::minor);
    signed(minor(over) - minor(short), Tree::ROOT).map(Some)
}
