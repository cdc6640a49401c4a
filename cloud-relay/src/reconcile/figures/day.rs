//! One business date of one register, as its events came.
//!
//! A Z covers what came since the Z before it, so figures are kept apart between two closings. What
//! comes after the last one without the till being opened again is the day's supplement: late
//! receipts, which post like any other and which no Z holds. A till that is opened again goes on,
//! and its next Z either covers what came since or, where it names the same first receipt, the
//! whole again. Does not know targets.

use std::collections::BTreeSet;

use jiff::Timestamp;
use protocol::event::ZReport;
use serde::{Deserialize, Serialize};

use super::{Addition, Close, Mark, Numbers, Stated, Totals, ZDifference, z};

/// Closings of one register on one day that are told apart: shifts, and a till that is opened
/// again. What comes beyond is added to the last.
const SESSIONS_MAX: usize = 64;

/// Baskets put aside that are named; a register puts aside some tens a day.
const SUSPENDED_MAX: usize = 1_000;

/// A day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegisterDay {
    /// Between the closings, in order.
    pub sessions: Vec<Session>,
    /// What the POS itself calls late.
    pub late: Totals,
    /// The receipt numbers.
    pub numbers: Numbers,
    /// When the first of its events happened.
    pub first_at: Option<Timestamp>,
    /// When the last one happened.
    pub last_at: Option<Timestamp>,
    suspended: BTreeSet<String>,
    /// Taken up again before it was known that they were put aside.
    resumed: BTreeSet<String>,
}

/// What came between two closings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Session {
    /// Its figures.
    pub totals: Totals,
    /// Whether the till was opened again for it.
    pub reopened: bool,
    /// Its closing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<Close>,
}

/// A basket that was put aside and not taken up again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Suspended(pub String);

/// What came of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Set if it is a Z that its receipts do not bear out.
    pub z_difference: Option<ZDifference>,
}

/// A Z with what it covers.
#[derive(Debug, Clone)]
pub struct Covered<'a> {
    /// The closing.
    pub close: &'a Close,
    /// Its Z.
    pub z: &'a ZReport,
    /// What the receipts that it covers come to.
    pub totals: Totals,
}

impl Covered<'_> {
    /// Every figure that it states, beside what its receipts come to.
    #[must_use]
    pub fn figures(&self) -> Vec<Stated> {
        z::compare(self.z, &self.totals, self.close.currency)
    }
}

impl RegisterDay {
    /// Takes an event in. `session` is where it belongs if it came before and waited.
    pub fn take(&mut self, addition: &Addition, session: Option<usize>) -> Taken {
        let at = addition.occurred_at;
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        self.last_at = Some(self.last_at.map_or(at, |last| last.max(at)));
        self.numbers.take(&addition.receipt, addition.counter_cycle, &addition.kind);
        let opens = addition.mark == Mark::Opens;
        let place = session.filter(|place| *place < self.sessions.len());
        let place = place.unwrap_or_else(|| self.session(opens));
        let mut taken = Taken::default();
        match &addition.mark {
            Mark::Closes(close) => taken = self.close(addition, close, place),
            Mark::Suspends => self.suspend(&addition.receipt),
            Mark::None | Mark::Opens | Mark::Resumes { .. } => {}
        }
        if addition.late {
            self.late.add(&addition.totals);
        } else {
            self.sessions[place].totals.add(&addition.totals);
        }
        taken
    }

    /// The session to which what comes now belongs.
    fn session(&mut self, opens: bool) -> usize {
        let begins = match self.sessions.last() {
            None => true,
            Some(last) if last.close.is_some() => true,
            // What came late does not become part of what begins now.
            Some(last) => opens && !last.reopened && self.sessions.len() > 1,
        };
        if begins && self.sessions.len() < SESSIONS_MAX {
            let reopened = opens && !self.sessions.is_empty();
            self.sessions.push(Session { reopened, ..Session::default() });
        }
        self.sessions.len() - 1
    }

    /// The session that an event which waits for a decision will belong to.
    pub fn session_of_waiting(&mut self) -> usize {
        self.session(false)
    }

    fn close(&mut self, addition: &Addition, close: &Close, place: usize) -> Taken {
        let (register, date) = (&addition.register, addition.business_date.to_string());
        self.sessions[place].close = Some(close.clone());
        let Some(z) = &close.z else { return Taken::default() };
        if let (Some(first), Some(last)) = (&z.first_receipt, &z.last_receipt) {
            self.numbers.stated(first.as_str(), last.as_str(), addition.counter_cycle);
        }
        let totals = self.covered_by(place, z);
        let figures = z::compare(z, &totals, close.currency);
        let z_difference = z::told(z.number, register.as_str(), &date, &figures);
        Taken { z_difference }
    }

    fn suspend(&mut self, receipt: &str) {
        let was_resumed = self.resumed.remove(receipt);
        if !was_resumed && self.suspended.len() < SUSPENDED_MAX {
            self.suspended.insert(receipt.to_owned());
        }
    }

    /// Notes that a basket of this day was taken up again, here or on another day.
    pub fn resume(&mut self, receipt: &str) {
        if !self.suspended.remove(receipt) && self.resumed.len() < SUSPENDED_MAX {
            self.resumed.insert(receipt.to_owned());
        }
    }

    /// The first session that the Z of a session covers.
    fn covers_from(&self, place: usize, z: &ZReport) -> usize {
        let Some(first) = &z.first_receipt else { return place };
        let same = |session: &Session| {
            let close = session.close.as_ref();
            close.and_then(|close| close.z.as_ref()?.first_receipt.as_ref()) == Some(first)
        };
        self.sessions[..place].iter().position(same).unwrap_or(place)
    }

    fn covered_by(&self, place: usize, z: &ZReport) -> Totals {
        let mut totals = Totals::default();
        for session in &self.sessions[self.covers_from(place, z)..=place] {
            totals.add(&session.totals);
        }
        totals
    }

    /// The day's Zs, without those that a later one covers again, in order.
    #[must_use]
    pub fn zs(&self) -> Vec<Covered<'_>> {
        let mut found = Vec::new();
        let mut end = self.sessions.len();
        while end > 0 {
            let place = end - 1;
            end = place;
            let Some(close) = &self.sessions[place].close else { continue };
            let Some(z) = &close.z else { continue };
            found.push(Covered { close, z, totals: self.covered_by(place, z) });
            end = self.covers_from(place, z);
        }
        found.reverse();
        found
    }

    /// The closings, with a Z or without.
    pub fn closes(&self) -> impl Iterator<Item = &Close> {
        self.sessions.iter().filter_map(|session| session.close.as_ref())
    }

    /// Whether the till was closed and not opened again since.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let mut own = self.sessions.iter().enumerate();
        self.closes().next().is_some()
            && own.all(|(place, it)| it.close.is_some() || (place > 0 && !it.reopened))
    }

    /// What no Z holds though the day was closed: late receipts.
    #[must_use]
    pub fn supplement(&self) -> Totals {
        let mut totals = self.late.clone();
        for (place, session) in self.sessions.iter().enumerate() {
            if place > 0 && session.close.is_none() && !session.reopened {
                totals.add(&session.totals);
            }
        }
        totals
    }

    /// Everything of the day.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = self.late.clone();
        self.sessions.iter().for_each(|session| totals.add(&session.totals));
        totals
    }

    /// Baskets that were put aside and not taken up again.
    pub fn suspended(&self) -> impl Iterator<Item = Suspended> {
        self.suspended.iter().cloned().map(Suspended)
    }
}
