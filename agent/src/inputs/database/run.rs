//! The run loop of a database: looks, offers what is due, and says how it stands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::InputCursor;
use protocol::chain::Epoch;
use protocol::envelope::Draft;
use protocol::event::Body;
use protocol::problem::{Code, Problem};
use tokio::sync::watch;

use super::config::Settings;
use super::pack::Pack;
use super::page::{self, Found, Page, Place};
use super::source::{Session, Source, SourceError};
use super::sql::Position;
use super::window::Window;
use crate::inputs::Around;
use crate::inputs::folder::Counts;
use crate::inputs::intake::Outcome;
use crate::inputs::mapping::{ROWS_PER_RECEIPT_MAX, Row};

/// Pages of one look: then a stop is heard, and the state is shown.
const PAGES_MAX: usize = 20;

/// A database that is being read.
pub(super) struct Polling {
    pub(super) settings: Settings,
    pub(super) pack: Pack,
    pub(super) source: Arc<dyn Source>,
    pub(super) around: Around,
}

/// What a database needs between two looks.
pub(super) struct Progress {
    epoch: Epoch,
    window: Window,
    /// Receipts that waited for a person when the agent started: tried once more.
    retried: bool,
    /// From where the look reads on, while it has more pages than one look takes.
    at: Option<Position>,
}

