//! What a register does, in which proportions.
//!
//! Does not do it.

use rand::RngExt;
use rand::rngs::StdRng;

/// How many of all activities are of each kind, in any common unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// Baskets sold.
    pub sale: u32,
    /// Goods brought back; a sale where nothing can be.
    pub take_back: u32,
    /// Baskets never finished.
    pub void: u32,
    /// Drawers opened without a sale.
    pub no_sale: u32,
    /// Baskets put aside; each is taken up again and then sold.
    pub suspend: u32,
    /// Corrections of stock.
    pub adjustment: u32,
    /// Goods received.
    pub receipt: u32,
    /// Items counted.
    pub count: u32,
}

impl Mix {
    /// A day of a shop.
    pub const EVERYDAY: Self = Self {
        sale: 880,
        take_back: 40,
        void: 20,
        no_sale: 15,
        suspend: 15,
        adjustment: 12,
        receipt: 12,
        count: 6,
    };

    /// Nothing but sales.
    pub const SALES: Self = Self {
        sale: 1,
        take_back: 0,
        void: 0,
        no_sale: 0,
        suspend: 0,
        adjustment: 0,
        receipt: 0,
        count: 0,
    };

    /// Without counts, for a target that is not told of them.
    #[must_use]
    pub const fn without_counts(self) -> Self {
        Self { count: 0, ..self }
    }

    pub(super) fn draw(self, chance: &mut StdRng) -> Activity {
        let parts = [
            (self.take_back, Activity::TakeBack),
            (self.void, Activity::Void),
            (self.no_sale, Activity::NoSale),
            (self.suspend, Activity::Suspend),
            (self.adjustment, Activity::Adjust),
            (self.receipt, Activity::Receive),
            (self.count, Activity::Count),
        ];
        let others: u32 = parts.iter().map(|(part, _)| part).sum();
        let mut place = chance.random_range(0..(others + self.sale).max(1));
        for (part, activity) in parts {
            if place < part {
                return activity;
            }
            place -= part;
        }
        Activity::Sell
    }
}

/// What a register can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    Sell,
    TakeBack,
    Void,
    NoSale,
    Suspend,
    Adjust,
    Receive,
    Count,
}
