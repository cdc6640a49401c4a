//! The life of a document: created as a draft, changed, submitted, cancelled, amended, deleted.
//!
//! Source: frappe/model/document.py. A save is prepared against the state as it is and applied only
//! when nothing refuses it. Each doctype's own rules stand in `invoice` and `stock`.

mod checks;
pub(crate) mod custom_field;
pub(crate) mod items;
mod naming;
mod shape;

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use self::naming::NewName;
use crate::document::{Document, checked, docstatus, rows, set_text, text};
use crate::invoice;
use crate::meta::{Doctype, Use};
use crate::periods;
use crate::refusal::Refusal;
use crate::state::{Posting, State};
use crate::stock::{Move, Shortage, Voucher, count, entry};
use crate::time;

/// A save that is being prepared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saving<'a> {
    pub(crate) state: &'a State,
    pub(crate) now: DateTime,
    /// Whether the document is submitted by this save.
    pub(crate) submits: bool,
    /// The document as it was, if it was.
    pub(crate) before: Option<&'a Document>,
}

/// What a submission does beside changing the document.
#[derive(Debug, Default)]
struct Effects {
    postings: Vec<Posting>,
    moves: Vec<Move>,
    posting: Option<DateTime>,
}

/// Creates a document. `docstatus` 1 submits it in the same call, with what that skips
/// (see `invoice::totals`).
pub(crate) fn create(
    state: &mut State,
    doctype: &'static Doctype,
    payload: &Document,
    now: DateTime,
) -> Result<Document, Refusal> {
    if doctype.name == "Custom Field" {
        return custom_field::create(state, payload, now);
    }
    let wanted = payload.get("docstatus").map_or(0, number);
    let submits = match (wanted, doctype.usage) {
        (0, _) => false,
        (1, Use::Submitted) => true,
        _ => return Err(transition(0, wanted)),
    };
    let mut document = shape::shape(state, doctype, payload, Document::new())?;
    let stamp = time::stamp(now);
    let user = state.setup.credentials.user.clone();
    for (field, value) in [("doctype", doctype.name), ("owner", &user), ("creation", &stamp)] {
        set_text(&mut document, field, value);
    }
    document.insert("idx".to_owned(), json!(0));
    document.insert("docstatus".to_owned(), json!(wanted));
    checks::links(state, doctype, &mut document)?;
    let new = naming::name(state, doctype, &document, now)?;
    set_text(&mut document, "name", &new.name);
    let saving = Saving { state, now, submits, before: None };
    let effects = prepare(doctype, &mut document, &saving)?;
    commit(state, doctype, document, effects, Some(new), now)
}

/// How an update reads what it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Fields that were not sent keep their values (`PUT`).
    Changes,
    /// The document is what was sent, and nothing else (`frappe.client.submit`).
    Whole,
}

/// Changes a document, submits it or cancels it, as its `docstatus` tells.
pub(crate) fn update(
    state: &mut State,
    doctype: &'static Doctype,
    name: &str,
    payload: &Document,
    reading: Reading,
    now: DateTime,
) -> Result<Document, Refusal> {
    let before = found(state, doctype, name)?;
    check_latest(before, payload, reading)?;
    let wanted = payload.get("docstatus").map_or(docstatus(before), number);
    match (docstatus(before), wanted) {
        (0, 0) => {}
        (0, 1) if doctype.usage == Use::Submitted => {}
        (1, 1) => return update_after_submit(state, doctype, name, payload, now),
        (1, 2) => return cancel(state, doctype, name, now),
        (2, _) => return Err(Refusal::validation("Cannot edit cancelled document")),
        (from, to) => return Err(transition(from, to)),
    }
    let onto = match reading {
        Reading::Changes => before.clone(),
        Reading::Whole => shape::system_fields(before),
    };
    let mut document = shape::shape(state, doctype, payload, onto)?;
    document.insert("docstatus".to_owned(), json!(wanted));
    checks::links(state, doctype, &mut document)?;
    let saving = Saving { state, now, submits: wanted == 1, before: Some(before) };
    let effects = prepare(doctype, &mut document, &saving)?;
    commit(state, doctype, document, effects, None, now)
}

