//! Watches the ways that are not in use: whether a better one answers again, and whether the others
//! would.
//!
//! A look is a poll that does not wait: signed by both sides, so that no sign-in page passes for
//! the relay. What it brings is left to the poll that goes on meanwhile. Sends no entry.

use std::convert::Infallible;
use std::time::Duration;

use protocol::handshake::Ticket;

use super::choice::{Place, Watch};
use super::{Uplinks, is_of_the_line};
use crate::sync::policy::WATCH_PAUSE;
use crate::sync::uplink::{Failure, Poll, Uplink};
use crate::sync::{journal_failed, random};

impl<U: Uplink> Uplinks<U> {
    /// Watches for as long as the program runs.
    pub async fn keep_watch(&self) -> Infallible {
        loop {
            self.levels();
            let mut changed = self.changed.subscribe();
            let now = self.now();
            let (next, ticket) = {
                let books = self.books();
                (books.choice.watch(now), books.ticket)
            };
            let pause = match (next, ticket) {
                (Watch::Look(place), Some(ticket)) => {
                    self.look(place, ticket).await;
                    Duration::ZERO
                }
                (Watch::Wait(Some(at)), Some(_)) => at.saturating_sub(now).min(WATCH_PAUSE),
                (Watch::Look(_) | Watch::Wait(_), _) => WATCH_PAUSE,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // The sender is this struct's own.
                _ = changed.changed() => {}
            }
        }
    }

    async fn look(&self, place: Place, ticket: Ticket) {
        let answered = self.answers(place, ticket).await;
        let now = self.now();
        let is_taken_again = match answered {
            Ok(()) => self.books().choice.looked(place, now),
            Err(failure) => {
                let (reason, ladder) = (failure.reason().clone(), failure.ladder());
                let random = random(&self.parts.seams);
                self.books().choice.looked_in_vain(place, reason, ladder, now, random);
                false
            }
        };
        if is_taken_again {
            let uplink = &self.lines[place].name;
            tracing::info!(uplink, "this way up has answered for a while and is taken again");
            self.changed.send_replace(());
        }
        self.show();
        self.hang_up().await;
    }

    /// Whether the relay answers there. A refusal is an answer.
    async fn answers(&self, place: Place, ticket: Ticket) -> Result<(), Failure> {
        let journal = &self.parts.journal;
        let after = journal.downlink_cursor().await.map_err(|error| journal_failed(&error))?;
        let poll = Poll { after, head: journal.head().sequence, ticket, wait_seconds: 0 };
        match self.over(place, &poll).await {
            Err(failure) if is_of_the_line(&failure) => Err(failure),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Ends the connections of the ways that are not in use, once no exchange is under way.
    async fn hang_up(&self) {
        let _turn = self.turn.lock().await;
        let current = self.books().choice.current();
        let others = self.lines.iter().enumerate().filter(|(place, _)| *place != current);
        for way in others.filter_map(|(_, line)| line.made()) {
            way.hang_up().await;
        }
    }
}
