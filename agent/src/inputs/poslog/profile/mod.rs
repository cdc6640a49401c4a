//! Profiles: what a vendor's POSLog does in its own way, as data.
//!
//! A profile is a TOML file. It says where things stand ([`Fields`], in the language of
//! [`super::select`]), what documents and lines are (`[[documents]]`, `[[lines]]`), and by which
//! rules signs, taxes, changes and totals are read ([`Rules`]). It extends another one: tables are
//! merged, its own `[[documents]]` and `[[lines]]` come first, anything else replaces. Computes
//! nothing: [`super::map`] does.

mod load;
pub(super) mod names;
mod rules;

use std::collections::BTreeMap;

use protocol::event::tender::TenderKind;
use protocol::id::Code;
use serde::Deserialize;

#[cfg(test)]
pub(super) use self::load::built_in;
pub(super) use self::load::load;
use self::names::{
    BalanceRule, CardField, DiscountField, DocumentKind, FiscalField, HeadField, LineField,
    LineMeaning, LinkField, TaxField, TenderField, TillField, TotalField, Way, ZField,
    ZTenderField,
};
pub(super) use self::rules::{
    BasketDiscount, ExtendedIs, Inexact, LocalTime, LoneTax, NegativeTender, NoTotal,
    NoTrainingFlag, PostVoidBody, RoundingSign, Rules, TaxIncluded, TotalWay, VoidLine,
};
use super::select::{Selector, Selectors};
use super::xml::tree::Space;

/// Where the fields of a part stand.
pub(super) type Fields<F> = BTreeMap<F, Selectors>;

/// What one kind of document becomes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentRule {
    /// Leads somewhere in such a document.
    pub(super) when: Selectors,
    #[serde(rename = "as")]
    pub(super) kind: DocumentKind,
    /// Why it is skipped or refused.
    #[serde(default)]
    pub(super) because: Option<String>,
}

/// What one kind of line is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineRule {
    /// The element within the line that holds it.
    pub(super) at: Selector,
    #[serde(rename = "as")]
    pub(super) meaning: LineMeaning,
    /// Which way it goes where no sign says otherwise.
    #[serde(default)]
    pub(super) direction: Option<Way>,
}

/// Vendor fields that are kept, by the name that they get.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Kept {
    pub(super) transaction: BTreeMap<Code, Selectors>,
    pub(super) line: BTreeMap<Code, Selectors>,
    pub(super) tender: BTreeMap<Code, Selectors>,
}

/// A profile as it stands, complete.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    #[serde(default, skip_deserializing)]
    name: String,
    /// Rises with each change of what comes out.
    version: u32,
    /// The names of the elements that a file may begin with.
    roots: Vec<String>,
    /// The namespaces that names without a prefix may be in; empty for none.
    namespaces: Vec<String>,
    /// The element that holds one document.
    document: String,
    /// The lines of a document, from the document.
    pub(super) line_items: Selectors,
    prefixes: BTreeMap<String, String>,
    pub(super) head: Fields<HeadField>,
    pub(super) documents: Vec<DocumentRule>,
    pub(super) lines: Vec<LineRule>,
    pub(super) line: Fields<LineField>,
    pub(super) discount: Fields<DiscountField>,
    pub(super) basket_discount: Fields<DiscountField>,
    pub(super) tax: Fields<TaxField>,
    pub(super) tender: Fields<TenderField>,
    pub(super) tender_kinds: BTreeMap<String, TenderKind>,
    pub(super) card: Fields<CardField>,
    pub(super) link: Fields<LinkField>,
    pub(super) original: Fields<LinkField>,
    pub(super) total: Fields<TotalField>,
    pub(super) till: Fields<TillField>,
    pub(super) z: Fields<ZField>,
    pub(super) z_tender: Fields<ZTenderField>,
    pub(super) fiscal: Fields<FiscalField>,
    pub(super) extensions: Kept,
    pub(super) balance: Vec<BalanceRule>,
    pub(super) rules: Rules,
}

