//! A line of a receipt: what it is for, what it comes to, which part of a bundle it is.
//!
//! Does not know whether it was sold or came back, nor how it is written.

use super::catalogue::{Item, TaxCode};
use super::figures::{Milli, added_tax, extended, included_tax};
use super::place::Taxation;

/// What a line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    Item(Item),
    /// A gift card, by its token.
    GiftCard(String),
    /// A part of the price, taken before the goods.
    Prepayment,
    Tip,
}

impl Thing {
    pub(super) const fn item(&self) -> Option<&Item> {
        match self {
            Self::Item(item) => Some(item),
            Self::GiftCard(_) | Self::Prepayment | Self::Tip => None,
        }
    }
}

/// Which part of a bundle a line is. The header or the components move stock, never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// No bundle.
    Whole,
    /// What is paid for.
    Header { moves_stock: bool },
    /// What is in it, under the header's number; its price is the header's.
    Component { header: u32, moves_stock: bool },
}

impl Part {
    const fn moves_stock(self) -> bool {
        match self {
            Self::Whole => true,
            Self::Header { moves_stock } | Self::Component { moves_stock, .. } => moves_stock,
        }
    }

    /// What the event has to say of stock: nothing where its own rule is right, which is that
    /// components move.
    pub(super) const fn stated_stock(self) -> Option<bool> {
        match self {
            Self::Header { moves_stock: true } => Some(true),
            Self::Component { moves_stock: false, .. } => Some(false),
            Self::Whole | Self::Header { .. } | Self::Component { .. } => None,
        }
    }
}

/// What of a line counts: as sold, as brought back so far, or as brought back now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) quantity: Milli,
    pub(super) extended_minor: i64,
    pub(super) total_minor: i64,
    /// Each tax; none of an exempt line is above zero.
    pub(super) taxes: Vec<(TaxCode, i64)>,
}

impl Amounts {
    /// One of something that is not taxed.
    pub(super) fn untaxed(minor: i64) -> Self {
        Self {
            quantity: Milli::units(1),
            extended_minor: minor,
            total_minor: minor,
            taxes: Vec::new(),
        }
    }

    pub(super) const fn discount_minor(&self) -> i64 {
        self.extended_minor - self.total_minor
    }

    fn taxes_minor(&self, are_included: bool) -> i64 {
        let taxes = self.taxes.iter().filter(|(code, _)| code.is_included() == are_included);
        taxes.map(|(_, amount)| amount).sum()
    }

    /// With the taxes that come on top.
    pub(super) fn gross_minor(&self) -> i64 {
        self.total_minor + self.taxes_minor(false)
    }

    /// What every tax is levied on.
    pub(super) fn base_minor(&self) -> i64 {
        self.total_minor - self.taxes_minor(true)
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u32,
    pub(super) thing: Thing,
    pub(super) part: Part,
    /// Sold without tax to somebody who has a certificate.
    pub(super) is_exempt: bool,
    /// The price of a piece or a kilogram, in minor units.
    pub(super) price_minor: i64,
    pub(super) amounts: Amounts,
}

impl Line {
    /// One of something that is no goods and is not taxed.
    pub(super) fn of(number: u32, thing: Thing, minor: i64) -> Self {
        Self {
            number,
            thing,
            part: Part::Whole,
            is_exempt: false,
            price_minor: minor,
            amounts: Amounts::untaxed(minor),
        }
    }

    /// So much of an item. The price of an exempt one is that without the tax it includes.
    pub(super) fn item(
        number: u32,
        item: Item,
        quantity: Milli,
        discount_minor: i64,
        taxation: Taxation,
        is_exempt: bool,
    ) -> Self {
        let codes = taxation.of(&item);
        let included = codes.iter().find(|code| code.is_included());
        let price_minor = match included {
            Some(code) if is_exempt => {
                item.price_minor - included_tax(item.price_minor, code.rate_percent())
            }
            _ => item.price_minor,
        };
        let extended_minor = extended(price_minor, quantity);
        let total_minor = extended_minor - discount_minor.min(extended_minor);
        let levied = |code: TaxCode| match (is_exempt, code.is_included()) {
            (true, _) => 0,
            (false, true) => included_tax(total_minor, code.rate_percent()),
            (false, false) => added_tax(total_minor, code.rate_percent()),
        };
        let taxes = codes.iter().map(|code| (*code, levied(*code))).collect();
        let amounts = Amounts { quantity, extended_minor, total_minor, taxes };
        let thing = Thing::Item(item);
        Self { number, thing, part: Part::Whole, is_exempt, price_minor, amounts }
    }

    /// The item whose stock it moves.
    pub(super) fn stocked(&self) -> Option<&Item> {
        self.thing.item().filter(|_| self.part.moves_stock())
    }
}
