//! The words of the books: what an entry is about, and what was paid with.
//!
//! Says how the event spells them. Does not know any amount.

use serde::{Deserialize, Serialize};

/// What an entry is about. A till movement carries its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Goods sold.
    Sale,
    /// Goods back, money back.
    Return,
    /// Goods back and other goods out; the difference is paid, either way.
    Exchange,
    /// An earlier receipt undone.
    PostVoid,
    /// A basket never finished.
    Void,
    /// A basket put aside.
    Suspend,
    /// A basket taken up again.
    Resume,
    /// Goods put by against a part of the price.
    Layaway,
    /// A gift card issued.
    GiftCard,
    /// One kind of money changed for another.
    TenderExchange,
    /// Money for a customer's account.
    AccountPayment,
    /// A basket rung up for practice, which counts nowhere.
    Training,
    /// A till opened.
    Open,
    /// A till closed.
    Close,
    /// The drawer opened without a sale.
    NoSale,
    /// Money put into the drawer.
    PaidIn,
    /// Money taken out of the drawer for an expense.
    PaidOut,
    /// Money taken to the safe.
    Pickup,
    /// Change brought from the safe.
    Loan,
    /// A stock document.
    Stock,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Sale,
        Self::Return,
        Self::Exchange,
        Self::PostVoid,
        Self::Void,
        Self::Suspend,
        Self::Resume,
        Self::Layaway,
        Self::GiftCard,
        Self::TenderExchange,
        Self::AccountPayment,
        Self::Training,
        Self::Open,
        Self::Close,
        Self::NoSale,
        Self::PaidIn,
        Self::PaidOut,
        Self::Pickup,
        Self::Loan,
        Self::Stock,
    ];

    /// The word that the event carries. Practice calls itself a sale there, and has a flag.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sale | Self::Training => "sale",
            Self::Return => "return",
            Self::Exchange => "exchange",
            Self::PostVoid => "post_void",
            Self::Void => "void",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Layaway => "layaway",
            Self::GiftCard => "gift_card",
            Self::TenderExchange => "tender_exchange",
            Self::AccountPayment => "account_payment",
            Self::Open => "open",
            Self::Close => "close",
            Self::NoSale => "no_sale",
            Self::PaidIn => "paid_in",
            Self::PaidOut => "paid_out",
            Self::Pickup => "pickup",
            Self::Loan => "loan",
            Self::Stock => "stock",
        }
    }

    /// Whether it takes a number of the register's counter: stock documents and practice have
    /// numbers of their own.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        !matches!(self, Self::Stock | Self::Training)
    }
}

/// The kinds of money that the simulated stores take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenderKind {
    /// Coins and notes.
    Cash,
    /// A payment card.
    Card,
    /// A telephone.
    Mobile,
    /// A gift card.
    GiftCard,
    /// A voucher for several purposes.
    Voucher,
    /// A cheque.
    Cheque,
    /// The customer's account.
    Account,
    /// Notes of another currency.
    ForeignCash,
}

impl TenderKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Cash,
        Self::Card,
        Self::Mobile,
        Self::GiftCard,
        Self::Voucher,
        Self::Cheque,
        Self::Account,
        Self::ForeignCash,
    ];

    /// The word that the event carries.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Card => "card",
            Self::Mobile => "mobile",
            Self::GiftCard => "gift_card",
            Self::Voucher => "voucher",
            Self::Cheque => "cheque",
            Self::Account => "account",
            Self::ForeignCash => "foreign_cash",
        }
    }

    /// What is paid back where this was paid with: foreign notes and vouchers come back as coins.
    #[must_use]
    pub const fn paid_back_as(self) -> Self {
        match self {
            Self::ForeignCash | Self::Voucher => Self::Cash,
            other => other,
        }
    }
}
