//! Receipts of goods sold, with what may still be brought back.
//!
//! Does not write JSON and does not count receipts.

use rand::RngExt;
use rand::rngs::StdRng;

use super::basket::BasketLine;
use super::books::{Kind, TenderKind};
use super::catalogue::Catalogue;
use super::figures::Milli;
use super::line::{Amounts, Line, Part, Thing};
use super::payment::{Detail, Payment, Purpose};
use super::place::Taxation;

/// Components of a bundle at most, and at least two.
const COMPONENTS_MAX: usize = 4;

/// A line that was sold.
#[derive(Debug, Clone)]
pub(super) struct SoldLine {
    pub(super) line: Line,
    pub(super) brought_back: Amounts,
}

/// What a customer paid in one way, less change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    /// The first tender of this way; none where goods or a deposit paid.
    pub(super) tender: Option<u32>,
    /// How it is paid back.
    pub(super) kind: TenderKind,
    /// The gift card.
    pub(super) card: Option<String>,
    /// What may still be paid back, in minor units.
    pub(super) left_minor: i64,
}

/// A receipt on which goods were sold.
#[derive(Debug, Clone)]
pub(super) struct Sold {
    pub(super) kind: Kind,
    pub(super) business_date: String,
    pub(super) receipt: String,
    pub(super) lines: Vec<SoldLine>,
    pub(super) payment: Payment,
    pub(super) paid: Vec<Paid>,
    /// Whether goods or a deposit came back on the same receipt.
    pub(super) is_mixed: bool,
    /// Whether a post void undid it.
    pub(super) is_undone: bool,
}

impl Sold {
    /// Whether a post void can undo it: nothing of it came back since, and no notes of another
    /// currency would have to be handed back.
    pub(super) fn is_voidable(&self) -> bool {
        let untouched = self.lines.iter().all(|line| line.brought_back.quantity == Milli::ZERO);
        self.kind == Kind::Sale
            && !self.is_mixed
            && !self.is_undone
            && untouched
            && !self.payment.is_foreign()
    }
}

/// The lines of a basket from a line number on, priced and taxed.
pub(super) fn lines(
    first: u32,
    basket: &[BasketLine],
    catalogue: &Catalogue,
    taxation: Taxation,
    is_exempt: bool,
) -> Vec<Line> {
    let numbered = (first..).zip(basket);
    numbered
        .map(|(number, line)| {
            let item = catalogue.items()[line.item].clone();
            let discount_minor = line.discount_minor;
            Line::item(number, item, line.quantity, discount_minor, taxation, is_exempt)
        })
        .collect()
}

/// A bundle from a line number on: a header at its own price, and what is in it at none. None if
/// the stores sell too few things by the piece.
pub(super) fn bundle(
    first: u32,
    catalogue: &Catalogue,
    taxation: Taxation,
    chance: &mut StdRng,
) -> Vec<Line> {
    let pieces: Vec<_> = catalogue.items().iter().filter(|item| !item.weighed).collect();
    let wanted = 1 + chance.random_range(2..=COMPONENTS_MAX);
    let header_moves = chance.random_ratio(1, 2);
    let start = chance.random_range(0..pieces.len().max(1));
    let items = (0..wanted.min(pieces.len())).map(|step| pieces[(start + step) % pieces.len()]);
    let line = |(number, item): (u32, &&super::catalogue::Item)| {
        let item = (*item).clone();
        if number == first {
            let part = Part::Header { moves_stock: header_moves };
            return Line { part, ..Line::item(number, item, Milli::units(1), 0, taxation, false) };
        }
        let part = Part::Component { header: first, moves_stock: !header_moves };
        let amounts = Amounts { quantity: Milli::units(1), ..Amounts::default() };
        let thing = Thing::Item(item);
        Line { number, thing, part, is_exempt: false, price_minor: 0, amounts }
    };
    let items: Vec<_> = items.collect();
    if items.len() < 2 { Vec::new() } else { (first..).zip(&items).map(line).collect() }
}

/// What is due for lines.
pub(super) fn due_minor(lines: &[Line]) -> i64 {
    lines.iter().map(|line| line.amounts.gross_minor()).sum()
}

/// What may be paid back of a payment, by the way that it is paid back in: what each tender came
/// to, less the change that was given. `carried_minor` is what goods or a deposit paid; of that
/// cash is paid back.
pub(super) fn paid(payment: &Payment, carried_minor: i64) -> Vec<Paid> {
    let mut paid: Vec<Paid> = Vec::new();
    let mut add = |tender, kind: TenderKind, card: Option<&str>, minor| {
        let known = paid.iter_mut().find(|paid| paid.kind == kind && paid.card.as_deref() == card);
        match known {
            Some(known) => known.left_minor += minor,
            None => {
                let card = card.map(str::to_owned);
                paid.push(Paid { tender, kind, card, left_minor: minor });
            }
        }
    };
    for tender in &payment.tenders {
        let card = match &tender.detail {
            Detail::GiftCard(card) => Some(card.as_str()),
            _ => None,
        };
        match tender.purpose {
            Purpose::Payment => {
                add(Some(tender.number), tender.kind.paid_back_as(), card, tender.amount_minor);
            }
            // Change is cash, and so is what is paid back where something else gave change.
            Purpose::Change => add(None, TenderKind::Cash, None, -tender.amount_minor),
            Purpose::Refund | Purpose::Declined => {}
        }
    }
    if carried_minor > 0 {
        add(None, TenderKind::Cash, None, carried_minor);
    }
    paid
}
