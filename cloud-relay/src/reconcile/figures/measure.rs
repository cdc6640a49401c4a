//! What is summed of a day, each under a word that is stored and shown and never changes.
//!
//! Sums nothing.

use std::fmt;
use std::str::FromStr;

use protocol::event::TenderKind;
use protocol::money::Currency;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A sum of money.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// What went to customers came to, before what came back; rounded where cash was paid.
    Gross,
    /// What came back came to; rounded where it was paid out in cash.
    Returns,
    /// Discounts on what went to customers.
    Discounts,
    /// Cash rounding, signed.
    Rounding,
    /// A tax, what came back taken off.
    Tax {
        /// The POS's code.
        code: String,
        /// The rate in per cent; empty where the POS states none.
        rate: String,
    },
    /// Money taken in of one kind, before change.
    In(TenderKind),
    /// Money given out of one kind: change, refunds, cash back.
    Out(TenderKind),
    /// Money paid into the drawer without a receipt.
    PaidIn,
    /// Money paid out of the drawer without a receipt.
    PaidOut,
    /// Money taken to the safe.
    Pickups,
    /// Change brought from the safe.
    Loans,
    /// Gift cards issued and topped up.
    GiftCardsIssued,
    /// Gift cards paid with.
    GiftCardsRedeemed,
    /// Cash taken in of another currency, in its own minor units.
    ForeignCash(Currency),
}

/// A text is no measure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no measure of a day")]
pub struct MeasureError(String);

/// Every kind of tender.
const TENDERS: [TenderKind; 10] = [
    TenderKind::Cash,
    TenderKind::Card,
    TenderKind::GiftCard,
    TenderKind::StoreCredit,
    TenderKind::Voucher,
    TenderKind::Cheque,
    TenderKind::Account,
    TenderKind::Mobile,
    TenderKind::ForeignCash,
    TenderKind::Other,
];

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gross => f.write_str("gross"),
            Self::Returns => f.write_str("returns"),
            Self::Discounts => f.write_str("discounts"),
            Self::Rounding => f.write_str("rounding"),
            // The rate comes first, because a code may hold anything.
            Self::Tax { code, rate } => write!(f, "tax:{rate}:{code}"),
            Self::In(kind) => write!(f, "in:{}", kind.as_str()),
            Self::Out(kind) => write!(f, "out:{}", kind.as_str()),
            Self::PaidIn => f.write_str("paid_in"),
            Self::PaidOut => f.write_str("paid_out"),
            Self::Pickups => f.write_str("pickups"),
            Self::Loans => f.write_str("loans"),
            Self::GiftCardsIssued => f.write_str("gift_cards_issued"),
            Self::GiftCardsRedeemed => f.write_str("gift_cards_redeemed"),
            Self::ForeignCash(currency) => write!(f, "foreign_cash:{currency}"),
        }
    }
}

impl FromStr for Measure {
    type Err = MeasureError;
    fn from_str(text: &str) -> Result<Self, MeasureError> {
        let refuse = || MeasureError(text.to_owned());
        let tender = |word: &str| {
            let known = TENDERS.into_iter().find(|kind| kind.as_str() == word);
            known.ok_or_else(refuse)
        };
        Ok(match text.split_once(':') {
            Some(("tax", rest)) => {
                let (rate, code) = rest.split_once(':').ok_or_else(refuse)?;
                Self::Tax { code: code.to_owned(), rate: rate.to_owned() }
            }
            Some(("in", word)) => Self::In(tender(word)?),
            Some(("out", word)) => Self::Out(tender(word)?),
            Some(("foreign_cash", code)) => {
                Self::ForeignCash(Currency::new(code).map_err(|_| refuse())?)
            }
            Some(_) => return Err(refuse()),
            None => match text {
                "gross" => Self::Gross,
                "returns" => Self::Returns,
                "discounts" => Self::Discounts,
                "rounding" => Self::Rounding,
                "paid_in" => Self::PaidIn,
                "paid_out" => Self::PaidOut,
                "pickups" => Self::Pickups,
                "loans" => Self::Loans,
                "gift_cards_issued" => Self::GiftCardsIssued,
                "gift_cards_redeemed" => Self::GiftCardsRedeemed,
                _ => return Err(refuse()),
            },
        })
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
