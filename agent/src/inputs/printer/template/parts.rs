//! What the lines of a slip say, by the template.
//!
//! Numbers are read here, exactly or not at all; what they mean together is decided in
//! [`super::event`].

use std::collections::{BTreeMap, BTreeSet};

use regex::Captures;
use rust_decimal::Decimal;

use super::build::{HEAD_GROUPS, JOINED};
use super::settings::LineIs;
use super::{LineRule, Template, Unread};
use crate::inputs::printer::escpos::slip::Slip;
use crate::inputs::reading::number;

/// What a slip says.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Number, register, cashier, till and shift, each as it stood first.
    pub(super) head: BTreeMap<String, String>,
    /// The groups `when…` and `day…`, joined by spaces.
    pub(super) joined: BTreeMap<&'static str, String>,
    pub(super) marks: BTreeSet<LineIs>,
    pub(super) items: Vec<ItemPart>,
    pub(super) discounts: Vec<DiscountPart>,
    pub(super) taxes: Vec<TaxPart>,
    pub(super) tenders: Vec<TenderPart>,
    /// Minor units, signed.
    pub(super) total: Option<i64>,
    pub(super) rounding: i64,
    pub(super) z_gross: Option<i64>,
}

/// An item.
#[derive(Debug)]
pub(super) struct ItemPart {
    /// Its line on the paper, from 1.
    pub(super) line: usize,
    pub(super) description: Option<String>,
    pub(super) sku: Option<String>,
    pub(super) gtin: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) tax: Option<String>,
    pub(super) quantity: Option<Decimal>,
    /// In major units.
    pub(super) unit_price: Option<Decimal>,
    /// Minor units, signed.
    pub(super) amount: i64,
    pub(super) discounts: Vec<DiscountPart>,
}

/// A discount.
#[derive(Debug)]
pub(super) struct DiscountPart {
    /// Minor units.
    pub(super) amount: i64,
    pub(super) reason: Option<String>,
}

/// A tax of the whole receipt.
#[derive(Debug)]
pub(super) struct TaxPart {
    pub(super) code: Option<String>,
    pub(super) rate: Option<Decimal>,
    pub(super) base: Option<i64>,
    /// Minor units, signed.
    pub(super) amount: i64,
}

/// A tender, or change.
#[derive(Debug)]
pub(super) struct TenderPart {
    pub(super) line: usize,
    pub(super) name: Option<String>,
    /// Minor units, signed as printed.
    pub(super) amount: i64,
    pub(super) is_change: bool,
    pub(super) is_of_z: bool,
}

impl Template {
    pub(super) fn parts(&self, slip: &Slip) -> Result<Parts, Unread> {
        let (mut parts, mut name, mut known) = (Parts::default(), None, 0_usize);
        for (index, line) in slip.lines.iter().enumerate() {
            let fits = self
                .lines
                .iter()
                .find_map(|rule| rule.pattern.captures(line).map(|groups| (rule, groups)));
            let Some((rule, groups)) = fits else { continue };
            known += usize::from(rule.is != LineIs::Ignore);
            let found = Found { template: self, rule, groups, line: index + 1 };
            found.head(&mut parts);
            found.put(&mut parts, &mut name)?;
        }
        match known {
            0 => Err(Unread {
                line: 0,
                why: format!("the template knows none of its {} lines", slip.lines.len()),
                next: "add what it prints to the template, or a line that is `other`",
            }),
            _ if slip.is_cut_short => Err(Unread {
                line: 0,
                why: "it is larger than any receipt; a part of it was not read".to_owned(),
                next: "see what was printed there; a till prints one receipt between two cuts",
            }),
            _ => Ok(parts),
        }
    }
}

/// A line that a rule fits.
struct Found<'a> {
    template: &'a Template,
    rule: &'a LineRule,
    groups: Captures<'a>,
    line: usize,
}

