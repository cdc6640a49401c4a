//! A register's receipt numbers of one day: which there are, which are missing, which stand twice.
//!
//! Numbers that follow each other are kept as one range, so that a day without a gap is two
//! numbers however many receipts it has. A number is the digits at the end of what the POS printed;
//! what stands before it, and the counter's round, make a series of their own. Does not decide
//! whether what is missing may still come.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Ranges that are kept of one series. In order of coming a day has one and a few gaps more; beyond
/// this, numbers are no sequence, and it is said so in place of ten thousand gaps.
const RANGES_MAX: usize = 2_000;

/// Numbers that stand twice and are named; more are only counted.
const TWICE_MAX: usize = 50;

/// Digits that fit a number.
const DIGITS_MAX: usize = 18;

/// The numbers of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Numbers {
    /// By the counter's round and what stands before the digits.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    series: BTreeMap<String, Series>,
    /// Numbers that came a second time with another kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    twice: Vec<Twice>,
    /// How many there were, named or not.
    twice_count: u64,
    /// What people declared of numbers that are not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    declared: Vec<Declared>,
}

/// One series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series {
    /// How many digits the POS prints.
    width: usize,
    /// First and last of each stretch without a gap, ascending.
    ranges: Vec<(u64, u64)>,
    /// What a Z says the day spans.
    stated: Option<(u64, u64)>,
    /// Whether there were more ranges than are kept.
    scattered: bool,
}

/// A number that came a second time, with another kind of event: the counter went back, or the POS
/// counts its kinds apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Twice {
    /// The number as printed.
    pub receipt: String,
    /// The kind of the one that came second.
    pub kind: String,
}

/// What a person declared of numbers that are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Declared {
    /// The first, as printed.
    pub first: String,
    /// The last, as printed.
    pub last: String,
    /// Why they are not there, in the person's words.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What is known of numbers that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapState {
    /// They may still come.
    Pending,
    /// A person said why they are not there.
    Declared,
    /// The day is closed, everything is here, and they are not.
    Missing,
}

impl GapState {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Declared => "declared",
            Self::Missing => "missing",
        }
    }
}

/// Numbers that are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The first, as printed.
    pub first: String,
    /// The last, as printed.
    pub last: String,
    /// How many.
    pub count: u64,
    /// What is known of them.
    pub state: GapState,
    /// Why, if a person declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a register's counter went on from its day before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Nothing is known of a day before.
    Unknown,
    /// By the next number.
    Continues,
    /// It began again, which is legal because the business date moved on.
    Resets,
    /// Numbers between the two days are not there.
    Leaves(Gap),
}

/// A printed number as series, number and digits.
fn parsed(receipt: &str, cycle: u32) -> Option<(String, u64, usize)> {
    let digits = receipt.bytes().rev().take_while(u8::is_ascii_digit).count().min(DIGITS_MAX);
    let (prefix, digits) = receipt.split_at(receipt.len() - digits);
    let number = digits.parse().ok()?;
    Some((format!("{cycle}/{prefix}"), number, digits.len()))
}

/// A number as it is printed.
fn printed(series: &str, number: u64, width: usize) -> String {
    let prefix = series.split_once('/').map_or("", |(_, prefix)| prefix);
    format!("{prefix}{number:0width$}")
}

impl Numbers {
    /// Takes a number in; one without digits belongs to no sequence.
    pub(super) fn take(&mut self, receipt: &str, cycle: u32, kind: &str) {
        let Some((name, number, width)) = parsed(receipt, cycle) else { return };
        let series = self.series.entry(name).or_default();
        if series.width == 0 {
            series.width = width;
        }
        if !series.insert(number) {
            self.twice_count += 1;
            if self.twice.len() < TWICE_MAX {
                self.twice.push(Twice { receipt: receipt.to_owned(), kind: kind.to_owned() });
            }
        }
    }

    /// Notes which numbers a Z says that it covers.
    pub(super) fn stated(&mut self, first: &str, last: &str, cycle: u32) {
        let (Some((name, first, width)), Some((same, last, _))) =
            (parsed(first, cycle), parsed(last, cycle))
        else {
            return;
        };
        if name != same || first > last {
            return;
        }
        let series = self.series.entry(name).or_default();
        if series.width == 0 {
            series.width = width;
        }
        let (before, after) = series.stated.unwrap_or((first, last));
        series.stated = Some((before.min(first), after.max(last)));
    }

