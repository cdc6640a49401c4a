//! Input: files with canonical events, for a POS that can write them and cannot call HTTP.
//!
//! One event a line (NDJSON), or one array a file. What a file may hold is what `POST /v1/events`
//! takes. Does not translate anything.

#[cfg(test)]
mod tests;

use std::io::{BufRead, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use protocol::envelope::Draft;
use protocol::limits::EVENT_BYTES_MAX;
use protocol::problem::{Code, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Input;
use super::folder::{Content, Decoder, Document, Folder, FolderConfig, Place, Unreadable};
use super::registry::SettingsError;

/// A folder into which the POS drops files with events as `POST /v1/events` takes them: one a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The folder.
    #[serde(flatten)]
    pub folder: FolderConfig,
}

/// Makes the input.
///
/// # Errors
/// The settings cannot be used.
pub fn from_settings(settings: Settings) -> Result<Box<dyn Input>, SettingsError> {
    Ok(Box::new(Folder::new(settings.folder, Arc::new(Events))?))
}

/// Reads an event a line.
#[derive(Debug)]
struct Events;

impl Decoder for Events {
    fn decode(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let mut line = 0;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            line += 1;
            let place = Place { line, element: String::new() };
            let read = read_line(file, &mut bytes);
            let read = read.map_err(|problem| Unreadable { place: place.clone(), problem })?;
            if read == 0 {
                return Ok(());
            }
            let text = bytes.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let content = match Draft::parse(text) {
                Ok(draft) => Content::Event(Box::new(draft)),
                Err(error) => Content::Refused(error.problem()),
            };
            if deliver(Document { place, content }).is_break() {
                return Ok(());
            }
        }
    }
}

/// Reads a line of at most the size of an event; returns how many bytes there were.
fn read_line(file: &mut dyn BufRead, bytes: &mut Vec<u8>) -> Result<usize, Problem> {
    let bytes_max = u64::try_from(EVENT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = file.take(bytes_max).read_until(b'\n', bytes).map_err(|error| {
        Problem::new(Code::UnreadableDocument, format!("the file cannot be read on: {error}"))
            .next("look whether the file can be opened on this host")
    })?;
    if bytes.len() > EVENT_BYTES_MAX {
        let detail = format!("the line has more than {EVENT_BYTES_MAX} bytes");
        return Err(Problem::new(Code::TooLarge, detail)
            .next("write one event a line; split a document that is larger in two"));
    }
    Ok(read)
}
