//! The template: which line of a receipt says what, in TOML with regular expressions.
//!
//! Each line of a receipt is compared with the template's kinds of line, in their order; the first
//! that fits takes it, and its named groups are the fields ([`parts`]). From what was found an event
//! is put together ([`event`]). What the receipt does not say is not made up: without a number, a
//! time or a total there is no event, and the reason says which of them is missing. Does not know
//! how the lines came off the printer. The whole language: `docs/handbook/printer.md`.

mod build;
mod event;
mod parts;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use protocol::event::TenderKind;
use protocol::id::{Code, RegisterId, Sku, StoreId};
use protocol::money::Currency;
use protocol::problem::{self, Problem};
use regex::Regex;

use self::settings::{LineIs, ReceiptNumber};
use super::escpos::pages::CharacterSettings;
use super::escpos::slip::Slip;
use crate::inputs::folder::Content;
use crate::inputs::reading::number::DecimalMark;

/// Where a printer stands.
#[derive(Debug, Clone)]
pub(super) struct Till {
    pub(super) store: StoreId,
    /// The register, unless the receipt prints it.
    pub(super) register: Option<RegisterId>,
}

/// A template, ready for use.
#[derive(Debug)]
pub(super) struct Template {
    profile: Code,
    currency: Currency,
    decimal: DecimalMark,
    zone: TimeZone,
    time_format: String,
    day_format: Option<String>,
    day_begins: Time,
    receipt_number: ReceiptNumber,
    tax_included: bool,
    /// What bytes of text mean.
    pub(super) characters: CharacterSettings,
    /// Tenders by their words in small letters.
    tenders: BTreeMap<String, TenderKind>,
    items: BTreeMap<String, Sku>,
    /// Units (UN/ECE Recommendation 20) by what is printed for them.
    units: BTreeMap<String, Code>,
    lines: Vec<LineRule>,
}

/// One kind of line.
#[derive(Debug)]
struct LineRule {
    is: LineIs,
    pattern: Regex,
}

/// Why a slip is no event.
#[derive(Debug, PartialEq, Eq)]
struct Unread {
    /// The line of the receipt, from 1; 0 for the whole.
    line: usize,
    /// What is missing or wrong: never what was printed, which may be anything.
    why: String,
    next: &'static str,
}

impl Template {
    /// Reads one slip.
    pub(super) fn read(&self, till: &Till, slip: &Slip) -> Content {
        if slip.lines.iter().all(|line| line.trim().is_empty()) {
            let pictures = slip.pictures.len();
            let why = format!("it was printed as {pictures} pictures, without text");
            let next = "let the till print in the printer's own letters (a text driver)";
            return refused(&Unread { line: 0, why, next });
        }
        match self.parts(slip) {
            Err(unread) => refused(&unread),
            Ok(parts) => match self.event(till, &parts) {
                Ok(content) => content,
                Err(unread) => refused(&unread),
            },
        }
    }
}

fn refused(unread: &Unread) -> Content {
    let Unread { line, why, next } = unread;
    let problem = Problem::new(problem::Code::ReceiptUnreadable, why.clone()).next(*next);
    Content::Refused(match line {
        0 => problem,
        line => problem.at(format!("line {line}")),
    })
}
