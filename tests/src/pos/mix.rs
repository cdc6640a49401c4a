//! What a register does, in which proportions.
//!
//! Does not do it.

use rand::RngExt;
use rand::rngs::StdRng;

/// How many of all activities are of each kind, in any common unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// Goods brought back for other goods; a sale where nothing can be.
    pub exchange: u32,
    /// Receipts undone; a sale where none can be.
    pub post_void: u32,
    /// Goods brought back without a receipt.
    pub blind_return: u32,
    /// Baskets rung up for practice.
    pub training: u32,
    /// Gift cards issued.
    pub gift_card: u32,
    /// Baskets paid with a gift card; one is issued where there is none.
    pub redemption: u32,
    /// Deposits taken, or the goods handed over that one was taken for.
    pub prepayment: u32,
    /// Money paid into the drawer or out of it.
    pub petty_cash: u32,
    /// Cash taken to the safe or change brought from it.
    pub safe: u32,
    /// Money of one kind changed for another.
    pub tender_exchange: u32,
    /// Money for a customer's account.
    pub account_payment: u32,
    /// Baskets paid with notes of another currency.
    pub foreign_cash: u32,
    /// Baskets with a tip.
    pub tip: u32,
    /// Baskets sold without tax.
    pub exempt: u32,
    /// Baskets with a bundle.
    pub bundle: u32,
    /// Baskets paid in several ways, after a card was declined.
    pub several_tenders: u32,
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
        ..Self::NOTHING
    };

    /// A day on which everything happens that a till knows.
    pub const MIXED_DAY: Self = Self {
        sale: 330,
        take_back: 70,
        void: 20,
        no_sale: 15,
        suspend: 20,
        adjustment: 12,
        receipt: 12,
        count: 6,
        exchange: 80,
        post_void: 40,
        blind_return: 30,
        training: 15,
        gift_card: 25,
        redemption: 35,
        prepayment: 50,
        petty_cash: 25,
        safe: 20,
        tender_exchange: 15,
        account_payment: 15,
        foreign_cash: 30,
        tip: 30,
        exempt: 30,
        bundle: 40,
        several_tenders: 35,
    };

    /// Nothing but sales.
    pub const SALES: Self = Self { sale: 1, ..Self::NOTHING };

    const NOTHING: Self = Self {
        sale: 0,
        take_back: 0,
        void: 0,
        no_sale: 0,
        suspend: 0,
        adjustment: 0,
        receipt: 0,
        count: 0,
        exchange: 0,
        post_void: 0,
        blind_return: 0,
        training: 0,
        gift_card: 0,
        redemption: 0,
        prepayment: 0,
        petty_cash: 0,
        safe: 0,
        tender_exchange: 0,
        account_payment: 0,
        foreign_cash: 0,
        tip: 0,
        exempt: 0,
        bundle: 0,
        several_tenders: 0,
    };

    /// Without counts, for a target that is not told of them.
    #[must_use]
    pub const fn without_counts(self) -> Self {
        Self { count: 0, ..self }
    }

    const fn parts(self) -> [(u32, Activity); 23] {
        [
            (self.take_back, Activity::TakeBack),
            (self.void, Activity::Void),
            (self.no_sale, Activity::NoSale),
            (self.suspend, Activity::Suspend),
            (self.adjustment, Activity::Adjust),
            (self.receipt, Activity::Receive),
            (self.count, Activity::Count),
            (self.exchange, Activity::Exchange),
            (self.post_void, Activity::PostVoid),
            (self.blind_return, Activity::BlindReturn),
            (self.training, Activity::Train),
            (self.gift_card, Activity::IssueGiftCard),
            (self.redemption, Activity::Redeem),
            (self.prepayment, Activity::Prepayment),
            (self.petty_cash, Activity::PettyCash),
            (self.safe, Activity::Safe),
            (self.tender_exchange, Activity::ExchangeTender),
            (self.account_payment, Activity::PayAccount),
            (self.foreign_cash, Activity::SellWith(Twist::ForeignCash)),
            (self.tip, Activity::SellWith(Twist::Tip)),
            (self.exempt, Activity::SellWith(Twist::Exempt)),
            (self.bundle, Activity::SellWith(Twist::Bundle)),
            (self.several_tenders, Activity::SellWith(Twist::SeveralTenders)),
        ]
    }

    pub(super) fn draw(self, chance: &mut StdRng) -> Activity {
        let parts = self.parts();
        let others: u32 = parts.iter().map(|(part, _)| part).sum();
        let mut place = chance.random_range(0..(others + self.sale).max(1));
        for (part, activity) in parts {
            if place < part {
                return activity;
            }
            place -= part;
        }
        Activity::SellWith(Twist::None)
    }
}

/// What a register can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    SellWith(Twist),
    TakeBack,
    Void,
    NoSale,
    Suspend,
    Adjust,
    Receive,
    Count,
    Exchange,
    PostVoid,
    BlindReturn,
    Train,
    IssueGiftCard,
    Redeem,
    Prepayment,
    PettyCash,
    Safe,
    ExchangeTender,
    PayAccount,
}

/// What is particular about a basket that is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    ForeignCash,
    Tip,
    Exempt,
    Bundle,
    SeveralTenders,
}
