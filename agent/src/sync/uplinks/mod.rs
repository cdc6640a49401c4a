//! All ways up as one: an exchange goes over the way in use, and over the next one when that fails.
//!
//! For the machine nothing changes: a session is the device's, not a connection's, so that the next
//! way carries on from the relay's head. One exchange at a time, and one poll beside it. `choice`
//! decides between the ways, `meter` counts where bytes cost money; this does the I/O around both.

mod choice;
mod meter;
mod question;
#[cfg(test)]
mod tests;
mod watch;
mod way;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journal::ReadError;
use protocol::batch::BatchAnswer;
use protocol::downlink::DownlinkPage;
use protocol::handshake::{SessionAnswer, Standing as Verdict, Statement, Ticket};
use protocol::problem::Code;
use tokio::sync::{Mutex as Turn, watch as channel};

use self::choice::{Choice, Moment, Place, Standing};
use self::meter::{Kept, Meter};
use self::question::Question;
pub use self::way::{Line, Way};
use super::batch::Packed;
use super::policy::{Class, Leave, Level, SPENT_PAUSE, leave};
use super::uplink::{Failure, Poll, Uplink};
use super::{Parts, journal_failed, random};
use crate::health::{MeteredState, Reason, UplinkStanding, UplinkState};

/// Every way up of this agent.
pub struct Uplinks<U> {
    lines: Vec<Line<U>>,
    parts: Parts,
    books: Mutex<Books>,
    /// Another way is in use, or a budget stands otherwise than before.
    changed: channel::Sender<()>,
    /// Held during an exchange, so that nobody hangs up in the middle of it.
    turn: Turn<()>,
}

/// What is known of the ways.
#[derive(Debug)]
struct Books {
    choice: Choice,
    meters: Vec<Option<Meter>>,
    /// As they stood when they were last looked at.
    levels: Vec<Option<Level>>,
    /// The open session's, for looks at other ways.
    ticket: Option<Ticket>,
    last_batch: Option<Moment>,
}

impl<U: Uplink> Uplinks<U> {
    /// Takes the lines in order of preference, and goes on counting from what was kept.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn open(parts: Parts, lines: Vec<Line<U>>) -> Result<Self, ReadError> {
        let mut meters = Vec::new();
        for line in &lines {
            meters.push(match line.metered {
                Some(budget) => {
                    let note = parts.journal.note(&note_of(&line.name)).await?;
                    // A note that cannot be read counts as spent: bytes cost money.
                    let kept = note.map(|note| {
                        serde_json::from_slice(&note).unwrap_or_else(|_| Kept::all_of(budget))
                    });
                    Some(Meter::new(budget, kept))
                }
                None => None,
            });
        }
        let choice = Choice::new(lines.iter().map(|line| line.metered.is_some()));
        let books = Mutex::new(Books {
            choice,
            meters,
            levels: Vec::new(),
            ticket: None,
            last_batch: None,
        });
        let changed = channel::Sender::new(());
        let uplinks = Self { lines, parts, books, changed, turn: Turn::new(()) };
        uplinks.levels();
        Ok(uplinks)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        (self.parts.seams.steady)()
    }

    /// Asks over one way after the other, until one carries the question.
    async fn through<Q: Question>(&self, question: &Q) -> Result<Q::Said, Failure> {
        let order = self.books().choice.order(self.now());
        let mut soonest: Option<Failure> = None;
        for place in order {
            match self.over(place, question).await {
                Err(failure) if is_of_the_line(&failure) => {
                    self.failed(place, &failure);
                    soonest = Some(match soonest {
                        Some(before) if !is_sooner(&failure, &before) => before,
                        Some(_) | None => failure,
                    });
                }
                // The relay itself answered, whatever it said.
                said => {
                    self.worked(place);
                    return said;
                }
            }
        }
        Err(soonest.unwrap_or_else(|| self.resting()))
    }

    /// Asks over one way, and counts what that costs.
    async fn over<Q: Question>(&self, place: Place, question: &Q) -> Result<Q::Said, Failure> {
        let way = self.lines[place].way().await?;
        let mut counted = 0;
        let sends = |meter: &mut Meter, now| {
            let before = meter.used();
            let kept = meter.sends(question.bytes(), now);
            counted = meter.used().saturating_sub(before);
            kept
        };
        self.count(place, sends).await?;
        let said = question.ask(way).await;
        match &said {
            Ok(said) => {
                self.count(place, |meter, _| meter.received(Q::bytes_of(said))).await?;
            }
            // Through a broker it can mean that an answer is missing: that counts in full.
            Err(Failure::Unreachable(_)) if self.lines[place].is_straight => {
                let not_sent = |meter: &mut Meter, _| {
                    meter.was_not_sent(counted);
                    None
                };
                self.count(place, not_sent).await?;
            }
            Err(_) => {}
        }
        said
    }

    /// Counts where bytes cost money, durably before anything follows.
    async fn count(
        &self,
        place: Place,
        count: impl FnOnce(&mut Meter, Moment) -> Option<Kept> + Send,
    ) -> Result<(), Failure> {
        let now = self.now();
        let kept = {
            let mut books = self.books();
            let Some(meter) = &mut books.meters[place] else { return Ok(()) };
            count(meter, now)
        };
        self.levels();
        let Some(kept) = kept else { return Ok(()) };
        let note = serde_json::to_vec(&kept).expect("a count is plain data");
        let written = self.parts.journal.put_note(&note_of(&self.lines[place].name), &note).await;
        written.map_err(|error| journal_failed(&error))
    }

    /// Follows every budget: one that begins anew, nears its end or is spent.
    fn levels(&self) {
        let time = self.parts.health.relay_time(self.parts.seams.reading());
        let is_other = {
            let mut books = self.books();
            let Books { choice, meters, levels, .. } = &mut *books;
            if let Some(time) = time {
                meters.iter_mut().flatten().for_each(|meter| meter.time_is(time));
            }
            let now: Vec<_> = meters.iter().map(|meter| meter.as_ref().map(Meter::level)).collect();
            for (place, level) in now.iter().enumerate() {
                choice.spare(place, *level == Some(Level::Spent));
            }
            let is_other = *levels != now;
            *levels = now;
            is_other
        };
        if is_other {
            self.changed.send_replace(());
            self.show();
        }
    }

    fn worked(&self, place: Place) {
        let is_news = self.books().choice.worked(place, self.now());
        if is_news {
            tracing::info!(uplink = self.lines[place].name, "this way up is in use");
            self.changed.send_replace(());
        }
        self.show();
    }

    fn failed(&self, place: Place, failure: &Failure) {
        let (reason, ladder) = (failure.reason().clone(), failure.ladder());
        if self.lines.len() > 1 {
            let uplink = &self.lines[place].name;
            tracing::warn!(uplink, %reason, "this way up fails; another one is tried");
        }
        let (now, random) = (self.now(), random(&self.parts.seams));
        self.books().choice.failed(place, reason, ladder, now, random);
        self.show();
    }

    /// Nothing was tried, because each attempt costs money and the last one was just now.
    fn resting(&self) -> Failure {
        let unknown = || Reason::new(Code::RelayUnreachable, "no way up was tried yet");
        Failure::Unreachable(self.books().choice.reason().unwrap_or_else(unknown))
    }

    /// When something of a class may go over the way in use; none if at once.
    fn leave_at(&self, class: Class) -> Option<LeaveAt> {
        let books = self.books();
        let meter = books.meters[books.choice.current()].as_ref();
        match leave(class, meter.map_or(Level::Plenty, Meter::level)) {
            Leave::Now => None,
            Leave::Never => Some(LeaveAt::OnceItChanges),
            Leave::Gathered => {
                let due = books.last_batch.map_or(Moment::ZERO, |last| last + SPENT_PAUSE);
                let left = due.saturating_sub(self.now());
                (!left.is_zero()).then_some(LeaveAt::After(left))
            }
        }
    }

    /// Waits until something of a class may go.
    async fn until_leave(&self, class: Class) {
        loop {
            let mut changed = self.changed.subscribe();
            let pause = async {
                match self.leave_at(class) {
                    None => true,
                    Some(LeaveAt::After(left)) => {
                        tokio::time::sleep(left).await;
                        false
                    }
                    Some(LeaveAt::OnceItChanges) => std::future::pending().await,
                }
            };
            tokio::select! {
                is_given = pause => if is_given { return },
                // The sender is this struct's own.
                _ = changed.changed() => {}
            }
        }
    }

    /// Shows how every way stands.
    fn show(&self) {
        let states = {
            let books = self.books();
            let state = |(place, line): (Place, &Line<U>)| UplinkState {
                uplink: line.name.clone(),
                standing: shown(books.choice.standing(place)),
                metered: books.meters[place].as_ref().map(metered),
            };
            self.lines.iter().enumerate().map(state).collect()
        };
        self.parts.health.set_uplinks(states);
    }
}

