//! Looks up a profile's fields in a document and reads them into the types of the canonical model.
//!
//! Each getter names the place of what it cannot read. Takes nothing for granted: what a profile
//! does not name is not read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use protocol::decimal::Number;
use protocol::event::Extensions;
use protocol::id::{Code, Text};
use protocol::limits::EXTENSION_CHARS_MAX;
use protocol::money::{Amount, Currency, SignedAmount};
use protocol::problem::{self, Problem};
use protocol::time::OffsetTime;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::value::MapDeserializer;

use super::super::Site;
use super::super::profile::names::HeadField;
use super::super::profile::{Fields, Inexact, LocalTime, Profile};
use super::super::select::{Found, Selectors};
use super::super::xml::tree::{NodeId, Tree};
use crate::inputs::folder::Place;
use crate::inputs::reading::number::{self, DecimalMark};
use crate::inputs::reading::time;

/// Why a document cannot be taken, and where.
#[derive(Debug)]
pub(in super::super) struct Fault {
    node: NodeId,
    problem: Problem,
}

impl Fault {
    pub(super) fn new(node: NodeId, detail: impl Into<String>, next: &str) -> Self {
        Self::of(problem::Code::UnreadableDocument, node, detail, next)
    }

    pub(super) fn of(
        code: problem::Code,
        node: NodeId,
        detail: impl Into<String>,
        next: &str,
    ) -> Self {
        Self { node, problem: Problem::new(code, detail).next(next) }
    }

    /// With its place in the file.
    pub(in super::super) fn placed(self, tree: &Tree) -> (Place, Problem) {
        (Place { line: tree.line(self.node), element: tree.path(self.node) }, self.problem)
    }
}

/// What to do about a value that cannot be read.
const FIX: &str = "correct the document, or name another place for it in the profile";

/// What a field says, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) found: Found,
}

/// A document, its profile and its site.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) tree: &'a Tree,
    pub(super) profile: &'a Profile,
    pub(super) site: &'a Site,
}

impl<'a> Look<'a> {
    /// The first of a field's places that says something.
    pub(super) fn said<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Option<Said<'a>> {
        let said = self.peek(fields, field, from)?;
        self.tree.see(said.found.node, said.found.attribute);
        Some(said)
    }

    /// The same without remembering that it was asked for.
    pub(super) fn peek<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Option<Said<'a>> {
        self.first(fields.get(&field)?, from)
    }

    fn first(self, selectors: &Selectors, from: NodeId) -> Option<Said<'a>> {
        let mut first = None;
        for selector in &selectors.0 {
            selector.each(self.tree, from, &mut |found| {
                let text = found.text(self.tree);
                if !text.is_empty() {
                    first = Some(Said { text, found });
                }
                text.is_empty()
            });
            if first.is_some() {
                break;
            }
        }
        first
    }

    /// Every place that selectors lead to.
    pub(super) fn places(self, selectors: Option<&Selectors>, from: NodeId) -> Vec<Found> {
        let mut places = Vec::new();
        for selector in selectors.into_iter().flat_map(|selectors| &selectors.0) {
            selector.each(self.tree, from, &mut |found| {
                places.push(found);
                true
            });
        }
        places
    }

    /// Whether a field leads anywhere.
    pub(super) fn leads<F: Copy + Ord>(self, fields: &Fields<F>, field: F, from: NodeId) -> bool {
        fields.get(&field).is_some_and(|selectors| self.leads_by(selectors, from))
    }

    pub(super) fn leads_by(self, selectors: &Selectors, from: NodeId) -> bool {
        selectors.0.iter().any(|selector| selector.first(self.tree, from).is_some())
    }

    pub(super) fn flag<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Result<Option<bool>, Fault> {
        let Some(said) = self.said(fields, field, from) else { return Ok(None) };
        match said.text {
            "1" => Ok(Some(true)),
            "0" => Ok(Some(false)),
            text if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            text if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            text => Err(said.fault(&format!("`{}` is neither true nor false", shown(text)))),
        }
    }

    pub(super) fn code<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Result<Option<Code>, Fault> {
        self.said(fields, field, from).map(Said::code).transpose()
    }

    /// A text, cut where the canonical model ends.
    pub(super) fn words<F: Copy + Ord, const CHARS: usize>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Option<Text<CHARS>> {
        self.said(fields, field, from).map(|said| words(said.text))
    }

    pub(super) fn decimal<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Result<Option<(Decimal, Said<'a>)>, Fault> {
        let Some(said) = self.said(fields, field, from) else { return Ok(None) };
        let value = said.decimal()?;
        Ok(Some((value, said)))
    }

    /// A number without its sign.
    pub(super) fn number<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Result<Option<Number>, Fault> {
        let Some((value, said)) = self.decimal(fields, field, from)? else { return Ok(None) };
        said.number(value).map(Some)
    }

    /// An amount in minor units, signed.
    pub(super) fn minor<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
        currency: Currency,
    ) -> Result<Option<i64>, Fault> {
        let Some(said) = self.said(fields, field, from) else { return Ok(None) };
        self.units(said, currency).map(Some)
    }

    /// An amount without its sign.
    pub(super) fn amount<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
        currency: Currency,
    ) -> Result<Option<Amount>, Fault> {
        let Some(said) = self.said(fields, field, from) else { return Ok(None) };
        let units = self.units(said, currency)?;
        said.amount(units).map(Some)
    }

    /// The minor units of what is said.
    pub(super) fn units(self, said: Said<'a>, currency: Currency) -> Result<i64, Fault> {
        let value = said.decimal()?;
        let minor = number::minor(value, currency)
            .ok_or_else(|| said.fault(&format!("`{}` is beyond any amount", shown(said.text))))?;
        if minor.units != 0 {
            self.same_currency(said, currency)?;
        }
        if !minor.is_exact && self.profile.rules.inexact == Inexact::Refuse {
            let detail = format!("`{}` has more places than {currency}", shown(said.text));
            return Err(said.fault_next(&detail, "set `inexact = \"round\"` if this is meant"));
        }
        Ok(minor.units)
    }

    /// An amount that names another currency is none of this transaction.
    fn same_currency(self, said: Said<'a>, currency: Currency) -> Result<(), Fault> {
        let other = self.tree.attributes(said.found.node).find(|attribute| {
            let (_, name) = self.tree.attribute_name(*attribute);
            let is_named = matches!(name, "Currency" | "CurrencyCode");
            is_named && said.found.attribute.is_none() && {
                let stated = self.tree.attribute_text(*attribute);
                !stated.is_empty() && stated != currency.code()
            }
        });
        let Some(other) = other else { return Ok(()) };
        let stated = shown(self.tree.attribute_text(other));
        let detail = format!("an amount in `{stated}` within a transaction in {currency}");
        Err(said.fault(&detail))
    }

    /// A moment, with the offset that stands beside it or that of the store's clock.
    pub(super) fn moment<F: Copy + Ord>(
        self,
        fields: &'a Fields<F>,
        field: F,
        from: NodeId,
    ) -> Result<Option<OffsetTime>, Fault> {
        let Some(said) = self.said(fields, field, from) else { return Ok(None) };
        let beside = self.said(&self.profile.head, HeadField::Offset, said.found.node);
        let beside = beside.and_then(|said| time::offset(said.text)).map(TimeZone::fixed);
        let zone = match (beside, self.profile.rules.local_time) {
            (Some(zone), _) => zone,
            (None, LocalTime::Store) => self.site.zone.clone(),
            (None, LocalTime::Utc) => TimeZone::UTC,
        };
        let moment = time::moment(said.text, &zone);
        moment.map(Some).ok_or_else(|| said.fault(&format!("`{}` is no time", shown(said.text))))
    }

    /// The vendor fields that a profile keeps of one part.
    pub(super) fn kept(self, kept: &BTreeMap<Code, Selectors>, from: NodeId) -> Extensions {
        let found = kept.iter().filter_map(|(name, selectors)| {
            let said = self.first(selectors, from)?;
            self.tree.see(said.found.node, said.found.attribute);
            Some((name.as_str().to_owned(), said.text.to_owned()))
        });
        extensions(found.collect())
    }
}

