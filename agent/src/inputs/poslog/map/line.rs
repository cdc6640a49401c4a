//! A line that sells something: goods, a fee, a deposit.
//!
//! Amounts lose their sign here and get a direction, by the profile's rule. Does not compute prices.

use protocol::decimal::Number;
use protocol::event::item::{Gtin, Item};
use protocol::event::line::{Blind, Discount, Line, LineKind, Original, Override};
use protocol::event::{Direction, LineReference};
use protocol::id::{Code, Sku};
use protocol::limits::ENTRIES_PER_LIST_MAX;
use protocol::list::List;
use protocol::money::{Amount, Currency};
use rust_decimal::Decimal;

use super::super::profile::names::{DiscountField, LineField, LinkField};
use super::super::profile::{ExtendedIs, LineRule, VoidLine};
use super::super::xml::tree::NodeId;
use super::basket::plain_kind;
use super::head::reference;
use super::look::{Fault, Look, Said, amount, shown};
use super::tax;

/// A line, and which other one it voids.
pub(super) struct Sold {
    line: Line,
    voids: Option<u32>,
}

/// Figures of a line, without signs.
struct Figures {
    quantity: Number,
    unit_price: Number,
    extended: Amount,
    discounts: Vec<Discount>,
    total: Amount,
    direction: Direction,
}

/// Reads a line; `place` is its number where it has none.
pub(super) fn sold(
    look: Look<'_>,
    rule: &LineRule,
    kind: LineKind,
    at: NodeId,
    place: usize,
    currency: Currency,
) -> Result<Sold, Fault> {
    let fields = &look.profile.line;
    let code = |field| look.code(fields, field, at);
    let whole = |field| look.said(fields, field, at).map(Said::whole).transpose();
    let Figures { quantity, unit_price, extended, discounts, total, direction } =
        figures(look, rule, at, currency)?;
    let override_reason = look.words(fields, LineField::OverrideReason, at);
    let regular = look.number(fields, LineField::RegularUnitPrice, at)?;
    let line = Line {
        line: whole(LineField::Number)?.unwrap_or_else(|| u32::try_from(place).unwrap_or(0)),
        kind,
        parent: whole(LineField::Parent)?,
        void: look.flag(fields, LineField::Void, at)?.unwrap_or(false),
        direction,
        item: item(look, at)?,
        quantity,
        unit: code(LineField::Unit)?,
        tare: look.number(fields, LineField::Tare, at)?,
        unit_price,
        regular_unit_price: regular.filter(|regular| *regular != unit_price),
        price_book: code(LineField::PriceBook)?,
        price_override: override_reason.map(|reason| Override { reason, approver: None }),
        extended,
        discounts: list(discounts, at)?,
        total,
        taxes: list(tax::of_line(look, at, currency)?, at)?,
        stock: None,
        fulfil: None,
        original: original(look, at, direction)?,
        disposition: None,
        return_reason: match direction {
            Direction::In => look.words(fields, LineField::ReturnReason, at),
            Direction::Out => None,
        },
        serials: codes(look, LineField::Serial, at)?,
        lots: codes(look, LineField::Lot, at)?,
        expires: None,
        age_check: None,
        gift_card: code(LineField::GiftCard)?,
        seller: code(LineField::Seller)?,
        entered_at: look.moment(fields, LineField::EnteredAt, at)?,
        extensions: look.kept(&look.profile.extensions.line, at),
    };
    Ok(Sold { line, voids: whole(LineField::Voids)? })
}

