//! Takes one file: decoded on a thread of its own, its events offered in groups.
//!
//! Decoder and journal hold each other back: neither the file nor its events are ever in memory as
//! a whole. Does not move the file.

use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::problem::Problem;
use serde::Serialize;
use tokio::sync::mpsc;

use super::decoder::{Content, Decoder, Document, Place, Unreadable};
use super::ready::{self, Seen};
use crate::capture::guard::Guard;
use crate::inputs::intake::{Intake, Outcome};

/// Events in one group: one sync to disk for all of them, and an answer well within a second.
const GROUP_MAX: usize = 200;

/// Documents between decoder and intake: a group under way and the next one.
const WAITING_MAX: usize = 2 * GROUP_MAX;

/// Bytes read from the file at once.
const READ_BYTES: usize = 256 * 1024;

/// Refused documents that are named one by one.
const REFUSED_MAX: usize = 1_000;

/// What became of a file's documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// New in the journal.
    pub journaled: u64,
    /// Known since before.
    pub replayed: u64,
    /// Known under the same receipt with other content; kept beside the first.
    pub conflicts: u64,
    /// Practice.
    pub training: u64,
    /// No events by the profile's word.
    pub skipped: u64,
    /// Refused.
    pub refused: u64,
}

/// A document that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Where it stands in the file.
    #[serde(flatten)]
    pub place: Place,
    /// Why, and what to do.
    pub problem: Problem,
}

impl Refused {
    /// A refusal as it may be written and shown.
    #[must_use]
    pub fn new(Place { line, element }: Place, problem: Problem) -> Self {
        let guard = Guard::strict();
        let (problem, element) = (guard.without_card_data(problem), guard.masked_prose(&element));
        Self { place: Place { line, element }, problem }
    }
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Its documents.
    pub counts: Counts,
    /// Those that were refused, the first thousand of them.
    pub refused: Vec<Refused>,
    /// Why reading ended before the end of the file.
    pub ended_at: Option<Refused>,
}

impl Report {
    /// Whether nothing was refused.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.counts.refused == 0 && self.ended_at.is_none()
    }

    fn refuse(&mut self, place: Place, problem: Problem) {
        self.counts.refused += 1;
        if self.refused.len() < REFUSED_MAX {
            self.refused.push(Refused::new(place, problem));
        }
    }
}

/// How far a file was taken.
#[derive(Debug)]
pub(super) enum Taken {
    /// To its end, or to where nobody can read on.
    Read(Report),
    /// It changed while it was read, or another program holds it: it is not complete.
    Unfinished,
    /// The journal takes nothing at present; the file stays where it is.
    NotNow(Problem),
}

/// Takes a file.
///
/// # Errors
/// The file cannot be read.
pub(super) async fn take(
    path: &Path,
    decoder: &Arc<dyn Decoder>,
    intake: &Intake,
) -> io::Result<Taken> {
    let Some(before) = ready::seen(path)? else { return Ok(Taken::Unfinished) };
    let (send, mut received) = mpsc::channel(WAITING_MAX);
    let decoding = {
        let (path, decoder) = (path.to_owned(), Arc::clone(decoder));
        tokio::task::spawn_blocking(move || decode(&path, &*decoder, &send))
    };
    let mut report = Report::default();
    let mut group = Vec::with_capacity(WAITING_MAX);
    while received.recv_many(&mut group, GROUP_MAX).await > 0 {
        if let Err(problem) = offer(&mut group, intake, &mut report).await {
            return Ok(Taken::NotNow(problem));
        }
    }
    let decoded = decoding.await.map_err(io::Error::other)?;
    let changed = |after: Option<Seen>| after != Some(before);
    match decoded {
        Err(error) if is_held_by_another(&error) => return Ok(Taken::Unfinished),
        Err(error) => return Err(error),
        Ok(_) if changed(ready::seen(path)?) => return Ok(Taken::Unfinished),
        Ok(Err(Unreadable { place, problem })) => {
            report.ended_at = Some(Refused::new(place, problem));
        }
        Ok(Ok(())) => {}
    }
    Ok(Taken::Read(report))
}

fn decode(
    path: &PathBuf,
    decoder: &dyn Decoder,
    send: &mpsc::Sender<Document>,
) -> io::Result<Result<(), Unreadable>> {
    let mut file = BufReader::with_capacity(READ_BYTES, File::open(path)?);
    // A receiver that is gone has stopped taking.
    let mut deliver = |document| match send.blocking_send(document) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    Ok(decoder.decode(&mut file, &mut deliver))
}

/// Offers a group and counts what became of it.
async fn offer(
    group: &mut Vec<Document>,
    intake: &Intake,
    report: &mut Report,
) -> Result<(), Problem> {
    let (mut places, mut drafts) = (Vec::new(), Vec::new());
    for Document { place, content } in group.drain(..) {
        match content {
            Content::Event(draft) => {
                places.push(place);
                drafts.push(*draft);
            }
            Content::Refused(problem) => report.refuse(place, problem),
            Content::Skipped(_) => report.counts.skipped += 1,
        }
    }
    count(places, intake.offer(drafts).await, report)
}

/// Counts what became of a group; an error if the journal took nothing at present.
pub(super) fn count(
    places: Vec<Place>,
    outcomes: Vec<Outcome>,
    report: &mut Report,
) -> Result<(), Problem> {
    for (place, outcome) in places.into_iter().zip(outcomes) {
        match outcome {
            Outcome::Journaled(standing) if standing.conflict_of.is_some() => {
                report.counts.conflicts += 1;
            }
            Outcome::Journaled(_) => report.counts.journaled += 1,
            Outcome::Replayed(_) => report.counts.replayed += 1,
            Outcome::Training => report.counts.training += 1,
            Outcome::Refused(problem) => report.refuse(place, problem),
            Outcome::NotCommitted(problem) => return Err(problem),
        }
    }
    Ok(())
}

/// Windows: another program has the file open and lets nobody read it (`ERROR_SHARING_VIOLATION`,
/// `ERROR_LOCK_VIOLATION`). A virus scanner or the POS itself is done with it soon.
fn is_held_by_another(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}
