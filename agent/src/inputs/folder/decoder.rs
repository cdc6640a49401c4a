//! What reads one kind of file.
//!
//! Pure: a decoder knows no folder, no journal and no clock. It streams: a file may be larger than
//! memory.

use std::io::BufRead;
use std::ops::ControlFlow;

use protocol::envelope::Draft;
use protocol::problem::Problem;
use serde::{Deserialize, Serialize};

/// Where something stands in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The line, from 1. Of a file without lines: the record.
    pub line: u64,
    /// The element, column or field, as the file names it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub element: String,
}

/// One document of a file: a transaction, a close, a count.
#[derive(Debug)]
pub struct Document {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// What a document is.
#[derive(Debug)]
pub enum Content {
    /// An event, practice included.
    Event(Box<Draft>),
    /// It should be one, and cannot be read: why, and what to do.
    Refused(Problem),
    /// It is none by the profile's word, such as a printed advertisement: in a few words.
    Skipped(String),
}

/// Why the rest of a file cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// Why, and what to do.
    pub problem: Problem,
}

/// Reads one kind of file.
pub trait Decoder: Send + Sync + 'static {
    /// Reads a file from its beginning and delivers its documents in order, each as soon as it is
    /// complete. Whoever takes them may have enough before the end.
    ///
    /// # Errors
    /// The file breaks off or is of another kind. What was delivered before stands.
    fn decode(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable>;

    /// The same for a person who tries a file: with the places of each document that it does not
    /// know a meaning for. A kind that reads everything has none.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    fn explain(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document, Vec<String>) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        self.decode(file, &mut |document| deliver(document, Vec::new()))
    }
}
