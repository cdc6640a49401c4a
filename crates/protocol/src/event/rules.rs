//! The rules of a body that no single field can hold.
//!
//! Part of reading: no body exists outside this crate that breaks one. Does not check figures
//! against each other ([`super::balance`]).

use super::stock::{StockDocument, StockKind, StockLine};
use super::tender::{Tender, TenderKind};
use super::till::Till;
use super::transaction::{Total, Transaction, TransactionKind};
use super::{Body, Direction};

/// A rule that a body breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    /// Where, as `lines[2].counted`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

fn broken(path: impl Into<String>, message: &str) -> RuleError {
    RuleError { path: path.into(), message: message.to_owned() }
}

pub(crate) fn check(body: &Body) -> Result<(), RuleError> {
    match body {
        Body::Transaction(transaction) => check_transaction(transaction),
        Body::Till(till) => check_till(till),
        Body::Stock(document) => check_document(document),
        Body::Fiscal(_) => Ok(()),
    }
}

fn check_transaction(transaction: &Transaction) -> Result<(), RuleError> {
    let is_post_void = transaction.kind == TransactionKind::PostVoid;
    if is_post_void && transaction.original.is_none() {
        return Err(broken("original", "a post void names the receipt that it undoes"));
    }
    match transaction.total {
        None if transaction.is_bare_post_void() => {}
        None => return Err(broken("total", "missing field `total`")),
        Some(total) if is_negative_zero(total) => {
            return Err(broken("total.direction", "a total of zero has the direction `in`"));
        }
        Some(_) => {}
    }
    let lines = transaction.lines.iter().enumerate();
    for (index, line) in lines {
        let named = line.item.as_ref().is_none_or(|item| item.stock_name().is_some());
        if !named {
            let message = "an item has at least one of `sku`, `gtin` and `scanned`";
            return Err(broken(format!("lines[{index}].item"), message));
        }
        if line.quantity.value().is_sign_negative() && !line.quantity.value().is_zero() {
            let message = "quantities are not negative; `direction` says which way";
            return Err(broken(format!("lines[{index}].quantity"), message));
        }
        if line.parent == Some(line.line) {
            return Err(broken(format!("lines[{index}].parent"), "a line is not its own parent"));
        }
    }
    let mut tenders = transaction.tenders.iter().enumerate();
    tenders.try_for_each(|(index, tender)| check_tender(index, tender))
}

const fn is_negative_zero(total: Total) -> bool {
    total.amount.minor() == 0 && matches!(total.direction, Direction::Out)
}

fn check_tender(index: usize, tender: &Tender) -> Result<(), RuleError> {
    if tender.kind == TenderKind::ForeignCash && tender.foreign.is_none() {
        let message = "cash in another currency states `foreign`: currency, amount and rate";
        return Err(broken(format!("tenders[{index}].foreign"), message));
    }
    Ok(())
}

fn check_till(till: &Till) -> Result<(), RuleError> {
    if till.kind.moves_money() && till.amount.is_none() {
        return Err(broken("amount", "money that moves has an amount"));
    }
    let has_money = till.amount.is_some() || till.z.is_some() || !till.counted.is_empty();
    if has_money && till.currency.is_none() {
        return Err(broken("currency", "missing field `currency`"));
    }
    Ok(())
}

fn check_document(document: &StockDocument) -> Result<(), RuleError> {
    if document.lines.is_empty() {
        return Err(broken("lines", "a stock document has at least one line"));
    }
    let has_cost = document.lines.iter().any(|line| line.cost.is_some());
    if has_cost && document.currency.is_none() {
        return Err(broken("currency", "a cost needs the document's currency"));
    }
    let mut lines = document.lines.iter().enumerate();
    lines.try_for_each(|(index, line)| check_stock_line(document.kind, index, line))
}

fn check_stock_line(kind: StockKind, index: usize, line: &StockLine) -> Result<(), RuleError> {
    let at = |field: &str| format!("lines[{index}].{field}");
    if line.item.stock_name().is_none() {
        let message = "an item has at least one of `sku`, `gtin` and `scanned`";
        return Err(broken(at("item"), message));
    }
    if kind != StockKind::Count {
        return match (line.change, line.counted) {
            (Some(_), None) => Ok(()),
            (None, _) => Err(broken(at("change"), "missing field `change`")),
            (Some(_), Some(_)) => Err(broken(at("counted"), "only a count states `counted`")),
        };
    }
    if line.change.is_some() {
        return Err(broken(at("change"), "a count is absolute: it states `counted`, no `change`"));
    }
    let Some(counted) = line.counted else {
        return Err(broken(at("counted"), "missing field `counted`"));
    };
    if counted.value().is_sign_negative() && !counted.value().is_zero() {
        return Err(broken(at("counted"), "what was counted is not negative"));
    }
    if line.counted_at.is_none() {
        return Err(broken(at("countedAt"), "missing field `countedAt`"));
    }
    Ok(())
}