/// A save is refused if the client's copy is not the latest (`check_if_latest`). Through `PUT` a
/// client that sends no `modified` is never behind, because the site reads the document itself.
fn check_latest(before: &Document, payload: &Document, reading: Reading) -> Result<(), Refusal> {
    let stored = text(before, "modified");
    let sent = text(payload, "modified");
    let unsaid = reading == Reading::Changes && !payload.contains_key("modified");
    if unsaid || sent == stored {
        return Ok(());
    }
    Err(Refusal::of_kind(
        "TimestampMismatchError",
        format!(
            "Error: Document has been modified after you have opened it ({stored}, {sent}). Please refresh to get the latest document."
        ),
    ))
}

/// Saves a submitted document again: allowed for what may change after submission, and for
/// nothing at all, so that submitting twice succeeds (`check_docstatus_transition`, 1 to 1).
fn update_after_submit(
    state: &mut State,
    doctype: &'static Doctype,
    name: &str,
    payload: &Document,
    now: DateTime,
) -> Result<Document, Refusal> {
    let before = found(state, doctype, name)?;
    let document = shape::shape(state, doctype, payload, before.clone())?;
    checks::unchanged(state, doctype, before, &document)?;
    commit(state, doctype, document, Effects::default(), None, now)
}

/// Cancels a submitted document: what it posted is reversed, what it moved is taken back.
pub(crate) fn cancel(
    state: &mut State,
    doctype: &'static Doctype,
    name: &str,
    now: DateTime,
) -> Result<Document, Refusal> {
    let before = found(state, doctype, name)?;
    match docstatus(before) {
        1 => {}
        2 => return Err(Refusal::validation("Cannot edit cancelled document")),
        from => return Err(transition(from, 2)),
    }
    checks::not_linked(state, doctype, text(before, "name"))?;
    let posting = periods::moment(before)?;
    let mut document = before.clone();
    let name = text(before, "name").to_owned();
    let moves_stock = doctype.name != "Sales Invoice" || checked(before, "update_stock");
    if moves_stock {
        state.periods.check_stock(posting.date())?;
    }
    if doctype.name == "Sales Invoice" {
        state.periods.check_ledger(doctype.name, posting.date())?;
    }
    if moves_stock {
        let voucher = Voucher { doctype: doctype.name, name: &name, posting };
        let negative = tolerance(state, rows(before, "items").map(|row| text(row, "item_code")));
        state
            .stock
            .revoke(voucher, |item| negative.contains(item))
            .map_err(|short| shortage(&short, voucher))?;
    }
    if doctype.name == "Sales Invoice" {
        state.general.reverse(&name);
    }
    document.insert("docstatus".to_owned(), json!(2));
    set_text(&mut document, "status", "Cancelled");
    commit(state, doctype, document, Effects::default(), None, now)
}

/// Deletes a document that is not submitted (frappe/model/delete_doc.py).
pub(crate) fn delete(
    state: &mut State,
    doctype: &'static Doctype,
    name: &str,
) -> Result<(), Refusal> {
    let before = found(state, doctype, name)?;
    if docstatus(before) == 1 {
        return Err(Refusal::validation(format!(
            "{} {name}: Submitted Record cannot be deleted. You must Cancel it first.",
            doctype.name
        )));
    }
    if doctype.usage != Use::Submitted || docstatus(before) == 2 {
        return Err(Refusal::not_simulated("deleting anything but a draft"));
    }
    let name = text(before, "name").to_owned();
    state.store.delete(doctype.name, &name);
    naming::give_back(state, &name);
    Ok(())
}

/// Runs the doctype's own validation and the checks that follow it, and finds what a submission
/// does.
fn prepare(
    doctype: &'static Doctype,
    document: &mut Document,
    saving: &Saving<'_>,
) -> Result<Effects, Refusal> {
    let state = saving.state;
    let mut effects = Effects::default();
    if doctype.usage == Use::Submitted {
        let posting = periods::posting(document, saving.now, saving.before.is_none())?;
        effects.posting = Some(posting);
        let company = text(document, "company").to_owned();
        state.periods.check_saving(doctype.name, posting.date(), &company)?;
        match doctype.name {
            "Sales Invoice" => invoice::validate(document, saving)?,
            "Stock Entry" => entry::validate(document, saving)?,
            _ => count::validate(document, saving, posting)?,
        }
    }
    checks::values(state, doctype, document)?;
    checks::unique(state, doctype, document)?;
    if let Some(posting) = effects.posting.filter(|_| saving.submits) {
        effects.moves = match doctype.name {
            "Sales Invoice" => invoice::moves(document, state)?,
            "Stock Entry" => entry::moves(document),
            _ => count::moves(document),
        };
        if !effects.moves.is_empty() {
            state.periods.check_stock(posting.date())?;
        }
        if doctype.name == "Sales Invoice" {
            effects.postings = invoice::gl::postings(document, state)?;
        }
    }
    Ok(effects)
}

