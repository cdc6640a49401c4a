//! Takes receipts into the journal, and keeps those that cannot be read.
//!
//! A receipt for which the journal has no room at present stays at the head of the queue and is
//! offered again; nothing behind it is let past, so that their order stands.

use std::sync::Arc;
use std::time::Duration;

use protocol::envelope::Draft;
use protocol::problem::{Code, Problem};
use tokio::sync::mpsc;

use super::losses::Losses;
use super::tap::Waiting;
use crate::capture::guard::Guard;
use crate::inputs::Around;
use crate::inputs::folder::{Content, Counts};
use crate::inputs::intake::Outcome;
use crate::inputs::kept::{self, Kept, KeptPicture};
use crate::inputs::printer::escpos::slip::{Picture, Slip};
use crate::inputs::printer::{Receipts, png};

/// How long until a journal that had no room is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Takes what was printed.
pub(super) struct Taker {
    pub(super) receipts: Arc<Receipts>,
    pub(super) around: Around,
    pub(super) losses: Arc<Losses>,
    pub(super) keep_pictures: bool,
}

impl Taker {
    /// Runs until nobody prints any more and everything is taken.
    pub(super) async fn run(self, mut waiting: mpsc::Receiver<Waiting>) {
        while let Some(receipt) = waiting.recv().await {
            self.around.board.waiting(&self.around.name, waiting.len() + 1, 0);
            while let Err(problem) = self.take(&receipt).await {
                if self.around.board.trouble(&self.around.name, &problem) {
                    tracing::error!(input = %self.around.name, "{}", problem.detail);
                }
                tokio::time::sleep(AGAIN).await;
            }
            self.around.board.waiting(&self.around.name, waiting.len(), 0);
            self.say_losses();
        }
    }

    /// Takes one; an error if nothing can be written at present.
    async fn take(&self, receipt: &Waiting) -> Result<(), Problem> {
        let mut counts = Counts::default();
        match self.receipts.content(&receipt.slip) {
            Content::Skipped(_) => counts.skipped += 1,
            Content::Refused(problem) => self.keep(receipt, problem).await,
            Content::Event(draft) => match self.offer(*draft).await? {
                Outcome::Journaled(standing) if standing.conflict_of.is_some() => {
                    counts.conflicts += 1;
                }
                Outcome::Journaled(_) => counts.journaled += 1,
                Outcome::Replayed(_) => counts.replayed += 1,
                Outcome::Training => counts.training += 1,
                Outcome::Refused(problem) => self.keep(receipt, problem).await,
                Outcome::NotCommitted(problem) => return Err(problem),
            },
        }
        self.around.board.took(&self.around.name, &counts, self.around.seams.now());
        Ok(())
    }

    async fn offer(&self, draft: Draft) -> Result<Outcome, Problem> {
        let outcome = self.around.intake.offer(vec![draft]).await.pop();
        outcome.ok_or_else(|| Problem::new(Code::Internal, "an event without an outcome"))
    }

    /// Keeps a receipt that is no event, its text masked. What cannot be kept is counted all the
    /// same and holds up no sale: diagnostics go first.
    async fn keep(&self, receipt: &Waiting, problem: Problem) {
        let Slip { lines, pictures, .. } = &receipt.slip;
        let pictures = pictures.iter().map(|picture| self.picture(picture));
        let masked = masked(lines);
        let kept = Kept {
            number: 0,
            printed_at: receipt.printed_at,
            problem: Guard::strict().without_card_data(problem),
            is_masked: masked != *lines,
            lines: masked,
            pictures: pictures.collect(),
        };
        let input = &self.around.name;
        match kept::keep(&self.around.journal, input, kept).await {
            Ok(number) => tracing::warn!(
                %input, number,
                "a printed receipt could not be read; `storekeep-agent input kept` shows it"
            ),
            Err(problem) => tracing::error!(
                %input, "a printed receipt could neither be read nor kept: {}", problem.detail
            ),
        }
        self.around.board.unreadable(input);
    }

    fn picture(&self, picture: &Picture) -> KeptPicture {
        let file = if self.keep_pictures { png::file(picture) } else { None };
        KeptPicture {
            width: u64::try_from(picture.row_bytes * 8).unwrap_or(u64::MAX),
            height: u64::try_from(picture.rows).unwrap_or(u64::MAX),
            sha256: hex::encode(&picture.hash),
            png: file.map(hex::encode),
        }
    }

    /// What was not captured stays on the board until the agent is started anew.
    fn say_losses(&self) {
        match self.losses.so_far() {
            None => self.around.board.well(&self.around.name),
            Some(lost) => {
                self.around.board.lost(&self.around.name, lost.count);
                if self.around.board.trouble(&self.around.name, &lost.problem()) {
                    tracing::error!(input = %self.around.name, "{}", lost.problem().detail);
                }
            }
        }
    }
}

/// Lines without card data. A number that goes on in the next line is none in either of them, so
/// that every two are looked at together; where only both hold one, neither keeps a digit.
fn masked(lines: &[String]) -> Vec<String> {
    let guard = Guard::strict();
    let mut masked: Vec<_> = lines.iter().map(|line| guard.masked_prose(line)).collect();
    for (index, pair) in lines.windows(2).enumerate() {
        let [above, below] = [pair[0].trim(), pair[1].trim()];
        let both = format!("{above} {below}");
        let each = format!("{} {}", guard.masked_prose(above), guard.masked_prose(below));
        if guard.masked_prose(&both) != each {
            for line in &mut masked[index..=index + 1] {
                *line = line.chars().map(|c| if c.is_numeric() { '*' } else { c }).collect();
            }
        }
    }
    masked
}