impl<'a> Said<'a> {
    pub(super) fn fault(self, detail: &str) -> Fault {
        self.fault_next(detail, FIX)
    }

    pub(super) fn fault_next(self, detail: &str, next: &str) -> Fault {
        Fault::new(self.found.node, detail, next)
    }

    pub(super) fn code(self) -> Result<Code, Fault> {
        Code::new(plain(self.text)).map_err(|error| self.fault(&error.to_string()))
    }

    pub(super) fn decimal(self) -> Result<Decimal, Fault> {
        number::decimal(self.text, DecimalMark::Point)
            .ok_or_else(|| self.fault(&format!("`{}` is no number", shown(self.text))))
    }

    pub(super) fn number(self, value: Decimal) -> Result<Number, Fault> {
        Number::try_from(value.abs()).map_err(|error| self.fault(&error.to_string()))
    }

    pub(super) fn amount(self, units: i64) -> Result<Amount, Fault> {
        amount(units).ok_or_else(|| self.fault(&format!("`{}` is beyond any amount", self.text)))
    }

    pub(super) fn whole(self) -> Result<u32, Fault> {
        self.text
            .parse()
            .map_err(|_| self.fault(&format!("`{}` is no number of a line", shown(self.text))))
    }
}

/// An amount without its sign.
pub(super) fn amount(units: i64) -> Option<Amount> {
    Amount::new(units.checked_abs()?).ok()
}

pub(super) fn signed(units: i64, node: NodeId) -> Result<SignedAmount, Fault> {
    SignedAmount::new(units).map_err(|error| Fault::new(node, error.to_string(), FIX))
}

/// Vendor fields by name; a value is cut where the canonical model ends.
pub(super) fn extensions(found: BTreeMap<String, String>) -> Extensions {
    if found.is_empty() {
        return Extensions::default();
    }
    let found = found.into_iter().map(|(name, text)| {
        let text: String = plain(&text).chars().take(EXTENSION_CHARS_MAX).collect();
        (name, text)
    });
    let reader: MapDeserializer<'_, _, serde::de::value::Error> = MapDeserializer::new(found);
    Extensions::deserialize(reader).unwrap_or_default()
}

/// A text of the canonical model, cut where it ends.
pub(super) fn words<const CHARS: usize>(text: &str) -> Text<CHARS> {
    let cut: String = plain(text).chars().take(CHARS).collect();
    Text::new(cut).expect("a text without control characters, cut to its length")
}

/// A text on one line: each run of space and control characters is one space.
fn plain(text: &str) -> Cow<'_, str> {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    // Most texts have none: every field of every sale passes.
    if !text.contains(is_gap) {
        return Cow::Borrowed(text);
    }
    let words = text.split(is_gap).filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// The beginning of a text that came from the file. Problems never hold card data: no more than six
/// digits of a longer run are shown.
pub(super) fn shown(text: &str) -> String {
    let mut run = 0;
    let shown = text.chars().take(60).map(|character| {
        run = if character.is_numeric() { run + 1 } else { 0 };
        if run > 6 { '*' } else { character }
    });
    shown.filter(|character| !character.is_control()).collect()
}