impl Polling {
    /// Runs until it is told to stop.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let poll = Duration::from_secs(u64::from(self.settings.poll_seconds.get()));
        let mut progress = None;
        loop {
            let more = tokio::select! {
                more = self.round(&mut progress, now()) => more,
                () = is_set(&mut stop) => break,
            };
            if more {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(poll) => {}
                () = is_set(&mut stop) => break,
            }
        }
    }

    /// One look at the database, at `now` by the monotonic clock; returns whether more waits.
    pub(super) async fn round(&self, progress: &mut Option<Progress>, now: Instant) -> bool {
        let (board, name) = (&self.around.board, &self.around.name);
        let looked = self.try_round(progress, now).await;
        let waiting = progress.as_ref().map_or(0, |progress| progress.window.unsettled());
        let refused = progress.as_ref().map_or(0, |progress| progress.window.waiting().len());
        board.waiting(name, waiting, u64::try_from(refused).unwrap_or(u64::MAX));
        let problem = match &looked {
            Err(problem) => Some(problem.clone()),
            Ok(_) => progress.as_ref().and_then(|progress| receipts_refused(&progress.window)),
        };
        match problem {
            None => board.well(name),
            Some(problem) => {
                if board.trouble(name, &problem) {
                    tracing::warn!(input = %name, code = %problem.code, "{}", problem.detail);
                }
            }
        }
        looked.unwrap_or(false)
    }

    async fn try_round(
        &self,
        progress: &mut Option<Progress>,
        now: Instant,
    ) -> Result<bool, Problem> {
        let progress = self.progress(progress).await?;
        let mut session = self.source.open().await.map_err(|error| self.problem(&error))?;
        let looked = self.look(progress, &mut *session, now).await;
        let closed = session.close().await;
        let more = looked?;
        closed.map_err(|error| self.problem(&error))?;
        Ok(more)
    }

    /// Where the input stands: as the journal kept it, from the beginning in a new epoch.
    async fn progress<'a>(
        &self,
        progress: &'a mut Option<Progress>,
    ) -> Result<&'a mut Progress, Problem> {
        let epoch = self.around.journal.identity().epoch;
        let is_current = progress.as_ref().is_some_and(|progress| progress.epoch == epoch);
        if !is_current {
            let kept = self.around.journal.cursor(&self.cursor_name()).await;
            let kept = kept.map_err(|error| {
                let detail = format!("the journal does not answer: {error}");
                Problem::new(Code::NotCommitted, detail)
            })?;
            let settle = Duration::from_secs(u64::from(self.settings.settle_seconds.get()));
            let mut window = Window::new(self.pack.first.clone(), settle, self.pack.window);
            if let Some(kept) = kept {
                window.restore(&kept, epoch);
            }
            *progress = Some(Progress { epoch, window, retried: false, at: None });
        }
        Ok(progress.as_mut().expect("set above"))
    }

    async fn look(
        &self,
        progress: &mut Progress,
        session: &mut dyn Session,
        now: Instant,
    ) -> Result<bool, Problem> {
        if !progress.retried {
            self.retry(progress, session).await?;
            progress.retried = true;
        }
        let mut at = progress.at.take().unwrap_or_else(|| progress.window.from().clone());
        for _ in 0..PAGES_MAX {
            if progress.window.is_stuck() {
                return Ok(false);
            }
            let page = self.page(session, &at).await?;
            let next = page.receipts.last().map(|found| found.place.0.clone());
            let is_full = page.is_full;
            let due: Vec<_> = page
                .receipts
                .into_iter()
                .filter(|found| progress.window.look(&found.place, found.hash, is_full, now))
                .collect();
            self.offer(progress, due).await?;
            progress.window.move_on(now);
            match next {
                Some(next) if is_full && next > at => at = next,
                Some(_) if is_full => {
                    let detail = format!(
                        "{} receipts share one position of `{}`, so that nothing behind them can \
                         be read",
                        page::PAGE_RECEIPTS,
                        self.pack.cursor.column
                    );
                    return Err(self.problem(&SourceError::refused(detail)));
                }
                _ => return Ok(false),
            }
        }
        progress.at = Some(at);
        Ok(true)
    }

    /// Tries the receipts that waited for a person once more, because the pack may be another one.
    async fn retry(
        &self,
        progress: &mut Progress,
        session: &mut dyn Session,
    ) -> Result<(), Problem> {
        let waiting: Vec<Place> = progress.window.waiting().keys().cloned().collect();
        for place in waiting {
            let page = self.page(session, &place.0).await?;
            let found = page.receipts.into_iter().find(|found| found.place == place);
            self.offer(progress, found.into_iter().collect()).await?;
        }
        Ok(())
    }

    async fn page(&self, session: &mut dyn Session, at: &Position) -> Result<Page, Problem> {
        let since = self.settings.since.to_string();
        let page = page::read(session, &self.pack, at, &since).await;
        page.map_err(|error| self.problem(&error))
    }

    /// Offers receipts in their order and notes what became of each.
    async fn offer(&self, progress: &mut Progress, due: Vec<Found>) -> Result<(), Problem> {
        let mut counts = Counts::default();
        let (mut places, mut drafts) = (Vec::new(), Vec::new());
        for found in due {
            match self.draft(&found) {
                Ok(draft) if self.is_before(&draft) => progress.window.taken(&found.place),
                Ok(draft) => {
                    places.push(found.place);
                    drafts.push(draft);
                }
                Err(problem) => refuse(progress, &found.place, &problem, &mut counts),
            }
        }
        let cursor =
            InputCursor { input: self.cursor_name(), value: progress.window.kept(progress.epoch) };
        let outcomes = self.around.intake.offer_at(drafts, cursor).await;
        let mut not_now = None;
        for (place, outcome) in places.iter().zip(outcomes) {
            match outcome {
                Outcome::Journaled(standing) if standing.conflict_of.is_some() => {
                    counts.conflicts += 1;
                }
                Outcome::Journaled(_) => counts.journaled += 1,
                Outcome::Replayed(_) => counts.replayed += 1,
                Outcome::Training => counts.training += 1,
                Outcome::Refused(problem) => {
                    refuse(progress, place, &problem, &mut counts);
                    continue;
                }
                Outcome::NotCommitted(problem) => {
                    not_now = Some(problem);
                    continue;
                }
            }
            progress.window.taken(place);
        }
        if counts != Counts::default() {
            self.around.board.took(&self.around.name, &counts, self.around.seams.now());
        }
        match not_now {
            Some(problem) => Err(problem),
            None => Ok(()),
        }
    }

    /// Whether a receipt is of a trading day before the first one. SQL may find such, because it
    /// knows the POS's clock and not its trading days.
    fn is_before(&self, draft: &Draft) -> bool {
        match &draft.body {
            Body::Transaction(transaction) => transaction.business_date < self.settings.since,
            Body::Till(_) | Body::Stock(_) | Body::Fiscal(_) => false,
        }
    }

    /// The event of a receipt.
    fn draft(&self, found: &Found) -> Result<Draft, Problem> {
        let mut rows = Vec::with_capacity(found.rows.len());
        for (index, row) in found.rows.iter().enumerate() {
            let kind = self.pack.mapping.kind_of(Some(&row.query), &row.columns, &row.cells);
            let kind = kind.ok_or_else(|| {
                let detail = format!("no kind of row in the pack fits a row of `{}`", row.query);
                let next = "add a `[[row]]` for it; `skip` passes over rows that say nothing";
                Problem::new(Code::UnreadableDocument, detail).next(next)
            })?;
            if self.pack.mapping.kinds.get(kind).is_some_and(|kind| kind.skip.is_some()) {
                continue;
            }
            rows.push(Row {
                number: u64::try_from(index + 1).unwrap_or(u64::MAX),
                columns: Arc::clone(&row.columns),
                cells: row.cells.clone(),
                kind,
            });
        }
        if rows.len() > ROWS_PER_RECEIPT_MAX {
            let detail = format!("the receipt has more than {ROWS_PER_RECEIPT_MAX} rows");
            return Err(Problem::new(Code::TooLarge, detail).next("see `receipt` in the pack"));
        }
        self.pack.mapping.document(&rows).map_err(|fault| {
            let mut problem = fault.problem;
            let index = usize::try_from(fault.row).unwrap_or(0).saturating_sub(1);
            let query = found.rows.get(index).map_or("", |row| row.query.as_str());
            if !fault.column.is_empty() {
                problem.detail =
                    format!("column `{}` of `{query}`: {}", fault.column, problem.detail);
            }
            problem
        })
    }

    fn cursor_name(&self) -> String {
        format!("inputs/{}", self.around.name)
    }

    fn problem(&self, error: &SourceError) -> Problem {
        let server = self.settings.server.name();
        match error {
            SourceError::Unreachable(cause) => {
                let detail = format!("the POS's database ({server}) cannot be read: {cause}");
                Problem::new(Code::SourceUnreachable, detail).next(
                    "see whether it runs and whether the agent's user may read it; the agent tries \
                     again by itself",
                )
            }
            SourceError::Refused(cause) => {
                let detail = format!("the POS's database ({server}) refuses the pack: {cause}");
                Problem::new(Code::SourceRefused, detail).next(
                    "see whether the pack fits this version of the POS and whether the user may \
                     read its tables; the agent tries again by itself",
                )
            }
        }
    }
}

fn refuse(progress: &mut Progress, place: &Place, problem: &Problem, counts: &mut Counts) {
    counts.refused += 1;
    let why = match &problem.path {
        Some(path) => format!("{} (at {path})", problem.detail),
        None => problem.detail.clone(),
    };
    progress.window.refused(place, &why);
}

/// What stands on the board as long as receipts wait for a person.
fn receipts_refused(window: &Window) -> Option<Problem> {
    let ((_, key), why) = window.waiting().first_key_value()?;
    let count = window.waiting().len();
    let stuck = if window.is_stuck() { "; nothing more is read until then" } else { "" };
    let detail = format!("receipts that cannot be taken: {count}; first `{key}`: {why}{stuck}");
    Some(Problem::new(Code::ReceiptsRefused, detail).next(
        "correct the pack or the receipt, and restart the agent: it tries them again at its start",
    ))
}

async fn is_set(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the agent ended without saying so");
    }
}

#[expect(clippy::disallowed_methods, reason = "the run loop of an input")]
fn now() -> Instant {
    Instant::now()
}
