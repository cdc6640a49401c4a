//! What customer and store settle on one receipt: lines out, lines back, and the payment; and what
//! of it the books keep.
//!
//! Does not write JSON and does not count receipts.

use std::collections::BTreeMap;

use super::books::{Change, Figures, Goods, Kind, Tax};
use super::catalogue::TaxCode;
use super::figures::Milli;
use super::line::{Line, Thing};
use super::payment::Payment;
use super::refund::{BackLine, Source};
use super::sale;

/// One receipt.
#[derive(Debug, Clone)]
pub(super) struct Deal {
    pub(super) kind: Kind,
    pub(super) out: Vec<Line>,
    pub(super) back: Vec<BackLine>,
    pub(super) payment: Payment,
}

impl Deal {
    /// Goods to the customer, paid for.
    pub(super) const fn sale(lines: Vec<Line>, payment: Payment) -> Self {
        Self { kind: Kind::Sale, out: lines, back: Vec::new(), payment }
    }

    /// What goes out comes to, before cash rounding.
    pub(super) fn out_minor(&self) -> i64 {
        sale::due_minor(&self.out)
    }

    /// What comes back comes to, before cash rounding.
    pub(super) fn back_minor(&self) -> i64 {
        back_minor(&self.back)
    }

    /// What is paid; negative if the store pays.
    pub(super) fn total_minor(&self) -> i64 {
        self.out_minor() - self.back_minor() + self.payment.rounding_minor
    }

    /// The money side.
    pub(super) fn figures(&self) -> Figures {
        let (out_minor, back_minor) = (self.out_minor(), self.back_minor());
        let rounding_minor = self.payment.rounding_minor;
        // Cash is rounded on the side that is paid.
        let (rounded_out, rounded_back) =
            if out_minor >= back_minor { (rounding_minor, 0) } else { (0, -rounding_minor) };
        let mut taxes: BTreeMap<TaxCode, Tax> = BTreeMap::new();
        let back = self.back.iter().map(|back| (&back.line, -1));
        for (line, sign) in self.out.iter().map(|line| (line, 1)).chain(back) {
            for (code, amount) in &line.amounts.taxes {
                let tax = taxes.entry(*code).or_default();
                tax.base_minor += sign * line.amounts.base_minor();
                tax.amount_minor += sign * amount;
            }
        }
        let cards = self.out.iter().filter(|line| matches!(line.thing, Thing::GiftCard(_)));
        Figures {
            sold_minor: out_minor + rounded_out,
            returned_minor: back_minor + rounded_back,
            discounts_minor: self.out.iter().map(|line| line.amounts.discount_minor()).sum(),
            rounding_minor,
            taxes,
            tenders: self.payment.flows(),
            gift_cards_issued_minor: cards.map(|line| line.amounts.total_minor).sum(),
            foreign_cash_minor: self.payment.foreign_cash(),
            ..Figures::default()
        }
    }

    /// What went over the counter.
    pub(super) fn goods(&self) -> Goods {
        let mut goods = Goods::default();
        if !self.out.is_empty() {
            goods.out_minor = Some(self.out_minor());
        }
        for back in &self.back {
            let sum = match back.source {
                Source::Receipt(_) | Source::Undone => &mut goods.back_minor,
                Source::Blind | Source::Deposit => &mut goods.unplaced_minor,
            };
            *sum = Some(sum.unwrap_or_default() + back.line.amounts.gross_minor());
        }
        goods
    }

    /// The stock side: what is damaged does not go back on the shelf.
    pub(super) fn stock(&self) -> Vec<(String, Change)> {
        let moved = |line: &Line, sign: i64| {
            let change = Change::By(Milli(sign * line.amounts.quantity.0));
            line.stocked().map(|item| (item.sku.clone(), change))
        };
        let sellable = self.back.iter().filter(|back| !back.is_damaged);
        let out = self.out.iter().filter_map(|line| moved(line, -1));
        out.chain(sellable.filter_map(|back| moved(&back.line, 1))).collect()
    }
}

/// What lines that come back come to.
pub(super) fn back_minor(lines: &[BackLine]) -> i64 {
    lines.iter().map(|back| back.line.amounts.gross_minor()).sum()
}