impl Profile {
    /// Name and version, as an event carries them.
    pub(super) fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    pub(super) fn roots_in_words(&self) -> String {
        let namespaces: Vec<_> = self
            .namespaces
            .iter()
            .map(|namespace| match namespace.as_str() {
                "" => "no namespace".to_owned(),
                address => format!("`{address}`"),
            })
            .collect();
        format!("`{}` in {}", self.roots.join("`, `"), namespaces.join(" or "))
    }

    pub(super) fn is_root(&self, space: Space, name: &str) -> bool {
        self.roots.iter().any(|root| self.is_called(root, space, name))
    }

    pub(super) fn begins_document(&self, space: Space, name: &str) -> bool {
        self.is_called(&self.document, space, name)
    }

    /// Whether a name of the profile, with or without prefix, is that of an element.
    fn is_called(&self, called: &str, space: Space, name: &str) -> bool {
        let (prefix, local) = called.split_once(':').unwrap_or(("", called));
        local == name && self.space_of(prefix) == Some(space)
    }

    /// Which namespace a prefix is, empty for the standard.
    fn space_of(&self, prefix: &str) -> Option<Space> {
        if prefix.is_empty() {
            return Some(Space::Standard);
        }
        let place = self.prefixes.keys().position(|known| known == prefix)?;
        u8::try_from(place).ok().map(Space::Prefixed)
    }

    /// Which namespace this address is, empty for none.
    pub(super) fn space(&self, address: &str) -> Space {
        if self.namespaces.iter().any(|namespace| namespace == address) {
            return Space::Standard;
        }
        let place = self.prefixes.values().position(|namespace| namespace == address);
        place.and_then(|place| u8::try_from(place).ok()).map_or(Space::Other, Space::Prefixed)
    }

    /// Binds the prefixes of every selector.
    fn bind(&mut self) -> Result<(), String> {
        for called in self.roots.iter().chain([&self.document]) {
            let prefix = called.split_once(':').map_or("", |(prefix, _)| prefix);
            if self.space_of(prefix).is_none() {
                return Err(format!("`{called}`: the prefix `{prefix}` is not in `prefixes`"));
            }
        }
        let known: BTreeMap<String, Option<Space>> =
            self.prefixes.keys().map(|prefix| (prefix.clone(), self.space_of(prefix))).collect();
        let space = |prefix: &str| match prefix {
            "" => Some(Space::Standard),
            _ => known.get(prefix).copied().flatten(),
        };
        let mut every: Vec<&mut Selector> = Vec::new();
        every.extend(self.documents.iter_mut().flat_map(|rule| rule.when.0.iter_mut()));
        every.extend(self.lines.iter_mut().map(|rule| &mut rule.at));
        every.extend(self.line_items.0.iter_mut());
        every.extend(of(&mut self.head));
        every.extend(of(&mut self.line));
        every.extend(of(&mut self.discount));
        every.extend(of(&mut self.basket_discount));
        every.extend(of(&mut self.tax));
        every.extend(of(&mut self.tender));
        every.extend(of(&mut self.card));
        every.extend(of(&mut self.link));
        every.extend(of(&mut self.original));
        every.extend(of(&mut self.total));
        every.extend(of(&mut self.till));
        every.extend(of(&mut self.z));
        every.extend(of(&mut self.z_tender));
        every.extend(of(&mut self.fiscal));
        every.extend(of(&mut self.extensions.transaction));
        every.extend(of(&mut self.extensions.line));
        every.extend(of(&mut self.extensions.tender));
        every.extend(self.balance.iter_mut().flat_map(BalanceRule::selectors));
        every.into_iter().try_for_each(|selector| selector.bind(&space))
    }
}

fn of<F>(fields: &mut BTreeMap<F, Selectors>) -> impl Iterator<Item = &mut Selector> {
    fields.values_mut().flat_map(|selectors| selectors.0.iter_mut())
}
