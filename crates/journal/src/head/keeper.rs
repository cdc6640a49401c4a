//! Writes the head copy beside the writer, a moment after each commit, and makes the reserve again
//! once a full disk has room.
//!
//! A copy costs two syncs, which no caller should wait for: a thread of its own writes one copy
//! for whatever was committed meanwhile. Does not decide what the copy says.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use super::HeadCopy;
use crate::open::{OpenError, Source};
use crate::policy;
use crate::quota::{Reserve, Room};
use crate::writer::Published;

/// The thread that keeps the copy.
#[derive(Debug)]
pub(crate) struct Keeper {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(
        source: &Arc<Source>,
        copy: Arc<HeadCopy>,
        published: Arc<Published>,
        reserve: Arc<Reserve>,
    ) -> Result<Self, OpenError> {
        // One wake-up is enough to know that there is something to do.
        let (wake, woken) = sync_channel(1);
        let kept = Arc::clone(source);
        let thread = std::thread::Builder::new()
            .name("journal-head".to_owned())
            .spawn(move || keep_up(&woken, &kept, &copy, &published, &reserve))
            .map_err(|error| source.failed("start the thread for the head of journal", error))?;
        Ok(Self { wake: Some(wake), thread: Some(thread) })
    }

    /// Something was committed, or found the disk full.
    pub(crate) fn wake(&self) {
        match self.wake.as_ref().map(|wake| wake.try_send(())) {
            None | Some(Ok(()) | Err(TrySendError::Full(()))) => {}
            Some(Err(TrySendError::Disconnected(()))) => {
                tracing::error!("the thread that keeps the journal's head copy ended");
            }
        }
    }
}

impl Drop for Keeper {
    /// Leaves a copy that is level.
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that keeps the journal's head copy panicked");
        }
    }
}

fn keep_up(
    woken: &Receiver<()>,
    source: &Source,
    copy: &HeadCopy,
    published: &Published,
    reserve: &Reserve,
) {
    #[expect(clippy::disallowed_methods, reason = "this thread times its own waiting")]
    let now = Instant::now;
    let mut due: Option<Instant> = None;
    loop {
        let is_full = reserve.room() == Room::DiskFull;
        let copy_in = due.map(|due| due.saturating_duration_since(now()));
        let look_in = is_full.then_some(policy::ROOM_RETRY);
        let news = match copy_in.into_iter().chain(look_in).min() {
            None => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => woken.recv_timeout(wait),
        };
        match news {
            Ok(()) => due = due.or_else(|| now().checked_add(policy::HEAD_COPY_DELAY)),
            Err(RecvTimeoutError::Timeout) => {
                if is_full {
                    reserve.restore();
                }
                if due.is_some_and(|due| due <= now()) {
                    let is_written = written(source, copy, published);
                    due = (!is_written).then(|| now() + policy::HEAD_COPY_RETRY);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                written(source, copy, published);
                return;
            }
        }
    }
}

fn written(source: &Source, copy: &HeadCopy, published: &Published) -> bool {
    match copy.keep(|| published.state()) {
        Ok(()) => true,
        Err(error) => {
            let file = source.file.display();
            tracing::warn!(%error, %file, "the journal's head copy could not be written; it is tried again");
            false
        }
    }
}
