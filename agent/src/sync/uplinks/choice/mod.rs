//! Which way up is taken: the preferred one while it works, else the next, and back again.
//!
//! A state machine without socket or clock. An exchange is tried on the way in use first; when
//! that fails, the others follow at once, in order of preference. A better way is taken again only
//! after it has answered for a while, and for longer each time that it fails soon afterwards, so
//! that a line that comes and goes does not pull everything along. Sends nothing and knows no
//! budget beyond which ways are to be spared.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::health::Reason;
use crate::sync::policy::{
    LOOK_AGAIN, Ladder, RELAPSE_WITHIN, RELAPSES_MAX, RETURN_AFTER, STANDBY_LOOK, look_delay,
};

/// Time since the program's start.
pub(super) type Moment = Duration;

/// A way's place in the order of preference.
pub(super) type Place = usize;

/// What is known of one way.
#[derive(Debug, Clone, Default)]
struct Way {
    /// Why it does not work; none if it does, or was never tried.
    failed: Option<Failed>,
    /// Since when it has answered every look; none while it is in use or fails.
    answers_since: Option<Moment>,
    /// It has answered at least once, and not failed since.
    answered: bool,
    next_look: Moment,
    /// How often it failed soon after it was taken again.
    relapses: u32,
    /// When it was last taken again.
    returned_at: Option<Moment>,
    /// Bytes cost money there, so that it is not tried for nothing.
    is_metered: bool,
    /// Its budget is spent: every other way is better.
    is_spent: bool,
}

#[derive(Debug, Clone)]
struct Failed {
    reason: Reason,
    is_refused: bool,
    times: u32,
    /// Not tried for nothing before then.
    rests_until: Moment,
}

/// How a way stands, for those who show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    InUse,
    StandsBy,
    NotTried,
    Failed(Reason),
}

/// What a watch over the ways does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// Ask whether this way answers.
    Look(Place),
    /// Nothing before then; none if nothing until a way fails.
    Wait(Option<Moment>),
}

/// The choice between the ways of one agent.
#[derive(Debug)]
pub(super) struct Choice {
    ways: Vec<Way>,
    current: Place,
}

impl Choice {
    /// Begins with the preferred way. `metered` says of each whether bytes cost money there.
    pub(super) fn new(metered: impl IntoIterator<Item = bool>) -> Self {
        let way = |is_metered| Way { is_metered, ..Way::default() };
        Self { ways: metered.into_iter().map(way).collect(), current: 0 }
    }

    /// The way in use, or the one to be tried first.
    pub(super) const fn current(&self) -> Place {
        self.current
    }

    /// The ways to try for an exchange, one after the other. Empty while each costs money and has
    /// just failed.
    pub(super) fn order(&self, now: Moment) -> Vec<Place> {
        let mut order: Vec<_> = (0..self.ways.len()).collect();
        order.sort_by_key(|place| {
            let has_failed = self.ways[*place].failed.is_some();
            (has_failed, *place != self.current, self.rank(*place))
        });
        let awake: Vec<_> =
            order.iter().copied().filter(|place| !self.ways[*place].rests(now)).collect();
        if awake.is_empty() {
            // Whoever asks has waited already, which is all that a refusal calls for.
            order.retain(|place| !self.ways[*place].is_metered);
            return order;
        }
        awake
    }

    /// Why the best of the ways does not work.
    pub(super) fn reason(&self) -> Option<Reason> {
        let mut failed = self.ways.iter().filter_map(|way| way.failed.as_ref());
        failed.next().map(|failed| failed.reason.clone())
    }

    /// An exchange was answered there. Returns whether that is news.
    pub(super) fn worked(&mut self, place: Place, now: Moment) -> bool {
        let way = &mut self.ways[place];
        let is_news = !way.answered;
        way.failed = None;
        way.answered = true;
        if way.returned_at.is_some_and(|at| now.saturating_sub(at) >= RELAPSE_WITHIN) {
            way.relapses = 0;
        }
        self.take(place, now) || is_news
    }