fn figures(
    look: Look<'_>,
    rule: &LineRule,
    at: NodeId,
    currency: Currency,
) -> Result<Figures, Fault> {
    let fields = &look.profile.line;
    let next = "name its place in the profile (`[line]`), or have the POS write it";
    let quantity = look.decimal(fields, LineField::Quantity, at)?;
    let (count, is_back) = match quantity {
        Some((value, said)) => (said.number(value)?, value.is_sign_negative() && !value.is_zero()),
        None => (Number::from(1), false),
    };
    let said = look.said(fields, LineField::Extended, at);
    let said = said.ok_or_else(|| Fault::new(at, "the line states no extended amount", next))?;
    let units = look.units(said, currency)?;
    let is_negative = (units < 0) != look.leads(fields, LineField::Negative, at);
    let is_negative = is_negative && units != 0;
    let usual = rule.direction.map_or(Direction::Out, Direction::from);
    let turns = look.profile.rules.line_sign.turns(is_back, is_negative).ok_or_else(|| {
        let detail = format!("`{}` is below zero, or the quantity is", shown(said.text));
        let next = "say in the profile which sign turns a line around (`rules.line_sign`)";
        said.fault_next(&detail, next)
    })?;
    let price = look.number(fields, LineField::UnitPrice, at)?;
    let of_one = || (count.value() == Decimal::ONE).then(|| said.decimal().ok()).flatten();
    let price = match (price, of_one()) {
        (Some(price), _) => price,
        (None, Some(amount)) => said.number(amount)?,
        (None, None) => return Err(Fault::new(at, "the line states no unit price", next)),
    };
    let (discounts, taken, added) = discounts(look, at, currency)?;
    let stated = units.saturating_abs();
    let (extended, total) = match look.profile.rules.line_extended {
        ExtendedIs::Net => (stated.saturating_add(taken), stated),
        ExtendedIs::Gross => {
            let extended = stated.saturating_add(added);
            (extended, extended.saturating_sub(taken))
        }
    };
    if total < 0 {
        return Err(said.fault("the discounts are larger than the line"));
    }
    Ok(Figures {
        quantity: count,
        unit_price: price,
        extended: said.amount(extended)?,
        discounts,
        total: said.amount(total)?,
        direction: if turns { usual.reversed() } else { usual },
    })
}

/// The discounts of a line, what they take off, and what the line's price was raised by.
fn discounts(
    look: Look<'_>,
    at: NodeId,
    currency: Currency,
) -> Result<(Vec<Discount>, i64, i64), Fault> {
    let fields = &look.profile.discount;
    let (mut found, mut taken, mut added) = (Vec::new(), 0_i64, 0_i64);
    for place in look.places(fields.get(&DiscountField::Each), at) {
        let units = look.minor(fields, DiscountField::Amount, place.node, currency)?.unwrap_or(0);
        let units = units.saturating_abs();
        if look.leads(fields, DiscountField::Adds, place.node) {
            added = added.saturating_add(units);
        } else if units != 0 {
            taken = taken.saturating_add(units);
            found.push(discount(look, place.node, units)?);
        }
    }
    if found.is_empty() && added == 0 {
        let sum = look.minor(fields, DiscountField::Sum, at, currency)?.unwrap_or(0);
        if sum != 0 {
            taken = sum.saturating_abs();
            found.push(Discount {
                kind: plain_kind(),
                id: None,
                amount: bounded(taken, at)?,
                direction: Direction::Out,
                reason: None,
                approver: None,
            });
        }
    }
    Ok((found, taken, added))
}

fn discount(look: Look<'_>, at: NodeId, units: i64) -> Result<Discount, Fault> {
    let fields = &look.profile.discount;
    Ok(Discount {
        kind: look.code(fields, DiscountField::Kind, at)?.unwrap_or_else(plain_kind),
        id: look.code(fields, DiscountField::Id, at)?,
        amount: bounded(units, at)?,
        direction: Direction::Out,
        reason: look.words(fields, DiscountField::Reason, at),
        approver: look.code(fields, DiscountField::Approver, at)?,
    })
}

fn bounded(units: i64, at: NodeId) -> Result<Amount, Fault> {
    amount(units).ok_or_else(|| Fault::new(at, "an amount beyond any sale", "correct the amount"))
}