/// Applies a prepared save. Stock is moved first: it alone can still refuse, and does so before
/// the ledger's own checks, as on the real site.
fn commit(
    state: &mut State,
    doctype: &'static Doctype,
    mut document: Document,
    effects: Effects,
    new: Option<NewName>,
    now: DateTime,
) -> Result<Document, Refusal> {
    let name = text(&document, "name").to_owned();
    if let Some(posting) = effects.posting {
        let voucher = Voucher { doctype: doctype.name, name: &name, posting };
        let negative = tolerance(state, effects.moves.iter().map(|step| step.item.as_str()));
        let late = state
            .stock
            .apply(voucher, &effects.moves, |item| negative.contains(item))
            .map_err(|short| shortage(&short, voucher))?;
        if !effects.postings.is_empty() {
            if let Err(refusal) = state.periods.check_ledger(doctype.name, posting.date()) {
                state.stock.forget(voucher);
                return Err(refusal);
            }
            let company = state.setup.company.name.clone();
            state.general.post(effects.postings, &name, &company, posting.date());
        }
        state.stock.count_reposts(late);
    }
    set_text(&mut document, "modified", &time::stamp(now));
    let user = state.setup.credentials.user.clone();
    set_text(&mut document, "modified_by", &user);
    shape::finish(doctype, &mut document, &mut state.chance);
    if let Some(NewName { prefix: Some(prefix), number, .. }) = new {
        state.series.insert(prefix, number);
    }
    state.store.write(doctype.name, document.clone());
    Ok(document)
}

fn found<'a>(
    state: &'a State,
    doctype: &'static Doctype,
    name: &str,
) -> Result<&'a Document, Refusal> {
    state.store.find(doctype.name, name).ok_or_else(|| Refusal::not_found(doctype.name, name))
}

/// Those of the items that may fall below zero.
fn tolerance<'a>(state: &State, items: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    items.filter(|item| state.may_go_negative(item)).map(str::to_owned).collect()
}

/// 417 `NegativeStockError` (erpnext/stock/stock_ledger.py, `raise_exceptions`): for the document
/// itself, or for a later one that its date makes fall short.
fn shortage(short: &Shortage, voucher: Voucher<'_>) -> Refusal {
    let missing = short.missing.normalize();
    let needed = format!(
        "<strong>{missing}</strong> units of Item {} needed in Warehouse {}",
        short.item, short.warehouse
    );
    let own = format!("{} {}", voucher.doctype, voucher.name);
    let message = if short.voucher == own {
        format!("{needed} to complete this transaction.")
    } else {
        let date = short.posting.date();
        let time = short.posting.time();
        format!("{needed} on {date} {time} for {} to complete this transaction.", short.voucher)
    };
    Refusal::thrown(417, "erpnext.stock.stock_ledger", "NegativeStockError", message)
}

fn transition(from: u64, to: u64) -> Refusal {
    let state = |status| match status {
        0 => "0 (Draft)".to_owned(),
        1 => "1 (Submitted)".to_owned(),
        2 => "2 (Cancelled)".to_owned(),
        other => other.to_string(),
    };
    let detail = format!("Cannot change docstatus from {} to {}", state(from), state(to));
    Refusal::raised(417, "DocstatusTransitionError", detail)
}

fn number(value: &Value) -> u64 {
    let number = crate::money::decimal(value);
    u64::try_from(number.max(Decimal::ZERO)).unwrap_or(u64::MAX)
}

/// The submitted returns of an invoice.
pub(crate) fn returns_of<'a>(
    state: &'a State,
    name: &'a str,
) -> impl Iterator<Item = &'a Document> {
    state.store.all("Sales Invoice").filter(move |other| {
        docstatus(other) == 1
            && checked(other, "is_return")
            && text(other, "return_against") == name
    })
}

/// The rows of the submitted returns of an invoice.
pub(crate) fn returned_rows<'a>(
    state: &'a State,
    name: &'a str,
) -> impl Iterator<Item = &'a Document> {
    returns_of(state, name).flat_map(|other| rows(other, "items"))
}