/// When there is leave.
enum LeaveAt {
    After(Duration),
    OnceItChanges,
}

impl<U: Uplink> Uplink for Uplinks<U> {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        let _turn = self.turn.lock().await;
        let answer = self.through(statement).await?;
        let is_open = matches!(answer.standing, Verdict::Resume | Verdict::Resend);
        self.books().ticket = is_open.then_some(answer.ticket);
        self.changed.send_replace(());
        Ok(answer)
    }

    async fn send(&self, batch: &Packed) -> Result<BatchAnswer, Failure> {
        let _turn = self.turn.lock().await;
        self.books().last_batch = Some(self.now());
        self.through(batch).await
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        loop {
            self.until_leave(Class::News).await;
            let mut changed = self.changed.subscribe();
            tokio::select! {
                said = self.through(&poll) => return said,
                // Asked again over the way that is in use now, if it may be.
                _ = changed.changed() => {}
            }
        }
    }

    async fn until_batch_may_go(&self) {
        self.until_leave(Class::Receipts).await;
    }
}

/// Whether another way may do better: what stands before the relay failed, not the relay itself.
pub(crate) const fn is_of_the_line(failure: &Failure) -> bool {
    matches!(
        failure.reason().code,
        Code::RelayUnreachable | Code::Configuration | Code::BadSignature
    ) && !matches!(failure, Failure::TooLarge(_))
}

/// Whether a failure is waited after for less time than another.
fn is_sooner(failure: &Failure, other: &Failure) -> bool {
    failure.ladder().delay_max() < other.ladder().delay_max()
}

fn note_of(uplink: &str) -> String {
    format!("uplink-bytes {uplink}")
}

fn shown(standing: Standing) -> UplinkStanding {
    match standing {
        Standing::InUse => UplinkStanding::InUse,
        Standing::StandsBy => UplinkStanding::StandsBy,
        Standing::NotTried => UplinkStanding::NotTried,
        Standing::Failed(reason) => UplinkStanding::Failed { reason },
    }
}

fn metered(meter: &Meter) -> MeteredState {
    let budget = meter.budget();
    let level = meter.level();
    let per = budget.per;
    MeteredState { used_bytes: meter.used(), budget_bytes: budget.bytes(), per, level }
}

impl<U> fmt::Debug for Uplinks<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uplinks").field("lines", &self.lines).finish_non_exhaustive()
    }
}
