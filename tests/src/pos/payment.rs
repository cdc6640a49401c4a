//! How a customer pays, and how the store pays back.
//!
//! Does not know what was bought.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

use super::books::{Flow, TenderKind};
use super::figures::{in_coins, share};

/// How many of a hundred customers pay by card, by cash, by telephone; the rest pay a part with a
/// gift card and what remains in cash. Made up in the proportions of a European food shop.
const BY_CARD: u32 = 56;
const BY_CASH: u32 = 34;
const BY_TELEPHONE: u32 = 6;

/// What cash is handed over in, in minor units: exact coins, or the next multiple of a note.
const NOTES_MINOR: [i64; 5] = [0, 500, 1_000, 2_000, 5_000];

/// The other currency that is taken: its notes, in its minor units, and what a hundred of it are
/// worth in the store's.
const FOREIGN_CURRENCY: &str = "USD";
const FOREIGN_NOTE_MINOR: i64 = 500;
const FOREIGN_RATE_PERCENT: i64 = 92;

/// What a tender is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Payment,
    Change,
    Refund,
    /// Refused by whoever would have paid; counts nowhere.
    Declined,
}

/// Which way money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToStore,
    ToCustomer,
}

/// What else is known of a tender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Detail {
    Nothing,
    /// The gift card's token.
    GiftCard(String),
    /// Notes of another currency, in its minor units.
    Foreign {
        minor: i64,
    },
}

/// One tender of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tender {
    pub(super) number: u32,
    pub(super) kind: TenderKind,
    pub(super) purpose: Purpose,
    pub(super) way: Way,
    pub(super) amount_minor: i64,
    /// For a refund: the tender of the sale.
    pub(super) original: Option<u32>,
    pub(super) detail: Detail,
}

/// A receipt's payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Payment {
    /// Signed: what was due plus this is what is paid.
    pub(super) rounding_minor: i64,
    pub(super) tenders: Vec<Tender>,
}

impl Payment {
    /// Pays what is due; cash is rounded to coins of `coin_minor`.
    pub(super) fn of(due_minor: i64, coin_minor: i64, chance: &mut StdRng) -> Self {
        let mut payment = Self::default();
        let draw = chance.random_range(0..100);
        if due_minor == 0 {
            return payment;
        }
        if draw < BY_CARD {
            payment.add(TenderKind::Card, Purpose::Payment, due_minor);
        } else if draw < BY_CARD + BY_CASH {
            payment.cash(due_minor, coin_minor, chance);
        } else if draw < BY_CARD + BY_CASH + BY_TELEPHONE {
            payment.add(TenderKind::Mobile, Purpose::Payment, due_minor);
        } else {
            let part = chance.random_range(1..=due_minor);
            payment.add(TenderKind::GiftCard, Purpose::Payment, part);
            if part < due_minor {
                payment.cash(due_minor - part, coin_minor, chance);
            }
        }
        payment
    }

    /// Pays with notes of another currency; change is the store's own coins.
    pub(super) fn in_foreign_cash(due_minor: i64, coin_minor: i64) -> Self {
        let mut payment = Self::default();
        if due_minor == 0 {
            return payment;
        }
        let worth = |minor| share(minor, FOREIGN_RATE_PERCENT, 100);
        // A minor unit more than the exact price, because what it is worth is rounded.
        let least = share(due_minor, 100, FOREIGN_RATE_PERCENT) + 1;
        let minor = (least + FOREIGN_NOTE_MINOR - 1) / FOREIGN_NOTE_MINOR * FOREIGN_NOTE_MINOR;
        let amount_minor = worth(minor);
        let change_minor = in_coins(amount_minor - due_minor, coin_minor);
        payment.rounding_minor = amount_minor - change_minor - due_minor;
        let foreign = Detail::Foreign { minor };
        payment.add_known(TenderKind::ForeignCash, Purpose::Payment, amount_minor, foreign);
        if change_minor > 0 {
            payment.add(TenderKind::Cash, Purpose::Change, change_minor);
        }
        payment
    }

    /// Pays in several ways, after a card that was declined: a voucher, a cheque or the customer's
    /// account, then a card, and the rest in cash.
    pub(super) fn in_several(due_minor: i64, coin_minor: i64, chance: &mut StdRng) -> Self {
        let mut payment = Self::default();
        if due_minor == 0 {
            return payment;
        }
        payment.add(TenderKind::Card, Purpose::Declined, due_minor);
        let kinds = [TenderKind::Voucher, TenderKind::Cheque, TenderKind::Account];
        let mut open = due_minor;
        for kind in [kinds[chance.random_range(0..kinds.len())], TenderKind::Card] {
            let part = chance.random_range(0..=open);
            if part > 0 {
                payment.add(kind, Purpose::Payment, part);
                open -= part;
            }
        }
        payment.cash(open, coin_minor, chance);
        payment
    }

