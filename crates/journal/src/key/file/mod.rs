//! The key in a file that only its owner may read: the provider that every host has.
//!
//! One line of 64 hexadecimal digits. It stops a copied journal, not a stolen disk. Never
//! replaces a key: a journal whose key is gone is unreadable for ever.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use ring::error::Unspecified;
use ring::rand::SecureRandom;

use super::{DataKey, KEY_BYTES};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The journal exists but its key does not. A new key could not open it.
    #[error("read the data key `{file}`: the file is gone, but the journal it opens is there")]
    Missing {
        /// The key's file.
        file: PathBuf,
    },
    /// The file does not hold a key.
    #[error("read the data key `{file}`: not a line of 64 hexadecimal digits")]
    Shape {
        /// The key's file.
        file: PathBuf,
    },
    /// The file or its folder cannot be used.
    #[error("{attempt} the data key `{file}`")]
    Io {
        /// What was tried, as a verb.
        attempt: &'static str,
        /// The key's file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The source of randomness failed.
    #[error("draw the data key")]
    Randomness,
}

impl From<Unspecified> for KeyError {
    fn from(_: Unspecified) -> Self {
        Self::Randomness
    }
}

/// Reads the key, or draws one and keeps it if neither key nor journal exist yet.
///
/// # Errors
/// The key is gone while `journal` exists, is no key, or cannot be read or written.
pub fn load_or_create(
    file: &Path,
    journal: &Path,
    random: &dyn SecureRandom,
) -> Result<DataKey, KeyError> {
    if let Some(key) = load(file)? {
        return Ok(key);
    }
    if journal.exists() {
        return Err(KeyError::Missing { file: file.to_owned() });
    }
    create(file, &DataKey::draw(random)?)?;
    // Another process may have been first: what is in the file now is the key.
    load(file)?.ok_or_else(|| KeyError::Missing { file: file.to_owned() })
}

fn load(file: &Path) -> Result<Option<DataKey>, KeyError> {
    let failed = |source| KeyError::Io { attempt: "read", file: file.to_owned(), source };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    close_to_others(file).map_err(failed)?;
    let mut bytes = [0; KEY_BYTES];
    hex::decode_to_slice(text.trim_end(), &mut bytes)
        .map_err(|_| KeyError::Shape { file: file.to_owned() })?;
    Ok(Some(DataKey::new(bytes)))
}

/// Writes the key beside its place, syncs it and links it there: a link, unlike a rename, never
/// replaces a key that another process has put there meanwhile.
fn create(file: &Path, key: &DataKey) -> Result<(), KeyError> {
    let failed = |source| KeyError::Io { attempt: "write", file: file.to_owned(), source };
    let temporary = temporary_of(file);
    remove_if_there(&temporary).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&temporary).map_err(failed)?;
    writeln!(written, "{}", key.expose_hex()).map_err(failed)?;
    written.sync_all().map_err(failed)?;
    match fs::hard_link(&temporary, file) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    remove_if_there(&temporary).map_err(failed)?;
    sync_folder_of(file).map_err(failed)
}

fn temporary_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Takes a key away from other users whom a restore or a copy let in, and says so.
#[cfg(unix)]
fn close_to_others(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(file = %file.display(), mode = format!("{mode:o}"), "other users could read the data key; its permissions are now 0600");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}

/// On Windows the folder's access list decides, which the installer sets to the service.
#[cfg(not(unix))]
fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
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