    /// Notes what a person declared.
    pub fn declare(&mut self, declared: Declared) {
        self.declared.push(declared);
    }

    /// What is not there. `open` says whether it may still come.
    #[must_use]
    pub fn gaps(&self, open: bool) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (name, series) in &self.series {
            let holes = series.holes().into_iter();
            gaps.extend(holes.map(|hole| self.gap(name, series.width, hole, open)));
        }
        gaps
    }

    /// The numbers that stand twice, and how many there are.
    #[must_use]
    pub fn twice(&self) -> (&[Twice], u64) {
        (&self.twice, self.twice_count)
    }

    /// Whether some series has no order that gaps could be told from.
    #[must_use]
    pub fn is_scattered(&self) -> bool {
        self.series.values().any(|series| series.scattered)
    }

    /// How the register's counter went on from its day before. `open` as in [`Numbers::gaps`].
    #[must_use]
    pub fn after(&self, before: &Self, open: bool) -> Counter {
        // The counter's first round goes on from the last one of the day before.
        let Some((name, own)) = self.series.iter().next() else { return Counter::Unknown };
        let prefix = |name: &str| name.split_once('/').map(|(_, prefix)| prefix.to_owned());
        let mut same = before.series.iter().filter(|(other, _)| prefix(other) == prefix(name));
        let (Some(first), Some((_, former))) = (own.ranges.first(), same.next_back()) else {
            return Counter::Unknown;
        };
        let Some((_, last)) = former.ranges.last() else { return Counter::Unknown };
        let next = last.saturating_add(1);
        match first.0.cmp(&next) {
            std::cmp::Ordering::Equal => Counter::Continues,
            std::cmp::Ordering::Less => Counter::Resets,
            std::cmp::Ordering::Greater => {
                Counter::Leaves(self.gap(name, own.width, (next, first.0 - 1), open))
            }
        }
    }

    fn gap(&self, name: &str, width: usize, (first, last): (u64, u64), open: bool) -> Gap {
        let declared = self.declared.iter().find(|it| covers(it, name, first, last));
        let state = match (declared, open) {
            (Some(_), _) => GapState::Declared,
            (None, true) => GapState::Pending,
            (None, false) => GapState::Missing,
        };
        Gap {
            first: printed(name, first, width),
            last: printed(name, last, width),
            count: last - first + 1,
            state,
            reason: declared.map(|it| format!("{} ({})", it.reason, it.by)),
        }
    }
}

fn covers(declared: &Declared, series: &str, first: u64, last: u64) -> bool {
    let cycle = series.split_once('/').and_then(|(cycle, _)| cycle.parse().ok()).unwrap_or(0);
    let (Some((name, from, _)), Some((_, to, _))) =
        (parsed(&declared.first, cycle), parsed(&declared.last, cycle))
    else {
        return false;
    };
    name == series && from <= first && last <= to
}

impl Series {
    /// Takes a number in; false if it is there already.
    fn insert(&mut self, number: u64) -> bool {
        let place = self.ranges.partition_point(|(_, last)| *last < number);
        if self.ranges.get(place).is_some_and(|(first, _)| *first <= number) {
            return false;
        }
        let follows = place > 0 && self.ranges[place - 1].1.checked_add(1) == Some(number);
        let precedes =
            self.ranges.get(place).is_some_and(|(first, _)| number.checked_add(1) == Some(*first));
        match (follows, precedes) {
            (true, true) => {
                self.ranges[place - 1].1 = self.ranges[place].1;
                self.ranges.remove(place);
            }
            (true, false) => self.ranges[place - 1].1 = number,
            (false, true) => self.ranges[place].0 = number,
            (false, false) if self.ranges.len() < RANGES_MAX => {
                self.ranges.insert(place, (number, number));
            }
            (false, false) => self.scattered = true,
        }
        true
    }

    /// What is not there between the first and the last number, those that a Z names included.
    fn holes(&self) -> Vec<(u64, u64)> {
        if self.scattered {
            return Vec::new();
        }
        let mut holes = Vec::new();
        let stated = self.stated;
        let mut next = stated.map(|(first, _)| first);
        for (first, last) in &self.ranges {
            if let Some(next) = next.filter(|next| next < first) {
                holes.push((next, first - 1));
            }
            next = Some(next.unwrap_or(0).max(last.saturating_add(1)));
        }
        if let (Some(next), Some((_, last))) = (next, stated)
            && next <= last
        {
            holes.push((next, last));
        }
        holes
    }
}
