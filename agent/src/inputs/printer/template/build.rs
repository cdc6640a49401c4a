//! From a template as it is written to one that can be used; each fault names its key.

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use jiff::civil::Time;
use regex::RegexBuilder;

use super::settings::{Line, LineIs, Settings, Training};
use super::{LineRule, Template};
use crate::inputs::printer::escpos::pages::{CharacterSettings, Page};
use crate::inputs::reading::time;

/// Bytes of one compiled regular expression: a hundred times what a line of a receipt needs.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Kinds of line: several times what the longest receipt has.
const RULES_MAX: usize = 200;

/// Groups of any line that speak of the whole receipt; `number` is that of a closing report.
pub(super) const HEAD_GROUPS: [&str; 6] =
    ["receipt", "register", "cashier", "till", "shift", "number"];

/// Beginnings of groups that are joined, in the order in which they stand, to a time or a day.
pub(super) const JOINED: [&str; 2] = ["when", "day"];

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub(in crate::inputs::printer) struct TemplateError {
    /// The key.
    pub(in crate::inputs::printer) key: String,
    /// What is wrong.
    pub(in crate::inputs::printer) reason: String,
}

fn fault(key: impl Into<String>, reason: impl Into<String>) -> TemplateError {
    TemplateError { key: key.into(), reason: reason.into() }
}

impl Template {
    /// Reads a template.
    pub(in crate::inputs::printer) fn parse(text: &str) -> Result<Self, TemplateError> {
        let settings: Settings =
            toml::from_str(text).map_err(|error| fault("template", error.message()))?;
        let zone = time::zone(&settings.zone)
            .ok_or_else(|| fault("zone", "is no time zone such as `Europe/Berlin`"))?;
        let day_begins = match &settings.day_begins {
            None => Time::midnight(),
            Some(text) => Time::strptime("%H:%M", text)
                .map_err(|_| fault("day_begins", "is no time of day such as `04:00`"))?,
        };
        if settings.line.len() > RULES_MAX {
            return Err(fault("line", format!("has more than {RULES_MAX} kinds")));
        }
        let characters = characters(&settings)?;
        let lines = settings.line.iter().enumerate().map(rule).collect::<Result<Vec<_>, _>>()?;
        let has = |is| lines.iter().any(|rule| rule.is == is);
        if settings.training == Training::Marked && !has(LineIs::Training) {
            let reason = "is `marked`, and no line is `training`: nothing would tell practice";
            return Err(fault("training", reason));
        }
        if !has(LineIs::Total) {
            return Err(fault("line", "has no kind that is `total`"));
        }
        let tenders = settings.tenders.into_iter();
        Ok(Self {
            profile: settings.profile,
            currency: settings.currency,
            decimal: settings.decimal,
            zone,
            time_format: settings.time_format,
            day_format: settings.day_format,
            day_begins,
            receipt_number: settings.receipt_number,
            tax_included: settings.tax_included,
            characters,
            tenders: tenders.map(|(word, kind)| (word.to_lowercase(), kind)).collect(),
            items: settings.items,
            units: settings.units,
            lines,
        })
    }
}

fn characters(settings: &Settings) -> Result<CharacterSettings, TemplateError> {
    let mut pages = BTreeMap::new();
    for (number, name) in &settings.code_pages {
        let key = || format!("code_pages.{number}");
        let page = Page::named(name)
            .ok_or_else(|| fault(key(), "is no code page such as `cp437` or `windows-1252`"))?;
        let number = number.parse().map_err(|_| fault(key(), "is no number from 0 to 255"))?;
        pages.insert(number, page);
    }
    let encoding = |key: &str, name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => match Encoding::for_label(name.as_bytes()) {
            Some(encoding) => Ok(Some(encoding)),
            None => Err(fault(key, "is no character set such as `gb18030` or `shift_jis`")),
        },
    };
    Ok(CharacterSettings {
        pages,
        whole: encoding("character_set", &settings.character_set)?,
        double: encoding("double_byte", &settings.double_byte)?,
    })
}

fn rule((index, line): (usize, &Line)) -> Result<LineRule, TemplateError> {
    let key = format!("line {}", index + 1);
    let pattern = RegexBuilder::new(&line.pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| fault(&key, format!("is no regular expression: {error}")))?;
    let (required, allowed) = groups(line.is);
    let names: Vec<_> = pattern.capture_names().flatten().collect();
    for name in &names {
        let is_joined = JOINED.iter().any(|joined| name.starts_with(joined));
        if !is_joined && !HEAD_GROUPS.contains(name) && !allowed.contains(name) {
            return Err(fault(&key, format!("has a group `{name}` that its kind does not know")));
        }
    }
    match required.iter().find(|required| !names.contains(required)) {
        Some(missing) => Err(fault(&key, format!("lacks the group `{missing}`"))),
        None => Ok(LineRule { is: line.is, pattern }),
    }
}

/// The groups that a kind of line needs, and those that it may have.
const fn groups(is: LineIs) -> (&'static [&'static str], &'static [&'static str]) {
    match is {
        LineIs::Name => (&["description"], &["description", "sku", "gtin"]),
        LineIs::Item => (
            &["amount"],
            &["amount", "description", "quantity", "unit", "unit_price", "tax", "sku", "gtin"],
        ),
        LineIs::Detail => (&[], &["quantity", "unit", "unit_price", "tax", "sku", "gtin"]),
        LineIs::Discount | LineIs::BasketDiscount => (&["amount"], &["amount", "reason"]),
        LineIs::Total | LineIs::Rounding | LineIs::ZGross => (&["amount"], &["amount"]),
        LineIs::Tax => (&["amount"], &["amount", "code", "rate", "base"]),
        LineIs::Tender | LineIs::ZTender => (&["name", "amount"], &["name", "amount"]),
        LineIs::Change => (&["amount"], &["amount", "name"]),
        LineIs::Head
        | LineIs::Z
        | LineIs::Copy
        | LineIs::Training
        | LineIs::Void
        | LineIs::Return
        | LineIs::Other
        | LineIs::Ignore => (&[], &[]),
    }
}
