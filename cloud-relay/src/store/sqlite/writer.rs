//! The one thread that writes, with group commit.
//!
//! Whatever waits is done in one transaction, each operation in a savepoint of its own so that
//! one that fails undoes only itself, and every caller is answered after the commit: a durable
//! write costs one sync, however many share it. A simulation has each operation done where it is
//! asked for. Does not know what the operations do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use protocol::id::DeviceId;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::codec::Fault;
use crate::store::StoreError;
use crate::store::wake::Wakes;

/// Operations that wait at most; the caller of the next one waits to hand it over. Each holds a
/// batch of up to 8 MiB, and ingest bounds how many batches are under way.
const QUEUE_MAX: usize = 64;

/// Operations in one transaction: beyond this, sharing a sync saves nothing more.
const GROUP_MAX: usize = 64;

/// What an operation works with.
pub(super) struct Change<'c> {
    /// Within the open transaction.
    pub(super) connection: &'c Connection,
    news: RefCell<BTreeSet<DeviceId>>,
    work: Cell<bool>,
}

impl Change<'_> {
    /// News for a device goes out with this transaction.
    pub(super) fn news_for(&self, device: DeviceId) {
        self.news.borrow_mut().insert(device);
    }

    /// A lane becomes due with this transaction.
    pub(super) fn has_work(&self) {
        self.work.set(true);
    }
}

/// Answers the caller, once it is known whether the transaction was committed.
type Answer = Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>) + Send>;
type Job = Box<dyn FnOnce(&Change<'_>) -> Answer + Send>;

/// What the disk makes everyone wait for, where operations are done in line: awaited before each
/// operation, and again after one that writes. A disk that never answers is that of a host that
/// is gone.
pub type Disk = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The way to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<Jobs>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone)]
enum Jobs {
    OnThread(mpsc::Sender<Job>),
    InLine(InLine),
}

/// Operations in line, one transaction each.
#[derive(Clone)]
struct InLine {
    connection: Arc<Mutex<Connection>>,
    wakes: Arc<Wakes>,
    disk: Disk,
}

impl InLine {
    async fn run(&self, job: Job) {
        (self.disk)().await;
        {
            let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            write_group(&connection, vec![job], &self.wakes);
        }
        (self.disk)().await;
    }
}

impl fmt::Debug for InLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InLine").field("wakes", &self.wakes).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, wakes: Arc<Wakes>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(&connection, queue, &wakes))
            .map_err(|error| StoreError::Database {
                attempt: "start the store's writing thread",
                source: Box::new(error),
            })?;
        Ok(Self { jobs: Some(Jobs::OnThread(jobs)), thread: Some(thread) })
    }

    /// Does everything where it is asked for.
    pub(super) fn in_line(connection: Connection, wakes: Arc<Wakes>, disk: Disk) -> Self {
        let connection = Arc::new(Mutex::new(connection));
        Self { jobs: Some(Jobs::InLine(InLine { connection, wakes, disk })), thread: None }
    }

    /// Runs an operation; durable when it returns.
    pub(super) async fn run<T, F>(
        &self,
        attempt: &'static str,
        operation: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Change<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |change| {
            let outcome = in_savepoint(change, operation);
            Box::new(move |committed| {
                let outcome = match committed {
                    Ok(()) => outcome.map_err(|fault| fault.during(attempt)),
                    Err(source) => Err(StoreError::Database { attempt, source: Box::new(source) }),
                };
                if answer.send(outcome).is_err() {
                    tracing::debug!(attempt, "the caller did not wait for the store's answer");
                }
            })
        });
        let stopped =
            || StoreError::Database { attempt, source: "the store's writing thread ended".into() };
        match self.jobs.as_ref().ok_or_else(stopped)? {
            Jobs::OnThread(jobs) => jobs.send(job).await.map_err(|_| stopped())?,
            Jobs::InLine(connection) => connection.run(job).await,
        }
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Waits until what is queued is committed and the file is closed.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writing thread panicked");
        }
    }
}

fn write_all(connection: &Connection, mut queue: mpsc::Receiver<Job>, wakes: &Wakes) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        write_group(connection, group, wakes);
    }
}

fn write_group(connection: &Connection, group: Vec<Job>, wakes: &Wakes) {
    let change = Change { connection, news: RefCell::default(), work: Cell::new(false) };
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    let answers: Vec<Answer> = group.into_iter().map(|job| job(&change)).collect();
    let committed = begun.and_then(|()| connection.execute_batch("COMMIT")).map_err(Arc::new);
    if committed.is_err()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "the store's transaction could not be rolled back");
    }
    // Before the answers, so that a caller who was answered can rely on the hint.
    if committed.is_ok() {
        change.news.into_inner().iter().for_each(|device| wakes.news_arrived(device));
        if change.work.get() {
            wakes.work_arrived();
        }
    }
    for answer in answers {
        answer(committed.clone());
    }
}

fn in_savepoint<T>(
    change: &Change<'_>,
    operation: impl FnOnce(&Change<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let connection = change.connection;
    if connection.is_autocommit() {
        // BEGIN failed: nothing may be written outside a transaction, and its error is the answer.
        return Err(Fault::Sql(rusqlite::Error::InvalidQuery));
    }
    connection.prepare_cached("SAVEPOINT operation")?.execute([])?;
    let outcome = operation(change);
    if outcome.is_err() {
        connection.prepare_cached("ROLLBACK TO operation")?.execute([])?;
    }
    connection.prepare_cached("RELEASE operation")?.execute([])?;
    outcome
}
