//! The lines of a document, each by the rule that fits it.
//!
//! Does not judge the whole ([`super::retail`]).

use protocol::event::line::{Discount, Line};
use protocol::event::transaction::StatedTax;
use protocol::event::{Direction, Tax, Tender};
use protocol::id::Code;
use protocol::money::Currency;

use super::super::profile::names::{DiscountField, LineField, LineMeaning};
use super::super::profile::{BasketDiscount, LineRule, LoneTax};
use super::super::xml::tree::{NodeId, Tree};
use super::look::{Fault, Look, amount};
use super::tender::{Paid, paid};
use super::{line, tax};

/// What the lines of a document come to.
#[derive(Default)]
pub(super) struct Basket {
    pub(super) lines: Vec<Line>,
    pub(super) discounts: Vec<Discount>,
    pub(super) taxes: Vec<Tax>,
    pub(super) summary: Vec<StatedTax>,
    pub(super) tenders: Vec<Tender>,
    /// Signed: what is added to the total.
    pub(super) rounding: i64,
}

impl Basket {
    /// Reads the lines. `pays_out` says whether the total is paid out, so that a tender below zero
    /// is money back and no change.
    pub(super) fn read(look: Look<'_>, currency: Currency, pays_out: bool) -> Result<Self, Fault> {
        let (mut basket, mut sold, mut paid_with) = (Self::default(), Vec::new(), Vec::new());
        let mut alone = Vec::new();
        for item in look.places(Some(&look.profile.line_items), Tree::ROOT) {
            let Some((rule, at)) = rule(look, item.node) else { continue };
            match rule.meaning {
                LineMeaning::Sells(kind) => {
                    let place = sold.len() + 1;
                    sold.push(line::sold(look, rule, kind, at, place, currency)?);
                }
                LineMeaning::Tender => paid_with.push(paid(look, at, currency, pays_out)?),
                LineMeaning::Change => paid_with.push(Paid::change(look, at, currency)?),
                LineMeaning::Rounding => basket.rounding += rounding(look, at, currency)?,
                LineMeaning::Tax | LineMeaning::Discount => alone.push((rule.meaning, at)),
                LineMeaning::Skip => {}
            }
        }
        basket.lines = line::voided(look, sold);
        let way = basket.way();
        for (meaning, at) in alone {
            match meaning {
                LineMeaning::Tax => basket.lone_tax(look, at, currency, way)?,
                _ => basket.discounts.extend(basket_discount(look, at, currency, way)?),
            }
        }
        basket.tenders = Paid::number(paid_with);
        Ok(basket)
    }

    /// Which way the goods go, for figures without a sign: back only if nothing goes out.
    fn way(&self) -> Direction {
        let mut counting = self.lines.iter().filter(|line| line.counts());
        let any_in = counting.clone().any(|line| line.direction == Direction::In);
        match counting.any(|line| line.direction == Direction::Out) {
            false if any_in => Direction::In,
            _ => Direction::Out,
        }
    }

    fn lone_tax(
        &mut self,
        look: Look<'_>,
        at: NodeId,
        currency: Currency,
        way: Direction,
    ) -> Result<(), Fault> {
        let Some((mut tax, is_negative)) = tax::read(look, at, currency)? else { return Ok(()) };
        match look.profile.rules.tax_lines {
            LoneTax::Basket => {
                tax.direction = if look.profile.rules.line_sign.is_of_amounts() {
                    by_sign(is_negative)
                } else {
                    way
                };
                self.taxes.push(tax);
            }
            LoneTax::Summary => {
                let Tax { code, amount, base, .. } = tax;
                self.summary.push(StatedTax { code, amount, base });
            }
        }
        Ok(())
    }
}

const fn by_sign(is_negative: bool) -> Direction {
    if is_negative { Direction::In } else { Direction::Out }
}

/// The first rule that fits a line, and the element that it leads to.
fn rule<'a>(look: Look<'a>, item: NodeId) -> Option<(&'a LineRule, NodeId)> {
    look.profile.lines.iter().find_map(|rule| {
        let found = rule.at.first(look.tree, item)?;
        Some((rule, found.node))
    })
}

fn rounding(look: Look<'_>, at: NodeId, currency: Currency) -> Result<i64, Fault> {
    let fields = &look.profile.line;
    let units = look.minor(fields, LineField::Extended, at, currency)?.unwrap_or(0);
    let is_turned = look.leads(fields, LineField::Negative, at);
    Ok(if is_turned { -units } else { units })
}

/// A discount on the basket; none if it is of nothing.
fn basket_discount(
    look: Look<'_>,
    at: NodeId,
    currency: Currency,
    way: Direction,
) -> Result<Option<Discount>, Fault> {
    let fields = &look.profile.basket_discount;
    let units = look.minor(fields, DiscountField::Amount, at, currency)?.unwrap_or(0);
    if units == 0 {
        return Ok(None);
    }
    let adds_by_sign = match look.profile.rules.basket_discount {
        BasketDiscount::Positive => units < 0,
        BasketDiscount::Negative => units > 0,
    };
    let adds = adds_by_sign != look.leads(fields, DiscountField::Adds, at);
    let direction = match (look.profile.rules.line_sign.is_of_amounts(), adds) {
        (true, adds) => by_sign(adds),
        (false, false) => way,
        (false, true) => way.reversed(),
    };
    let next = "correct the amount";
    Ok(Some(Discount {
        kind: look.code(fields, DiscountField::Kind, at)?.unwrap_or_else(plain_kind),
        id: look.code(fields, DiscountField::Id, at)?,
        amount: amount(units).ok_or_else(|| Fault::new(at, "beyond any amount", next))?,
        direction,
        reason: look.words(fields, DiscountField::Reason, at),
        approver: look.code(fields, DiscountField::Approver, at)?,
    }))
}

/// What a discount is called whose kind nobody says.
pub(super) fn plain_kind() -> Code {
    Code::new("discount").expect("a word is a code")
}
