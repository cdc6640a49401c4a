//! The record of what is under way: one small file that is written, synced, before each step.
//!
//! It stands in a folder of its own, which is there only while something is under way. Whoever
//! opens it holds a lock on the host's root folder, so that two runs never mix. Decides nothing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::{Operation, Planned};
use crate::platform::files;

/// The form of the record. A later form gets a later number, and is refused by this program.
const VERSION: u32 = 1;

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// What for.
    pub operation: Operation,
    /// Every step, with its undo.
    pub steps: Vec<Planned>,
    /// How far it is.
    pub stage: Stage,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// So many steps were begun, the last of them perhaps not done. It can be taken back.
    Acting {
        /// How many.
        begun: usize,
    },
    /// All are done; what was kept for taking back is being removed. It goes forward only.
    Settling,
}

/// As it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    version: u32,
    /// Folders that were made for this file.
    made: Vec<PathBuf>,
    #[serde(flatten)]
    written: Written,
}

/// The record of one host.
#[derive(Debug)]
pub struct Record {
    folder: PathBuf,
    made: Vec<PathBuf>,
    /// Held for as long as this value lives.
    lock: File,
}

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Another run holds it.
    #[error("another installation is under way on this host")]
    UnderWay,
    /// The file system refuses.
    #[error("{attempt} `{path}`", path = .path.display())]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It was written by another version.
    #[error("`{path}` was written by another version of storekeep-setup", path = .0.display())]
    Version(PathBuf),
}

impl Record {
    /// Locks the host and takes its record, which stands in `folder` below `root`. Writes nothing.
    ///
    /// # Errors
    /// Another run is under way, or `root` cannot be opened.
    pub fn open(root: &Path, folder: PathBuf) -> Result<Self, RecordError> {
        let lock = File::open(root).map_err(|error| io_error("open", root, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, made: Vec::new(), lock }),
            Err(TryLockError::WouldBlock) => Err(RecordError::UnderWay),
            Err(TryLockError::Error(error)) => Err(io_error("lock", root, error)),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("record.json")
    }

    /// What an earlier run left; none if it left nothing.
    ///
    /// # Errors
    /// It cannot be read, or another version wrote it.
    pub fn read(&mut self) -> Result<Option<Written>, RecordError> {
        let file = self.file();
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            // Its folder may have been made before a crash; what writes next uses it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &file, error)),
        };
        let document: Document = serde_json::from_slice(&bytes)
            .map_err(|error| io_error("read", &file, io::Error::other(error)))?;
        if document.version != VERSION {
            return Err(RecordError::Version(file));
        }
        self.made = document.made;
        Ok(Some(document.written))
    }

    /// Writes down how far it is; durable when it returns.
    ///
    /// # Errors
    /// The file system refuses; what stood there before stands there still.
    pub fn write(&mut self, written: &Written) -> Result<(), RecordError> {
        self.make_folder()?;
        let (version, made, written) = (VERSION, self.made.clone(), written.clone());
        let document = serde_json::to_vec_pretty(&Document { version, made, written });
        let file = self.file();
        let bytes = document.expect("a record is plain data");
        files::write_private(&file, &bytes).map_err(|error| io_error("write", &file, error))
    }

    /// Makes the folder, and remembers which ones were not there.
    fn make_folder(&mut self) -> Result<(), RecordError> {
        let missing: Vec<_> = self.folder.ancestors().take_while(|path| !path.exists()).collect();
        for path in missing.into_iter().rev().map(Path::to_owned).collect::<Vec<_>>() {
            fs::create_dir(&path).map_err(|error| io_error("make", &path, error))?;
            files::sync_folder_of(&path).map_err(|error| io_error("sync", &path, error))?;
            self.made.push(path);
        }
        Ok(())
    }

    /// Removes it, with the folders that were made for it and hold nothing else.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn clear(&mut self) -> Result<(), RecordError> {
        let file = self.file();
        files::remove_if_there(&file).map_err(|error| io_error("remove", &file, error))?;
        let made = std::mem::take(&mut self.made);
        for path in made.iter().rev().chain([&self.folder]) {
            files::remove_folder_if_empty(path).map_err(|error| io_error("remove", path, error))?;
        }
        Ok(())
    }
}

impl Drop for Record {
    /// Says so, rather than only closing the file: a program that is being started at this moment
    /// may hold a copy of it for a little longer.
    fn drop(&mut self) {
        // Whatever it says, the lock ends with this process.
        drop(self.lock.unlock());
    }
}

fn io_error(attempt: &'static str, path: &Path, source: io::Error) -> RecordError {
    RecordError::Io { attempt, path: path.to_owned(), source }
}
