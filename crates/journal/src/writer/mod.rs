//! The one thread that writes, with group commit.
//!
//! Whatever appends wait are written in one transaction and answered after its commit: a sync
//! costs the same for one entry or for a hundred. Other changes take their turn in between, each
//! in a transaction of its own. Decides nothing about entries.

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use protocol::chain::Position;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::append::{Appended, GroupSize, Prepared};
use crate::checkpoint::{Checkpointer, Step};
use crate::epoch::State;
use crate::error::AppendError;
use crate::file::JournalFile;
use crate::head::keeper::Keeper;
use crate::open::OpenError;
use crate::policy;
use crate::quota::Room;
use crate::readers::Readers;

type Outcomes = Vec<Result<Appended, AppendError>>;

/// Entries that wait, and who waits for them.
#[derive(Debug)]
struct Append {
    entries: Vec<Prepared>,
    answer: oneshot::Sender<Outcomes>,
    /// Room in the queue, given back once the entries are written.
    _room: OwnedSemaphorePermit,
}

impl Append {
    fn record_bytes(&self) -> usize {
        self.entries.iter().map(Prepared::record_bytes).sum()
    }
}

/// A change of another kind.
type Change = Box<dyn FnOnce(&mut JournalFile) -> Answer + Send>;

/// Answers whoever waits for a change, once everyone can see it.
type Answer = Box<dyn FnOnce() + Send>;

enum Request {
    Append(Append),
    Change(Change),
}

/// What the last commit left, for everyone to see.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) state: RwLock<State>,
    pub(crate) head: watch::Sender<Position>,
}

impl Published {
    /// Begins with a state.
    pub(crate) fn new(state: State) -> Self {
        let head = watch::Sender::new(state.head);
        Self { state: RwLock::new(state), head }
    }

    /// Shows a state; returns whether it is another one.
    pub(crate) fn show(&self, state: &State) -> bool {
        let mut shown = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if *shown == *state {
            return false;
        }
        shown.clone_from(state);
        self.head.send_if_modified(|head| std::mem::replace(head, state.head) != state.head);
        true
    }

    /// Where the journal stands.
    pub(crate) fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What goes on beside the writing thread.
#[derive(Debug)]
struct Beside {
    published: Arc<Published>,
    checkpointer: Checkpointer,
    keeper: Keeper,
    readers: Readers,
}

/// The way to the writing thread.
#[derive(Debug)]
pub(crate) struct Writer {
    requests: Option<mpsc::Sender<Request>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

/// The writing thread has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended;

impl Writer {
    /// Starts the thread, and those that copy the log and the head beside it.
    pub(crate) fn start(
        file: JournalFile,
        published: Arc<Published>,
        readers: Readers,
    ) -> Result<Self, OpenError> {
        let source = Arc::clone(file.source());
        let checkpointer = Checkpointer::start(&source)?;
        let copy = Arc::clone(file.head_copy());
        let reserve = Arc::clone(file.reserve());
        let keeper = Keeper::start(&source, copy, Arc::clone(&published), reserve)?;
        let beside = Beside { published, checkpointer, keeper, readers };
        let (requests, queue) = mpsc::channel(policy::QUEUE_REQUESTS_MAX);
        let thread = std::thread::Builder::new()
            .name("journal-writer".to_owned())
            .spawn(move || {
                let file = write_all(file, queue, &beside);
                // The last connection to close takes the log with it.
                drop(beside);
                drop(file);
            })
            .map_err(|error| source.failed("start the writing thread of journal", error))?;
        let room = Arc::new(Semaphore::new(policy::QUEUE_KIB_MAX));
        Ok(Self { requests: Some(requests), room, thread: Some(thread) })
    }

