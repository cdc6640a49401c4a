//! Input: the transaction log of the Toshiba 4690 Supermarket Application, out of a folder.
//!
//! Decodes the log ([`frame`], [`packed`], [`log`]) and turns each checkout into an event ([`map`]),
//! with what only the site knows ([`config`]). Reads no operator's password, no account number of a
//! tender and none of the strings with card tracks, although the log holds them. Does not read the
//! log of the ACE application, whose header and items differ.

mod basket;
pub mod config;
mod frame;
mod log;
mod map;
mod packed;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::ops::ControlFlow;
use std::sync::Arc;

use protocol::problem::{Code, Problem};

use self::config::Site;
use super::Input;
use super::folder::{Content, Decoder, Document, Folder, Place, Unreadable};
use super::registry::SettingsError;

pub use self::config::Settings;

/// Makes the input.
///
/// # Errors
/// The settings cannot be used.
pub fn from_settings(settings: Settings) -> Result<Box<dyn Input>, SettingsError> {
    let folder = settings.folder.clone();
    let decoder = Arc::new(Tlog { site: Site::new(settings)? });
    Ok(Box::new(Folder::new(folder, decoder)?))
}

/// Reads a log, transaction by transaction.
#[derive(Debug)]
struct Tlog {
    site: Site,
}

impl Decoder for Tlog {
    fn decode(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let (mut number, mut bytes) = (0, Vec::new());
        loop {
            number += 1;
            let place = Place { line: number, element: String::new() };
            match frame::next(file, &mut bytes) {
                Ok(None) => return Ok(()),
                Ok(Some(strings)) => {
                    let (element, content) = self.content(strings);
                    let place = Place { element, ..place };
                    if deliver(Document { place, content }).is_break() {
                        return Ok(());
                    }
                }
                Err(fault) => return Err(Unreadable { place, problem: fault.problem() }),
            }
        }
    }
}

impl Tlog {
    /// What a transaction is, and the string that is at fault if it cannot be read.
    fn content(&self, strings: &[u8]) -> (String, Content) {
        let read = log::read(strings).and_then(|records| map::content(&self.site, &records));
        match read {
            Ok(content) => (String::new(), content),
            Err(fault) => (fault.element, Content::Refused(fault.problem)),
        }
    }
}

/// Why a transaction is no event.
#[derive(Debug)]
struct Fault {
    /// The string and field.
    element: String,
    problem: Problem,
}

impl Fault {
    fn new(element: impl Into<String>, detail: impl Into<String>, next: &str) -> Self {
        let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
        Self { element: element.into(), problem }
    }
}
