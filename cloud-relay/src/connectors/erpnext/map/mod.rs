//! What an event means in ERPNext: which documents, and the exact body of each.
//!
//! Pure: the same event and settings give the same body for ever, whoever asks. What stands in
//! ERPNext already (the invoice that a return refers to) comes in as an argument. Does no I/O and
//! judges no refusal.

pub(super) mod amounts;
mod basket;
mod bridging;
pub(super) mod expected;
mod goods;
mod groups;
pub(super) mod invoice;
pub(super) mod moment;
mod plan;
mod settlement;
mod stock;

use protocol::event::{Body, StockDocument, Transaction};
use protocol::money::Money;
use serde_json::Value;
use uuid::Uuid;

use self::expected::Expected;
use super::config::Settings;
use crate::connectors::{Call, ExceptionClass};

pub(super) use bridging::bridging;
pub(super) use plan::{Action, plan};

/// Why an event cannot be brought to ERPNext as it is: the class, and a sentence with the figures.
pub(super) type Unfit = (ExceptionClass, String);

/// A document that is to stand in ERPNext.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    /// Its kind there, such as `Sales Invoice`.
    pub(super) doctype: &'static str,
    /// What is sent.
    pub(super) body: Value,
    /// What has to be read back.
    pub(super) expected: Expected,
}

/// The document of a call.
pub(super) fn document(call: &Call, settings: &Settings) -> Result<Document, Unfit> {
    let action = Action::of(&call.planned);
    match (action, &call.event.body) {
        (Some(Action::InvoiceSale | Action::InvoiceReturn), Body::Transaction(transaction)) => {
            invoice::document(call, transaction, settings)
        }
        (Some(Action::StockEntry), Body::Stock(document)) => stock::entry(call, document, settings),
        (Some(Action::StockCount), Body::Stock(document)) => stock::count(call, document, settings),
        _ => {
            let reason = format!("no `{}` can be made of this event", call.planned.action);
            Err((ExceptionClass::Rejected, reason))
        }
    }
}

/// The delivery key as it stands in the key field.
pub(super) fn key_text(key: Uuid) -> String {
    key.to_string()
}

/// What people read beside a receipt's documents: which receipt it is, and what no field of an
/// invoice holds.
fn remarks(transaction: &Transaction, natural_key: &str) -> String {
    let t = transaction;
    let mut remarks = format!(
        "Receipt {}, register {}, store {}, {} [{natural_key}]",
        t.receipt, t.register, t.store, t.business_date
    );
    let foreign = t.tenders.iter().filter(|tender| tender.counts());
    for foreign in foreign.filter_map(|tender| tender.foreign.as_ref()) {
        let handed_over = Money::new(foreign.amount.minor(), foreign.currency);
        remarks.push_str(&format!("; {handed_over} at {}", foreign.rate));
    }
    let on_lines = t.lines.iter().filter(|line| line.counts()).flat_map(|line| line.taxes.iter());
    for tax in on_lines.chain(t.taxes.iter()) {
        let Some(exemption) = &tax.exemption else { continue };
        remarks.push_str(&format!("; exempt from {}: {}", tax.code, exemption.reason));
        if let Some(certificate) = &exemption.certificate {
            remarks.push_str(&format!(" ({certificate})"));
        }
    }
    remarks
}

/// What people read beside a stock document.
fn stock_remarks(document: &StockDocument, natural_key: &str) -> String {
    format!(
        "{} {}, store {}, {} [{natural_key}]",
        document.kind.as_str(),
        document.document,
        document.store,
        document.business_date
    )
}