    /// Hands entries over and waits until they are durable. They stay together in one group, which
    /// therefore may not be larger than one.
    pub(crate) async fn append(&self, entries: Vec<Prepared>) -> Result<Outcomes, Ended> {
        let kib = entries.iter().map(Prepared::record_bytes).sum::<usize>() / 1024 + 1;
        let kib = u32::try_from(kib.min(policy::QUEUE_KIB_MAX)).map_err(|_| Ended)?;
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| Ended)?;
        let (answer, answered) = oneshot::channel();
        self.send(Request::Append(Append { entries, answer, _room: room })).await?;
        answered.await.map_err(|_| Ended)
    }

    /// Runs another change; durable when it returns.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut JournalFile) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        let change: Change = Box::new(move |file| {
            let outcome = change(file);
            Box::new(move || {
                if answer.send(outcome).is_err() {
                    tracing::debug!("the caller did not wait for the journal's answer");
                }
            })
        });
        self.send(Request::Change(change)).await?;
        answered.await.map_err(|_| Ended)
    }

    async fn send(&self, request: Request) -> Result<(), Ended> {
        let requests = self.requests.as_ref().ok_or(Ended)?;
        requests.send(request).await.map_err(|_| Ended)
    }
}

impl Drop for Writer {
    /// Waits until what is queued is committed and the connection is closed.
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's writing thread panicked");
        }
    }
}

fn write_all(
    mut file: JournalFile,
    mut queue: mpsc::Receiver<Request>,
    beside: &Beside,
) -> JournalFile {
    let mut next = queue.blocking_recv();
    while let Some(request) = next.take() {
        match request {
            Request::Append(first) => {
                let group;
                (group, next) = gather(first, &mut queue);
                write_group(&mut file, group, beside);
            }
            Request::Change(change) => {
                let answer = change(&mut file);
                beside.publish(&file);
                answer();
            }
        }
        beside.tend_log(&file);
        if next.is_none() {
            next = queue.blocking_recv();
        }
    }
    file
}

/// Takes whatever appends wait, up to a full group, and the request that ends it.
fn gather(first: Append, queue: &mut mpsc::Receiver<Request>) -> (Vec<Append>, Option<Request>) {
    let mut size = GroupSize::default();
    size.take(first.entries.len(), first.record_bytes());
    let mut group = vec![first];
    while let Ok(request) = queue.try_recv() {
        match request {
            Request::Append(next) if size.take(next.entries.len(), next.record_bytes()) => {
                group.push(next);
            }
            other => return (group, Some(other)),
        }
    }
    (group, None)
}

fn write_group(file: &mut JournalFile, group: Vec<Append>, beside: &Beside) {
    let mut entries = Vec::new();
    let mut waiting = Vec::with_capacity(group.len());
    for append in group {
        waiting.push((append.entries.len(), append.answer, append._room));
        entries.extend(append.entries);
    }
    let mut outcomes = file.append(&entries).into_iter();
    beside.publish(file);
    for (count, answer, _room) in waiting {
        if answer.send(outcomes.by_ref().take(count).collect()).is_err() {
            tracing::debug!("the caller did not wait for the journal's answer");
        }
    }
}

impl Beside {
    /// Keeps the log short. Callers have their answers already.
    fn tend_log(&self, file: &JournalFile) {
        let tended = file.log().and_then(|log| match log.step() {
            Step::Interrupt => {
                self.readers.interrupt();
                self.checkpointer.wake();
                Ok(log)
            }
            Step::Wait => Ok(log),
            Step::Beside => {
                self.checkpointer.wake();
                Ok(log)
            }
            Step::Finish => file.copy_log(),
        });
        if let Err(error) = tended {
            let file = file.path().display();
            tracing::warn!(%error, %file, "the journal's log could not be kept short");
        }
    }

    /// Shows where the journal stands, before anyone is answered.
    fn publish(&self, file: &JournalFile) {
        let is_full = file.reserve().room() == Room::DiskFull;
        if self.published.show(file.state()) || is_full {
            self.keeper.wake();
        }
    }
}
