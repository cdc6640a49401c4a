//! Which invoices a transaction becomes: one for what went out, one credit note for what came back
//! of each earlier sale, and one for what nobody can place.
//!
//! An invoice in ERPNext is a sale or a return, never both. Does not say how they are paid
//! ([`super::settlement`]).

use protocol::event::key::of_reference;
use protocol::event::{Direction, Line, Original, Transaction, TransactionKind};

use super::basket::{Priced, side};

/// What an invoice stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Goods to the customer.
    Sale,
    /// Goods back from the transaction with this natural key.
    Receipt(String),
    /// Goods back that no receipt of a store names.
    Unknown,
    /// Nobody knows what came back: a post void without lines, whose receipt was not found.
    Nothing,
}

/// The lines of one invoice.
#[derive(Debug, Clone)]
pub(super) struct Group<'a> {
    /// What it stands for.
    pub(super) origin: Origin,
    /// Its lines.
    pub(super) lines: Vec<Priced<'a>>,
    /// Cash rounding that is part of it, signed as in the receipt.
    pub(super) rounding: i64,
}

impl Group<'_> {
    /// Whether money goes back.
    pub(super) fn is_return(&self) -> bool {
        self.origin != Origin::Sale
    }

    /// What it comes to, as an amount that is paid in for a sale and paid back for a return.
    pub(super) fn total(&self) -> i64 {
        let goods: i64 = self.lines.iter().map(Priced::gross).sum();
        if self.is_return() { goods - self.rounding } else { goods + self.rounding }
    }
}

/// The invoices of a transaction, the sale first.
pub(super) fn groups(transaction: &Transaction) -> Vec<Group<'_>> {
    if transaction.is_bare_post_void() {
        return vec![Group { origin: Origin::Nothing, lines: Vec::new(), rounding: 0 }];
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    let out = side(transaction, Direction::Out);
    if !out.is_empty() {
        groups.push(Group { origin: Origin::Sale, lines: out, rounding: 0 });
    }
    for line in side(transaction, Direction::In) {
        let origin = sold_in(transaction, line.line);
        match groups.iter_mut().find(|group| group.origin == origin) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { origin, lines: vec![line], rounding: 0 }),
        }
    }
    // Cash is rounded where it changes hands: the sale if the customer pays, else the return.
    let customer_pays = transaction.signed_total().minor >= 0;
    let place = groups.iter().position(|group| group.is_return() != customer_pays);
    if let Some(group) = groups.get_mut(place.unwrap_or_default()) {
        group.rounding = transaction.rounding.minor();
    }
    groups
}

/// Where a line that came back was sold. A post void repeats the lines of what it undoes.
fn sold_in(transaction: &Transaction, line: &Line) -> Origin {
    let undone = transaction.original.as_ref();
    let undone = undone.filter(|_| transaction.kind == TransactionKind::PostVoid);
    let reference = match (undone, &line.original) {
        (Some(reference), _) | (None, Some(Original::Receipt(reference))) => reference,
        (None, _) => return Origin::Unknown,
    };
    Origin::Receipt(of_reference(reference, TransactionKind::Sale))
}

/// The number that a line had on the receipt that sold it.
pub(super) fn sold_line(transaction: &Transaction, line: &Line) -> Option<u32> {
    match &line.original {
        _ if transaction.kind == TransactionKind::PostVoid => Some(line.line),
        Some(Original::Receipt(reference)) => reference.line,
        _ => None,
    }
}
