//! The small files beside the journal: written whole or not at all.
//!
//! Does not know what stands in them.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::key::file::sync_folder_of;

/// Puts a file in place of a former one: temporary file, sync, rename, sync of the folder. Only its
/// owner may read it.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(file, ".new");
    match write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, file)) {
        Ok(()) => sync_folder_of(file),
        Err(error) => {
            // What is there of it takes up room that may be what is lacking.
            remove_if_there(&temporary)?;
            Err(error)
        }
    }
}

fn write_new(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes a file if there is one.
pub(crate) fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file's name with a suffix.
pub(crate) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