    /// Pays with a gift card as far as it reaches, and the rest by card.
    pub(super) fn with_gift_card(due_minor: i64, card: &str, balance_minor: i64) -> Self {
        let mut payment = Self::default();
        let part = due_minor.min(balance_minor);
        if part > 0 {
            let detail = Detail::GiftCard(card.to_owned());
            payment.add_known(TenderKind::GiftCard, Purpose::Payment, part, detail);
        }
        if due_minor > part {
            payment.add(TenderKind::Card, Purpose::Payment, due_minor - part);
        }
        payment
    }

    /// Pays by card alone.
    pub(super) fn by_card(due_minor: i64) -> Self {
        let mut payment = Self::default();
        if due_minor > 0 {
            payment.add(TenderKind::Card, Purpose::Payment, due_minor);
        }
        payment
    }

    /// Pays back in cash.
    pub(super) fn back_in_cash(due_minor: i64, coin_minor: i64) -> Self {
        let mut payment = Self::default();
        let in_cash = in_coins(due_minor, coin_minor);
        payment.rounding_minor = due_minor - in_cash;
        if in_cash > 0 {
            payment.add(TenderKind::Cash, Purpose::Refund, in_cash);
        }
        payment
    }

    /// Money of one kind for money of another.
    pub(super) fn exchanged(
        given: TenderKind,
        handed_out: TenderKind,
        purpose: Purpose,
        amount_minor: i64,
    ) -> Self {
        let mut payment = Self::default();
        payment.add(given, Purpose::Payment, amount_minor);
        payment.add(handed_out, purpose, amount_minor);
        payment
    }

    fn cash(&mut self, due_minor: i64, coin_minor: i64, chance: &mut StdRng) {
        let in_cash = in_coins(due_minor, coin_minor);
        self.rounding_minor = in_cash - due_minor;
        if in_cash == 0 {
            return;
        }
        let note = NOTES_MINOR[chance.random_range(0..NOTES_MINOR.len())];
        let given = if note == 0 { in_cash } else { (in_cash + note - 1) / note * note };
        self.add(TenderKind::Cash, Purpose::Payment, given);
        if given > in_cash {
            self.add(TenderKind::Cash, Purpose::Change, given - in_cash);
        }
    }

    fn add(&mut self, kind: TenderKind, purpose: Purpose, amount_minor: i64) {
        self.add_known(kind, purpose, amount_minor, Detail::Nothing);
    }

    fn add_known(&mut self, kind: TenderKind, purpose: Purpose, amount_minor: i64, detail: Detail) {
        let number = next_number(&self.tenders);
        let way = match purpose {
            Purpose::Payment | Purpose::Declined => Way::ToStore,
            Purpose::Change | Purpose::Refund => Way::ToCustomer,
        };
        let original = None;
        self.tenders.push(Tender { number, kind, purpose, way, amount_minor, original, detail });
    }

    /// The same money the other way, as a post void moves it.
    pub(super) fn reversed(&self) -> Self {
        let turned = |tender: &Tender| Tender {
            way: match tender.way {
                Way::ToStore => Way::ToCustomer,
                Way::ToCustomer => Way::ToStore,
            },
            ..tender.clone()
        };
        let tenders = self.tenders.iter().map(turned).collect();
        Self { rounding_minor: -self.rounding_minor, tenders }
    }

    /// Whether notes of another currency changed hands.
    pub(super) fn is_foreign(&self) -> bool {
        self.tenders.iter().any(|tender| tender.kind == TenderKind::ForeignCash)
    }

    /// The tenders as the books keep them.
    pub(super) fn flows(&self) -> BTreeMap<TenderKind, Flow> {
        let mut flows: BTreeMap<TenderKind, Flow> = BTreeMap::new();
        for tender in self.tenders.iter().filter(|tender| tender.counts()) {
            let flow = flows.entry(tender.kind).or_default();
            match tender.way {
                Way::ToStore => flow.in_minor += tender.amount_minor,
                Way::ToCustomer => flow.out_minor += tender.amount_minor,
            }
        }
        flows
    }

    /// Notes of other currencies that were taken, by currency.
    pub(super) fn foreign_cash(&self) -> BTreeMap<String, i64> {
        let mut taken = BTreeMap::new();
        for tender in &self.tenders {
            if let Detail::Foreign { minor } = tender.detail {
                *taken.entry(FOREIGN_CURRENCY.to_owned()).or_default() += minor;
            }
        }
        taken
    }
}

impl Tender {
    pub(super) fn counts(&self) -> bool {
        self.purpose != Purpose::Declined
    }

    /// The currency, minor units and rate of notes of another currency.
    pub(super) fn foreign(&self) -> Option<(&'static str, i64, String)> {
        match self.detail {
            Detail::Foreign { minor } => {
                Some((FOREIGN_CURRENCY, minor, format!("0.{FOREIGN_RATE_PERCENT:02}")))
            }
            Detail::Nothing | Detail::GiftCard(_) => None,
        }
    }
}

/// The number of the tender that follows.
pub(super) fn next_number(tenders: &[Tender]) -> u32 {
    u32::try_from(tenders.len() + 1).expect("a receipt has few tenders")
}