impl Found<'_> {
    fn text(&self, group: &str) -> Option<String> {
        let text = self.groups.name(group)?.as_str().trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn decimal(&self, group: &str) -> Result<Option<Decimal>, Unread> {
        let Some(text) = self.text(group) else { return Ok(None) };
        let value = number::decimal(&text, self.template.decimal);
        value.map(Some).ok_or_else(|| self.unread(group, "is no number"))
    }

    /// Minor units.
    fn money(&self, group: &str) -> Result<Option<i64>, Unread> {
        let Some(value) = self.decimal(group)? else { return Ok(None) };
        match number::minor(value, self.template.currency) {
            Some(minor) if minor.is_exact => Ok(Some(minor.units)),
            _ => Err(self.unread(group, "has more places than the currency")),
        }
    }

    fn amount(&self) -> Result<i64, Unread> {
        self.money("amount")?.ok_or_else(|| self.unread("amount", "is empty"))
    }

    fn unread(&self, group: &str, why: &str) -> Unread {
        Unread {
            line: self.line,
            why: format!("`{group}` {why}"),
            next: "correct the line's regular expression, `decimal` or `currency` in the template",
        }
    }

    /// What the line says about the whole receipt.
    fn head(&self, parts: &mut Parts) {
        for group in self.rule.pattern.capture_names().flatten() {
            let joined = JOINED.iter().find(|joined| group.starts_with(**joined));
            if joined.is_none() && !HEAD_GROUPS.contains(&group) {
                continue;
            }
            let Some(text) = self.text(group) else { continue };
            match joined {
                Some(joined) => {
                    let so_far = parts.joined.entry(joined).or_default();
                    if !so_far.is_empty() {
                        so_far.push(' ');
                    }
                    so_far.push_str(&text);
                }
                None => {
                    parts.head.entry(group.to_owned()).or_insert(text);
                }
            }
        }
    }

    fn put(&self, parts: &mut Parts, name: &mut Option<NamePart>) -> Result<(), Unread> {
        let is = self.rule.is;
        match is {
            LineIs::Head | LineIs::Ignore => {}
            LineIs::Name => {
                *name = Some(NamePart {
                    description: self.text("description"),
                    sku: self.text("sku"),
                    gtin: self.text("gtin"),
                });
            }
            LineIs::Item => parts.items.push(self.item(name.take())?),
            LineIs::Detail => self.detail(parts.items.last_mut())?,
            LineIs::Discount => match parts.items.last_mut() {
                Some(item) => item.discounts.push(self.discount()?),
                None => return Err(self.unread("amount", "is a discount and stands on no item")),
            },
            LineIs::BasketDiscount => parts.discounts.push(self.discount()?),
            LineIs::Total => parts.total = Some(self.amount()?),
            LineIs::Rounding => parts.rounding += self.amount()?,
            LineIs::ZGross => parts.z_gross = Some(self.amount()?),
            LineIs::Tax => parts.taxes.push(TaxPart {
                code: self.text("code"),
                rate: self.decimal("rate")?,
                base: self.money("base")?,
                amount: self.amount()?,
            }),
            LineIs::Tender | LineIs::Change | LineIs::ZTender => parts.tenders.push(TenderPart {
                line: self.line,
                name: self.text("name"),
                amount: self.amount()?,
                is_change: is == LineIs::Change,
                is_of_z: is == LineIs::ZTender,
            }),
            LineIs::Copy
            | LineIs::Training
            | LineIs::Void
            | LineIs::Return
            | LineIs::Other
            | LineIs::Z => {
                parts.marks.insert(is);
            }
        }
        Ok(())
    }

    fn item(&self, name: Option<NamePart>) -> Result<ItemPart, Unread> {
        let name = name.unwrap_or_default();
        Ok(ItemPart {
            line: self.line,
            description: self.text("description").or(name.description),
            sku: self.text("sku").or(name.sku),
            gtin: self.text("gtin").or(name.gtin),
            unit: self.text("unit"),
            tax: self.text("tax"),
            quantity: self.decimal("quantity")?,
            unit_price: self.decimal("unit_price")?,
            amount: self.amount()?,
            discounts: Vec::new(),
        })
    }

    fn detail(&self, item: Option<&mut ItemPart>) -> Result<(), Unread> {
        let Some(item) = item else { return Ok(()) };
        let (quantity, unit_price) = (self.decimal("quantity")?, self.decimal("unit_price")?);
        item.quantity = quantity.or(item.quantity);
        item.unit_price = unit_price.or(item.unit_price);
        for (group, field) in [
            ("unit", &mut item.unit),
            ("tax", &mut item.tax),
            ("sku", &mut item.sku),
            ("gtin", &mut item.gtin),
        ] {
            if let Some(text) = self.text(group) {
                *field = Some(text);
            }
        }
        Ok(())
    }

    fn discount(&self) -> Result<DiscountPart, Unread> {
        Ok(DiscountPart { amount: self.amount()?.abs(), reason: self.text("reason") })
    }
}

/// The line above an item.
#[derive(Debug, Default)]
pub(super) struct NamePart {
    description: Option<String>,
    sku: Option<String>,
    gtin: Option<String>,
}
