//! How a customer pays.
//!
//! Does not know what was bought.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

use super::books::{Flow, TenderKind};
use super::figures::in_coins;

/// How many of a hundred customers pay by card, by cash, by telephone; the rest pay a part with a
/// gift card and what remains in cash. Made up in the proportions of a European food shop.
const BY_CARD: u32 = 56;
const BY_CASH: u32 = 34;
const BY_TELEPHONE: u32 = 6;

/// What cash is handed over in, in minor units: exact coins, or the next multiple of a note.
const NOTES_MINOR: [i64; 5] = [0, 500, 1_000, 2_000, 5_000];

/// What a tender is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Payment,
    Change,
    Refund,
}

/// One tender of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tender {
    pub(super) number: u32,
    pub(super) kind: TenderKind,
    pub(super) purpose: Purpose,
    pub(super) amount_minor: i64,
    /// For a refund: the tender of the sale.
    pub(super) original: Option<u32>,
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
        let number = next_number(&self.tenders);
        self.tenders.push(Tender { number, kind, purpose, amount_minor, original: None });
    }

    /// The tenders as the books keep them.
    pub(super) fn flows(&self) -> BTreeMap<TenderKind, Flow> {
        let mut flows: BTreeMap<TenderKind, Flow> = BTreeMap::new();
        for tender in &self.tenders {
            let flow = flows.entry(tender.kind).or_default();
            match tender.purpose {
                Purpose::Payment => flow.in_minor += tender.amount_minor,
                Purpose::Change | Purpose::Refund => flow.out_minor += tender.amount_minor,
            }
        }
        flows
    }
}

/// The number of the tender that follows.
pub(super) fn next_number(tenders: &[Tender]) -> u32 {
    u32::try_from(tenders.len() + 1).expect("a receipt has few tenders")
}
