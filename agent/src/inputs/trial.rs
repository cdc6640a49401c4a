//! Tries a file: what an input would make of it, without a journal.
//!
//! Reads with the input's own decoder and goes through the same capture; journals nothing and
//! moves nothing.

use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use protocol::envelope::Draft;
use protocol::event::Body;
use protocol::problem::Problem;
use protocol::record::{Equation, Scrubbed};
use serde::Serialize;

use super::folder::{Content, Decoder, Place, Unreadable};
use crate::capture::guard::Guard;
use crate::capture::{Capture, Captured, Moment};
use crate::config::Config;
use crate::seams::Seams;

/// What one document of the file would become.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// Where it begins.
    #[serde(flatten)]
    pub place: Place,
    /// What it would become.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Places in it that the input knows no meaning for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_understood: Vec<String>,
}

/// What a document would become.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// An event in the journal.
    Event {
        /// Its natural key.
        #[serde(rename = "naturalKey")]
        natural_key: String,
        /// A transaction's total in minor units, negative if paid out.
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<i64>,
        /// A transaction's currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
        /// Equations that the POS's own figures do not satisfy.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unbalanced: Vec<Equation>,
        /// Where card data stood, which is masked.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        scrubbed: Vec<Scrubbed>,
        /// The event.
        event: Box<serde_json::value::RawValue>,
    },
    /// Practice, which is counted only.
    Training,
    /// Nothing, by the profile's word.
    Skipped {
        /// What it is.
        what: String,
    },
    /// Refused.
    Refused {
        /// Why, and what to do.
        problem: Problem,
    },
}

/// Tries a file.
///
/// # Errors
/// It cannot be opened. A file that breaks off ends with a refused document.
pub fn trial(
    path: &Path,
    decoder: &dyn Decoder,
    config: &Arc<Config>,
    seams: &Seams,
    each: &mut dyn FnMut(Tried) -> ControlFlow<()>,
) -> io::Result<()> {
    let capture = Capture::new(Arc::clone(config));
    let mut file = BufReader::new(File::open(path)?);
    let decoded = decoder.explain(&mut file, &mut |document, not_understood| {
        let outcome = match document.content {
            Content::Skipped(what) => Outcome::Skipped { what },
            Content::Refused(problem) => refused(problem),
            Content::Event(draft) => tried(&capture, *draft, seams),
        };
        each(Tried { place: document.place, outcome, not_understood })
    });
    if let Err(Unreadable { place, problem }) = decoded {
        // Whoever has enough hears of it in the same way.
        let outcome = refused(problem);
        if each(Tried { place, outcome, not_understood: Vec::new() }).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// A refusal as it may be shown.
fn refused(problem: Problem) -> Outcome {
    Outcome::Refused { problem: Guard::strict().without_card_data(problem) }
}

fn tried(capture: &Capture, mut draft: Draft, seams: &Seams) -> Outcome {
    // A trial has no relay whose key personal fields could be sealed to, and shows none.
    if let Body::Transaction(transaction) = &mut draft.body {
        transaction.personal = None;
    }
    let shown = draft.clone();
    match capture.admit(draft, seams.now()) {
        Err(problem) => refused(problem),
        Ok(Captured::Training(_)) => Outcome::Training,
        Ok(Captured::Event(pending)) => {
            let moment =
                Moment { now: seams.now(), latest: seams.now(), skew: None, sealing_key: None };
            let entry = match capture.finish(pending, &moment, &*seams.random) {
                Ok(entry) => entry,
                Err(problem) => return refused(problem),
            };
            let event = serde_json::value::RawValue::from_string(entry.event);
            let (total, currency) = match &shown.body {
                Body::Transaction(transaction) => (
                    Some(transaction.signed_total().minor),
                    Some(transaction.currency.code().to_owned()),
                ),
                Body::Till(_) | Body::Stock(_) | Body::Fiscal(_) => (None, None),
            };
            Outcome::Event {
                natural_key: entry.natural_key,
                total,
                currency,
                unbalanced: entry.findings.balance,
                scrubbed: entry.findings.scrubbed,
                event: event.expect("an event is JSON"),
            }
        }
    }
}
