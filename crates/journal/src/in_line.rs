//! The journal without threads: each change and each read is made where it is asked for.
//!
//! For a simulation that plays every host in one thread and wants the same seed to lead to the
//! same steps. The file outlives the journals over it as a disk outlives the program, so that a
//! crash is to drop everything but the file. Nothing is gathered into groups, and the log is not
//! kept short.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::append::{Appended, Prepared};
use crate::error::AppendError;
use crate::file::JournalFile;
use crate::writer::Published;

/// What the disk makes everyone wait for: awaited before each access and after each change. A
/// disk that never answers is that of a host that is gone.
pub type Disk = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Changes in line.
pub(crate) struct InLine {
    file: Arc<Mutex<JournalFile>>,
    published: Arc<Published>,
    disk: Disk,
}

impl InLine {
    pub(crate) const fn new(
        file: Arc<Mutex<JournalFile>>,
        published: Arc<Published>,
        disk: Disk,
    ) -> Self {
        Self { file, published, disk }
    }

    /// Appends a group; durable when it returns.
    pub(crate) async fn append(
        &self,
        entries: Vec<Prepared>,
    ) -> Vec<Result<Appended, AppendError>> {
        self.change(move |file| file.append(&entries)).await
    }

    /// Runs a change; durable when it returns.
    pub(crate) async fn change<T>(&self, change: impl FnOnce(&mut JournalFile) -> T) -> T {
        (self.disk)().await;
        let outcome = {
            let mut file = self.file();
            let outcome = change(&mut file);
            self.published.show(file.state());
            outcome
        };
        (self.disk)().await;
        outcome
    }

    fn file(&self) -> MutexGuard<'_, JournalFile> {
        // A change is one transaction; after a panic the file is as its last commit left it.
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for InLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InLine").field("file", &self.file).finish_non_exhaustive()
    }
}
