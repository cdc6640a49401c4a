//! What a reader has to know of a day, from its registers' figures alone.
//!
//! Asks nobody; what targets say is found in `compare`.

use std::collections::BTreeMap;

use protocol::id::{RegisterId, TargetId};
use protocol::money::{Currency, Money};

use super::figures::{Gap, GapState, Stated};
use super::gather::is_missing;
use super::receipts::Receipt;
use super::report::{DayReport, Finding, FindingKind, RegisterReport, ZReport};

fn finding(kind: FindingKind, register: Option<&RegisterReport>, text: String) -> Finding {
    Finding {
        kind,
        register: register.map(|it| it.register.clone()),
        receipt: None,
        target: None,
        amount: None,
        text,
    }
}

/// Everything that the registers and the agents say.
pub(super) fn of_report(report: &DayReport) -> Vec<Finding> {
    let mut found = Vec::new();
    if !report.agent.is_level {
        let words = &report.agent.words;
        let text = format!("store {}: {words}; more of this day may come", report.store);
        found.push(finding(FindingKind::Unknown, None, text));
    }
    for register in &report.registers {
        let zs = register.zs.iter().filter_map(|z| z_difference(register, z));
        found.extend(zs);
        found.extend(register.gaps.iter().map(|gap| of_gap(register, gap)));
        found.extend(twice(register));
        found.extend(register.supplement.iter().filter(|it| it.count > 0).map(|column| {
            let text = format!(
                "{} receipts of register {} came after its Z: a supplement of {}",
                column.count, register.register, column.amount
            );
            let amount = Some(column.amount);
            Finding { amount, ..finding(FindingKind::Supplement, Some(register), text) }
        }));
        if register.is_closed && !register.suspended.is_empty() {
            let text = format!(
                "{} baskets of register {} were put aside and not taken up again before it closed",
                register.suspended.len(),
                register.register
            );
            let receipt = Some(register.suspended.join(", "));
            let kind = FindingKind::Suspended;
            found.push(Finding { receipt, ..finding(kind, Some(register), text) });
        }
    }
    found
}

fn z_difference(register: &RegisterReport, z: &ZReport) -> Option<Finding> {
    let differing: Vec<&Stated> = z.figures.iter().filter(|figure| !figure.holds()).collect();
    let largest = differing
        .iter()
        .filter_map(|figure| figure.currency.map(|currency| Money::new(figure.minor(), currency)));
    let amount = largest.max_by_key(|money| money.minor.saturating_abs());
    if differing.is_empty() {
        return None;
    }
    let name = z.number.map_or_else(|| "the Z".to_owned(), |number| format!("Z {number}"));
    let words: Vec<String> = differing.iter().map(|figure| figure.words()).collect();
    let text = format!("{name} of register {}: {}", register.register, words.join("; "));
    Some(Finding { amount, ..finding(FindingKind::ZDifference, Some(register), text) })
}

fn of_gap(register: &RegisterReport, gap: &Gap) -> Finding {
    let numbers = if gap.first == gap.last {
        gap.first.clone()
    } else {
        format!("{} to {}", gap.first, gap.last)
    };
    let text = match (gap.state, &gap.reason) {
        (GapState::Declared, reason) => format!(
            "receipt numbers {numbers} of register {} are not there: {}",
            register.register,
            reason.as_deref().unwrap_or("declared")
        ),
        (GapState::Pending, _) => {
            format!("receipt numbers {numbers} of register {} are not there yet", register.register)
        }
        (GapState::Missing, _) => format!(
            "receipt numbers {numbers} of register {} never came, and nothing is waiting at the \
             store",
            register.register
        ),
    };
    let kind = match gap.state {
        _ if is_missing(gap) => FindingKind::MissingNumbers,
        GapState::Declared => FindingKind::Settled,
        GapState::Pending | GapState::Missing => FindingKind::PendingNumbers,
    };
    Finding { receipt: Some(numbers), ..finding(kind, Some(register), text) }
}

fn twice(register: &RegisterReport) -> Option<Finding> {
    let (named, count) = &register.twice;
    let first = named.first()?;
    let text = format!(
        "{count} receipt numbers of register {} stand twice with different kinds (the second one \
         of {} is {}): the counter went back, or the POS counts its kinds apart",
        register.register, first.receipt, first.kind
    );
    let numbers: Vec<_> = named.iter().map(|it| it.receipt.as_str()).collect();
    let receipt = Some(numbers.join(", "));
    Some(Finding { receipt, ..finding(FindingKind::NumberTwice, Some(register), text) })
}

/// A target that gave no answer.
pub(super) fn unread(target: &TargetId, reason: &str) -> Finding {
    let text = format!("{target} could not be read back: {reason}");
    Finding { target: Some(target.clone()), ..finding(FindingKind::Unread, None, text) }
}

/// Where the figures, which are kept with each commit, are not what the receipts add up to: the
/// relay holds itself to its own rule.
pub(super) fn inexact(registers: &[RegisterReport], receipts: &[Receipt]) -> Vec<Finding> {
    let mut sums: BTreeMap<(&RegisterId, Currency), i64> = BTreeMap::new();
    for receipt in receipts {
        if let Some(money) = receipt.brought_in {
            *sums.entry((&receipt.register, money.currency)).or_default() += money.minor;
        }
    }
    let mut found = Vec::new();
    for register in registers {
        for column in &register.relay {
            let currency = column.amount.currency;
            let summed = sums.remove(&(&register.register, currency)).unwrap_or_default();
            if summed != column.amount.minor {
                let text = format!(
                    "the relay's figures of register {} come to {}, its receipts to {}: report it",
                    register.register,
                    column.amount,
                    Money::new(summed, currency)
                );
                let amount = Some(Money::new(column.amount.minor - summed, currency));
                let kind = FindingKind::Inexact;
                found.push(Finding { amount, ..finding(kind, Some(register), text) });
            }
        }
    }
    found
}
