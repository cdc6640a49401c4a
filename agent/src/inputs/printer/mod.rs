//! Input: what a POS sends to its receipt printer, where there is no other way to its sales.
//!
//! ESC/POS bytes ([`escpos`]) become receipts, a template ([`template`]) makes events of them. The
//! bytes come through a proxy between POS and printer ([`proxy`]) or out of a folder with spool
//! files. A receipt that cannot be read is no event and no loss: it is kept, counted and shown, with
//! the reason. What was printed cannot be asked for again.

pub mod config;
mod escpos;
mod png;
mod proxy;
mod template;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::ops::ControlFlow;
use std::sync::Arc;

use protocol::problem::{Code, Problem};

use self::config::Way;
use self::escpos::Reader;
use self::escpos::slip::Slip;
use self::proxy::Proxy;
use self::template::{Template, Till};
use super::Input;
use super::folder::{Content, Decoder, Document, Folder, Place, Unreadable};
use super::registry::SettingsError;

pub use self::config::Settings;

/// Makes the input.
///
/// # Errors
/// The settings or the template cannot be used.
pub fn from_settings(settings: &Settings) -> Result<Box<dyn Input>, SettingsError> {
    let (till, template) = settings.till()?;
    let receipts = Arc::new(Receipts { till, template });
    Ok(match settings.way()? {
        Way::Spool(folder) => Box::new(Folder::new(folder, receipts)?),
        Way::Proxy(config) => Box::new(Proxy::new(config, receipts, settings.keep_pictures)),
    })
}

/// Reads printed bytes, receipt by receipt.
#[derive(Debug)]
struct Receipts {
    till: Till,
    template: Template,
}

impl Receipts {
    fn reader(&self) -> Reader {
        Reader::new(self.template.characters.clone())
    }

    fn content(&self, slip: &Slip) -> Content {
        self.template.read(&self.till, slip)
    }
}

impl Decoder for Receipts {
    fn decode(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let mut reader = self.reader();
        let mut number = 0;
        let mut slips = Vec::new();
        loop {
            let bytes = file.fill_buf().map_err(|error| {
                let detail = format!("the file cannot be read on: {error}");
                let problem = Problem::new(Code::UnreadableDocument, detail)
                    .next("look whether the file can be opened on this host");
                Unreadable { place: Place { line: number, element: String::new() }, problem }
            })?;
            let (length, is_end) = (bytes.len(), bytes.is_empty());
            match is_end {
                true => reader.finish(&mut |slip| slips.push(slip)),
                false => reader.feed(bytes, &mut |slip| slips.push(slip)),
            }
            file.consume(length);
            for slip in slips.drain(..) {
                number += 1;
                let place = Place { line: number, element: String::new() };
                if deliver(Document { place, content: self.content(&slip) }).is_break() {
                    return Ok(());
                }
            }
            if is_end {
                return Ok(());
            }
        }
    }
}
