//! The one place that writes files: a crash leaves the former file or the new one, never half.
//!
//! A temporary file beside the real one is filled and synced, renamed, and the folder synced.
//! Everything written here is for its owner alone. Does not decide what is written.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file that only its owner may read, in place of a former one.
///
/// # Errors
/// The folder is missing or the disk refuses; the former file is untouched then.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path);
    remove_if_there(&temporary)?;
    let written = fill(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    match written {
        Ok(()) => sync_folder(path),
        Err(error) => {
            remove_if_there(&temporary)?;
            Err(error)
        }
    }
}

/// Makes an empty file that only its owner may read, unless one is there.
///
/// # Errors
/// The folder is missing or the disk refuses.
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    match private(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made?.sync_all().and_then(|()| sync_folder(path)),
    }
}

/// Makes a folder that only its owner may enter, and those above it.
///
/// # Errors
/// The disk refuses, or a file stands there.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".new");
    path.with_file_name(name)
}

/// A crash between filling and renaming leaves a temporary file behind.
fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn fill(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a file that is not there yet.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the rename itself durable. Windows does that with the rename and opens no folder.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => {
            let here = Path::new(".");
            File::open(if folder.as_os_str().is_empty() { here } else { folder })?.sync_all()
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    //! What is written is whole, private and without leftovers.

    use super::*;

    #[test]
    fn a_file_replaces_the_former_one_and_a_leftover_of_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_private(&path, b"one").unwrap();
        fill(&beside(&path), b"half").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_private_folder(&inner).unwrap();
        write_private(&inner.join("key"), b"one").unwrap();
        make_private_file(&inner.join("store")).unwrap();
        make_private_file(&inner.join("key")).unwrap();
        assert_eq!(fs::read(inner.join("key")).unwrap(), b"one", "a file that is there stays");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(&inner), mode(&inner.join("key"))], [0o700, 0o600]);
        assert_eq!(mode(&inner.join("store")), 0o600);
    }

    #[test]
    fn a_missing_folder_is_an_error_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_private(&folder.path().join("none/key"), b"one").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
