//! The small files beside the journal: written whole or not at all.
//!
//! Does not know what stands in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Puts a file in place of a former one: temporary file, sync, rename, sync of the folder. Only its
/// owner may read it.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_guarded(file, bytes, |_| Ok(()))
}

/// The same, and before anything is written to the temporary file `guard` closes it to others by
/// what the platform has besides permissions.
pub(crate) fn replace_guarded(
    file: &Path,
    bytes: &[u8],
    guard: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = beside(file, ".new");
    let written = write_new(&temporary, bytes, guard);
    match written.and_then(|()| fs::rename(&temporary, file)) {
        Ok(()) => sync_folder_of(file),
        Err(error) => {
            // What is there of it takes up room that may be what is lacking.
            remove_if_there(&temporary)?;
            Err(error)
        }
    }
}

/// Puts a file where there is none: a link, unlike a rename, never replaces a file that another
/// process has put there meanwhile. One that is there stays as it is.
pub(crate) fn put_first(
    file: &Path,
    bytes: &[u8],
    guard: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = beside(file, &format!(".{}.new", std::process::id()));
    let written = write_new(&temporary, bytes, guard);
    let linked = written.and_then(|()| match fs::hard_link(&temporary, file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    });
    remove_if_there(&temporary)?;
    linked?;
    sync_folder_of(file)
}

fn write_new(file: &Path, bytes: &[u8], guard: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    // A crash may have left one behind, with permissions that nobody knows.
    remove_if_there(file)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut made = options.open(file)?;
    guard(file)?;
    made.write_all(bytes)?;
    made.sync_all()
}

/// Removes a file if there is one.
pub(crate) fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a new name in a folder durable. Windows journals names itself and opens no folders.
pub(crate) fn sync_folder_of(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => {
            let here = Path::new(".");
            File::open(if folder.as_os_str().is_empty() { here } else { folder })?.sync_all()
        }
        _ => Ok(()),
    }
}

/// The file's name with a suffix.
pub(crate) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