fn item(look: Look<'_>, at: NodeId) -> Result<Option<Item>, Fault> {
    let fields = &look.profile.line;
    let sku = look
        .said(fields, LineField::Sku, at)
        .map(|said| Sku::new(said.text).map_err(|error| said.fault(&error.to_string())));
    let gtin = look
        .said(fields, LineField::Gtin, at)
        .map(|said| Gtin::new(said.text).map_err(|error| said.fault(&error.to_string())));
    let item = Item {
        sku: sku.transpose()?,
        gtin: gtin.transpose()?,
        scanned: look.code(fields, LineField::Scanned, at)?,
        description: look.words(fields, LineField::Description, at),
        group: look.code(fields, LineField::Group, at)?,
    };
    // A line that names no item is one of an amount alone, such as a fee.
    Ok(item.stock_name().is_some().then_some(item))
}

/// Where goods that come back were sold.
fn original(look: Look<'_>, at: NodeId, direction: Direction) -> Result<Option<Original>, Fault> {
    if direction == Direction::Out {
        return Ok(None);
    }
    let links = &look.profile.original;
    if let Some(reference) = reference(look, links, at)? {
        return Ok(Some(Original::Receipt(reference)));
    }
    if let Some(order) = look.code(links, LinkField::Order, at)? {
        return Ok(Some(Original::Order { order, line_item: None }));
    }
    let reason = look.words(&look.profile.line, LineField::BlindReason, at);
    Ok(reason.map(|reason| Original::Blind(Blind { reason, approver: None })))
}

/// Points lines that come back and name no original to the receipt that the document names.
pub(super) fn point_back(lines: &mut [Line], receipt: &LineReference) {
    let back = lines.iter_mut().filter(|line| line.direction == Direction::In);
    for line in back.filter(|line| line.original.is_none()) {
        line.original = Some(Original::Receipt(receipt.clone()));
    }
}

fn codes(
    look: Look<'_>,
    field: LineField,
    at: NodeId,
) -> Result<List<Code, ENTRIES_PER_LIST_MAX>, Fault> {
    let mut codes = Vec::new();
    for found in look.places(look.profile.line.get(&field), at) {
        look.tree.see(found.node, found.attribute);
        let said = Said { text: found.text(look.tree), found };
        if !said.text.is_empty() {
            codes.push(said.code()?);
        }
    }
    list(codes, at)
}

pub(super) fn list<T, const MAX: usize>(items: Vec<T>, at: NodeId) -> Result<List<T, MAX>, Fault> {
    List::try_from(items).map_err(|error| {
        Fault::new(at, error.to_string(), "have the POS split the document in two")
    })
}

/// Lines with the voids of others applied.
pub(super) fn voided(look: Look<'_>, sold: Vec<Sold>) -> Vec<Line> {
    let rule = look.profile.rules.line_void;
    let links: Vec<_> = sold.iter().map(|sold| sold.voids).collect();
    let mut lines: Vec<_> = sold.into_iter().map(|sold| sold.line).collect();
    for place in 0..lines.len() {
        if !lines[place].void {
            continue;
        }
        let (before, from) = lines.split_at_mut(place);
        let Some(line) = from.first_mut() else { continue };
        let open = before.iter_mut().rev().filter(|other| !other.void);
        match (rule, links[place]) {
            (VoidLine::Itself, _) | (VoidLine::Linked, None) => {}
            (VoidLine::Linked, Some(number)) => {
                for other in open.filter(|other| other.line == number) {
                    other.void = true;
                }
            }
            (VoidLine::Repeats, _) => match { open }.find(|other| is_turned(line, other)) {
                Some(other) => other.void = true,
                // Nothing before it is what it undoes: it counts with its own sign.
                None => line.void = false,
            },
        }
    }
    lines
}

fn is_turned(line: &Line, other: &Line) -> bool {
    line.item == other.item
        && line.quantity == other.quantity
        && line.total == other.total
        && line.direction != other.direction
}