    /// An exchange failed there for a reason that another way may not have.
    pub(super) fn failed(
        &mut self,
        place: Place,
        reason: Reason,
        ladder: Ladder,
        now: Moment,
        random: u32,
    ) {
        let way = &mut self.ways[place];
        if way.returned_at.take().is_some_and(|at| now.saturating_sub(at) < RELAPSE_WITHIN) {
            way.relapses = way.relapses.saturating_add(1).min(RELAPSES_MAX);
        }
        way.fail(reason, ladder, now, random);
    }

    /// What to look at. Only while an exchange works is there anything to choose.
    pub(super) fn watch(&self, now: Moment) -> Watch {
        if !self.ways[self.current].answered {
            return Watch::Wait(None);
        }
        let looked_at = |place: &Place| {
            let is_better = self.rank(*place) < self.rank(self.current);
            *place != self.current && (is_better || !self.ways[*place].is_metered)
        };
        let ways = (0..self.ways.len()).filter(looked_at);
        let next = ways.min_by_key(|place| self.ways[*place].next_look);
        match next.map(|place| (place, self.ways[place].next_look)) {
            Some((place, at)) if at <= now => Watch::Look(place),
            Some((_, at)) => Watch::Wait(Some(at)),
            None => Watch::Wait(None),
        }
    }

    /// A look was answered. Returns whether the way in use is another than before.
    pub(super) fn looked(&mut self, place: Place, now: Moment) -> bool {
        let is_better = self.rank(place) < self.rank(self.current);
        let way = &mut self.ways[place];
        way.failed = None;
        way.answered = true;
        way.next_look = now.saturating_add(if is_better { LOOK_AGAIN } else { STANDBY_LOOK });
        let since = *way.answers_since.get_or_insert(now);
        let after = RETURN_AFTER.saturating_mul(1 << way.relapses);
        if !is_better || now.saturating_sub(since) < after {
            return false;
        }
        way.returned_at = Some(now);
        self.take(place, now)
    }

    /// A look was not answered.
    pub(super) fn looked_in_vain(
        &mut self,
        place: Place,
        reason: Reason,
        ladder: Ladder,
        now: Moment,
        random: u32,
    ) {
        self.ways[place].fail(reason, ladder, now, random);
    }

    /// A budget was spent, or begins anew.
    pub(super) fn spare(&mut self, place: Place, is_spent: bool) {
        self.ways[place].is_spent = is_spent;
    }

    /// How a way stands.
    pub(super) fn standing(&self, place: Place) -> Standing {
        let way = &self.ways[place];
        match &way.failed {
            Some(failed) => Standing::Failed(failed.reason.clone()),
            None if !way.answered => Standing::NotTried,
            None if place == self.current => Standing::InUse,
            None => Standing::StandsBy,
        }
    }

    fn rank(&self, place: Place) -> (bool, Place) {
        (self.ways[place].is_spent, place)
    }

    fn take(&mut self, place: Place, now: Moment) -> bool {
        self.ways[place].answers_since = None;
        let former = std::mem::replace(&mut self.current, place);
        if former == place {
            return false;
        }
        let left = &mut self.ways[former];
        left.answers_since = None;
        if left.failed.is_none() {
            left.next_look = now.saturating_add(STANDBY_LOOK);
        }
        true
    }
}

impl Way {
    fn fail(&mut self, reason: Reason, ladder: Ladder, now: Moment, random: u32) {
        let times = self.failed.as_ref().map_or(0, |failed| failed.times).saturating_add(1);
        let rests_until = now.saturating_add(look_delay(ladder, times, random));
        let is_refused = ladder == Ladder::Refused;
        self.failed = Some(Failed { reason, is_refused, times, rests_until });
        self.answers_since = None;
        self.answered = false;
        self.next_look = rests_until;
    }

    /// Not tried for nothing: where only a person changes anything, or where each attempt costs.
    fn rests(&self, now: Moment) -> bool {
        let is_worth_it = |failed: &Failed| failed.is_refused || self.is_metered;
        self.failed.as_ref().is_some_and(|failed| is_worth_it(failed) && now < failed.rests_until)
    }
}
