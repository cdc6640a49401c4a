//! A bare post void: one that only names the receipt that it undoes. Its body is copied from the
//! journal, every direction reversed.
//!
//! Does not read the journal: what stands under the receipt is handed in. A missing original is
//! refused, because a caller over HTTP can be asked for the whole body.

use std::collections::BTreeSet;

use journal::{JournaledEvent, NewEntry};
use protocol::bytes::Bytes;
use protocol::envelope::Event;
use protocol::event::{Body, LineReference, Transaction, TransactionKind, key};
use protocol::problem::{Code, Problem};
use protocol::record::Record;

/// A transaction that stands under the receipt that a post void names.
#[derive(Debug)]
pub struct Original {
    content_hash: Bytes<32>,
    /// Its canonical JSON; none if it was pruned.
    event: Option<String>,
    /// Whether it stands in conflict with an earlier one and posts nowhere.
    is_conflict: bool,
}

impl Original {
    /// One that is on its way into the journal in the same request.
    #[must_use]
    pub fn on_its_way(entry: &NewEntry) -> Self {
        let (content_hash, event) = (entry.content_hash, Some(entry.event.clone()));
        Self { content_hash, event, is_conflict: false }
    }

    /// One that the journal holds.
    ///
    /// # Errors
    /// Its record cannot be read.
    pub fn journaled(found: &JournaledEvent) -> Result<Self, Problem> {
        let record = found.record.as_deref().map(Record::parse).transpose();
        let record = record.map_err(|_| refused(UNREADABLE, SEND_WHOLE))?;
        Ok(Self {
            content_hash: found.content_hash,
            event: record.map(|record| record.event.get().to_owned()),
            is_conflict: found.conflict_of.is_some(),
        })
    }
}

/// Where a post void with only a reference says its original stands.
const PATH: &str = "data.original";

const UNREADABLE: &str = "the receipt's entry in the journal cannot be read";

pub(super) const SEND_WHOLE: &str = "send the post void with its own lines, tenders and total";

/// What the natural keys of the original begin with.
pub(super) fn wanted(body: &Body) -> Option<String> {
    let Body::Transaction(transaction) = body else { return None };
    let reference = transaction.original.as_ref().filter(|_| transaction.is_bare_post_void())?;
    let LineReference { store, register, business_date, receipt, .. } = reference;
    Some(key::receipt_prefix(store, register, *business_date, receipt.as_str()))
}

/// Fills the body from its original.
pub(super) fn fill(body: &mut Body, found: &[Original]) -> Result<(), Problem> {
    let Body::Transaction(transaction) = body else { return Ok(()) };
    let Some(reference) = transaction.original.as_ref() else { return Ok(()) };
    let original = original(reference, found)?;
    if original.currency != transaction.currency {
        let detail = format!(
            "the receipt is in {}, the post void in {}",
            original.currency, transaction.currency
        );
        return Err(refused(detail, "correct `currency`").at("data.currency"));
    }
    transaction.fill_from_original(&original);
    Ok(())
}

fn original(reference: &LineReference, found: &[Original]) -> Result<Box<Transaction>, Problem> {
    let mut originals = Vec::new();
    let mut seen = BTreeSet::new();
    for candidate in found.iter().filter(|candidate| !candidate.is_conflict) {
        // A sale that is sent again in the same request stands in the journal as well.
        if !seen.insert(candidate.content_hash) {
            continue;
        }
        let Some(json) = &candidate.event else {
            let detail = "the receipt was relayed long ago and its content is no longer kept here";
            return Err(refused(detail, SEND_WHOLE));
        };
        if let Some(transaction) = undoable(json, reference)? {
            originals.push(transaction);
        }
    }
    match originals.pop() {
        Some(original) if originals.is_empty() => Ok(original),
        Some(_) => Err(refused("several transactions have this receipt number", SEND_WHOLE)),
        None => Err(refused("this receipt is not in the journal of this host", SEND_WHOLE)),
    }
}

/// The transaction, if it is one that the reference can mean.
fn undoable(json: &str, reference: &LineReference) -> Result<Option<Box<Transaction>>, Problem> {
    let event = Event::parse(json.as_bytes()).map_err(|_| refused(UNREADABLE, SEND_WHOLE))?;
    let Body::Transaction(transaction) = event.body else { return Ok(None) };
    let is_meant = transaction.counter_cycle == reference.counter_cycle
        && transaction.kind != TransactionKind::PostVoid
        && transaction.counts();
    Ok(is_meant.then_some(transaction))
}

fn refused(detail: impl Into<String>, next: &str) -> Problem {
    Problem::new(Code::InvalidEvent, detail).at(PATH).next(next)
}
