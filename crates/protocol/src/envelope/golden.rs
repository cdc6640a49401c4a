//! What a golden says of an event; shared by the test that compares and the program that writes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Draft, EventError};
use crate::chain::ChainHash;
use crate::event::{Body, balance};
use crate::record::Equation;

/// One file of `testdata/v1/events`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Golden {
    /// The event as an input hands it in.
    pub(crate) input: Value,
    /// The canonical JSON.
    pub(crate) canonical: String,
    /// The natural key.
    pub(crate) natural_key: String,
    /// The content hash.
    pub(crate) content_hash: ChainHash,
    /// The equations that do not hold.
    pub(crate) unbalanced: Vec<Equation>,
    /// The movements of stock, as `location item quantity`.
    pub(crate) moves: Vec<String>,
}

impl Golden {
    /// Computes what a golden of this input says.
    pub(crate) fn of(input: Value) -> Result<Self, EventError> {
        let draft = Draft::parse(input.to_string().as_bytes())?;
        let id = draft.id.expect("a golden's input has an id");
        let event = draft.into_event(id);
        let unbalanced = match &event.body {
            Body::Transaction(transaction) => balance::unbalanced(transaction),
            _ => Vec::new(),
        };
        let moves = event.stock_moves();
        let moves = moves.iter().map(|m| format!("{} {} {}", m.location, m.item, m.quantity));
        Ok(Self {
            canonical: event.to_json(),
            natural_key: event.natural_key(),
            content_hash: event.content_hash(),
            unbalanced,
            moves: moves.collect(),
            input,
        })
    }
}
