//! What a Z says against what the receipts come to.
//!
//! Only what the Z states is compared: each of its figures is optional. Money of one kind is
//! compared as what stayed, taken in less given out, because some tills count change on both sides
//! and some on neither. What was counted over or short is carried as reported: it is the drawer's
//! difference, not the receipts'. Repairs nothing and refuses nothing.

use protocol::event::ZReport;
use protocol::event::till::ZTender;
use protocol::money::{Currency, Money};
use serde::{Deserialize, Serialize};

use super::{Measure, Totals};

/// A figure that a Z states, beside what its receipts come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stated {
    /// The word under which it is listed (`Totals::listed`).
    pub key: String,
    /// What is summed, in words.
    pub measure: String,
    /// The currency of both; none for a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// What the Z states.
    pub stated: i64,
    /// What the receipts come to.
    pub found: i64,
}

/// A Z that differs from its receipts: what a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZDifference {
    /// Why, in one sentence with the figures.
    pub reason: String,
    /// The largest difference of money.
    pub amount: Option<Money>,
}

impl Stated {
    /// Whether the receipts bear it out.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.stated == self.found
    }

    /// The figures in words.
    #[must_use]
    pub fn words(&self) -> String {
        let shown = |minor: i64| match self.currency {
            Some(currency) => Money::new(minor, currency).to_string(),
            None => minor.to_string(),
        };
        format!(
            "{}: the Z says {}, the receipts {}",
            self.measure,
            shown(self.stated),
            shown(self.found)
        )
    }

    /// By how much the Z says more.
    #[must_use]
    pub const fn minor(&self) -> i64 {
        self.stated.saturating_sub(self.found)
    }
}

/// Every figure of a Z beside what the receipts that it covers come to.
pub(super) fn compare(z: &ZReport, totals: &Totals, currency: Option<Currency>) -> Vec<Stated> {
    let mut found = Vec::new();
    for (kind, stated) in &z.counts {
        let counted = totals.count(kind.as_str());
        found.push(Stated {
            key: format!("count:{kind}"),
            measure: format!("number of {kind}"),
            currency: None,
            stated: i64::try_from(*stated).unwrap_or(i64::MAX),
            found: i64::try_from(counted).unwrap_or(i64::MAX),
        });
    }
    let Some(currency) = currency else { return found };
    let mut check = |key: &str, measure: &str, stated: Option<i64>, counted: i64| {
        if let Some(stated) = stated {
            let (key, measure, currency) = (key.to_owned(), measure.to_owned(), Some(currency));
            found.push(Stated { key, measure, currency, stated, found: counted });
        }
    };
    let sum = |measure: Measure| totals.minor(currency, &measure);
    let gross = z.gross.map(|gross| gross.minor());
    match z.returns {
        // Tills disagree on which side an exchange stands; what it comes to they agree on.
        Some(returns) => check(
            "net_sales",
            "sales less returns",
            gross.map(|gross| gross - returns.minor()),
            sum(Measure::Gross) - sum(Measure::Returns),
        ),
        None => check("gross", "sales before returns", gross, sum(Measure::Gross)),
    }
    check("discounts", "discounts", z.discounts.map(|it| it.minor()), sum(Measure::Discounts));
    check("rounding", "cash rounding", z.rounding.map(|it| it.minor()), sum(Measure::Rounding));
    for tax in z.tax.iter() {
        let rate = tax.rate.map(|rate| rate.value().normalize().to_string());
        let counted = tax_of(totals, currency, tax.code.as_str(), rate.as_deref());
        let key = format!("tax:{}:{}", rate.as_deref().unwrap_or_default(), tax.code);
        let rate = rate.map(|rate| format!(" at {rate} %")).unwrap_or_default();
        check(&key, &format!("tax {}{rate}", tax.code), Some(tax.amount.minor()), counted);
    }
    for tender in z.tenders.iter() {
        let counted = sum(Measure::In(tender.kind)) - sum(Measure::Out(tender.kind));
        let word = tender.kind.as_str();
        check(&format!("stayed:{word}"), word, stayed(tender), counted);
    }
    check("paid_in", "paid in", z.paid_in.map(|it| it.minor()), sum(Measure::PaidIn));
    check("paid_out", "paid out", z.paid_out.map(|it| it.minor()), sum(Measure::PaidOut));
    check("pickups", "taken to the safe", z.pickups.map(|it| it.minor()), sum(Measure::Pickups));
    check("loans", "brought from the safe", z.loans.map(|it| it.minor()), sum(Measure::Loans));
    if let Some(cards) = &z.gift_cards {
        let [issued, redeemed] =
            [cards.issued, cards.redeemed].map(|amount| amount.map(|it| it.minor()));
        let counted = sum(Measure::GiftCardsIssued);
        check("gift_cards_issued", "gift cards issued", issued, counted);
        let counted = sum(Measure::GiftCardsRedeemed);
        check("gift_cards_redeemed", "gift cards redeemed", redeemed, counted);
    }
    for cash in z.foreign_cash.iter() {
        let Some(stated) = cash.money_in.map(|it| it.minor()) else { continue };
        let counted = sum(Measure::ForeignCash(cash.currency));
        found.push(Stated {
            key: format!("foreign_cash:{}", cash.currency),
            measure: format!("cash in {}", cash.currency),
            currency: Some(cash.currency),
            stated,
            found: counted,
        });
    }
    found
}

/// What stayed of one kind of money, as the Z states it.
fn stayed(tender: &ZTender) -> Option<i64> {
    match (tender.money_in, tender.money_out) {
        (None, None) => None,
        (money_in, money_out) => Some(
            money_in.map_or(0, |amount| amount.minor())
                - money_out.map_or(0, |amount| amount.minor()),
        ),
    }
}

/// The tax of a code, of one rate if the Z names it.
fn tax_of(totals: &Totals, currency: Currency, code: &str, rate: Option<&str>) -> i64 {
    let sums = totals.money.get(&currency).into_iter().flatten();
    let of_code = sums.filter(|(measure, _)| match measure {
        Measure::Tax { code: own, rate: own_rate } => {
            own == code && rate.is_none_or(|rate| rate == own_rate)
        }
        _ => false,
    });
    of_code.map(|(_, minor)| minor).sum()
}

/// What a person is told of a Z that differs; nothing if none does.
pub(super) fn told(
    number: Option<u64>,
    register: &str,
    date: &str,
    figures: &[Stated],
) -> Option<ZDifference> {
    let differences: Vec<&Stated> = figures.iter().filter(|figure| !figure.holds()).collect();
    if differences.is_empty() {
        return None;
    }
    let name = number.map_or_else(|| "the Z".to_owned(), |number| format!("Z {number}"));
    let words: Vec<String> = differences.iter().map(|figure| figure.words()).collect();
    let amounts = differences.iter().filter_map(|figure| {
        let minor = figure.minor().saturating_abs();
        figure.currency.map(|currency| Money::new(minor, currency))
    });
    Some(ZDifference {
        reason: format!(
            "{name} of register {register} on {date} differs from its receipts; {}",
            words.join("; ")
        ),
        amount: amounts.max_by_key(|money| money.minor),
    })
}
