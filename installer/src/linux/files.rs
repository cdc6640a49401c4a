//! The one place that changes files: each change is whole or not there, and synced.
//!
//! What stood at a path before is kept beside it under a name of ours until the change is settled.
//! Does not decide what is changed.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown, symlink};
use std::path::{Path, PathBuf};

use crate::plan::Content;

/// The numbers of a user and a group; none where whoever installs may not give files away.
pub(crate) type Numbers = Option<(u32, u32)>;

/// The name under which a path's former content is kept.
pub(crate) fn former(path: &Path) -> PathBuf {
    beside(path, ".setup-former")
}

/// The name under which a path's new content is prepared.
pub(crate) fn prepared(path: &Path) -> PathBuf {
    beside(path, ".setup-new")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(suffix);
    path.with_file_name(name)
}

/// Whether something stands there, be it a link to nowhere.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Writes a file that only its owner may read, in place of a former one.
///
/// # Errors
/// The disk refuses; the former file is untouched then.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = prepared(path);
    remove_if_there(&new)?;
    fill(&new, &mut &*bytes, 0o600, None).and_then(|()| fs::rename(&new, path))?;
    sync_folder_of(path)
}

/// Keeps what stands there under its second name, where it stays reachable under the first.
pub(crate) fn keep_former(path: &Path) -> io::Result<()> {
    fs::hard_link(path, former(path))?;
    sync_folder_of(path)
}

/// Writes what is to stand there under the name for it, synced.
pub(crate) fn prepare(path: &Path, content: &Content, mode: u32, owner: Numbers) -> io::Result<()> {
    let new = prepared(path);
    match content {
        Content::Text(text) => fill(&new, &mut text.as_bytes(), mode, owner),
        Content::CopyOf(from) => fill(&new, &mut File::open(from)?, mode, owner),
        Content::LinkTo(to) => {
            symlink(to, &new)?;
            match owner {
                Some((user, group)) => lchown(&new, Some(user), Some(group)),
                None => Ok(()),
            }
        }
    }
}

/// Puts it there, in place of what stands there.
pub(crate) fn put_prepared(path: &Path) -> io::Result<()> {
    fs::rename(prepared(path), path)?;
    sync_folder_of(path)
}

fn fill(path: &Path, from: &mut dyn Read, mode: u32, owner: Numbers) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(from, &mut file)?;
    if let Some((user, group)) = owner {
        fchown(&file, Some(user), Some(group))?;
    }
    // After the owner: changing that may take bits away.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.flush()?;
    file.sync_all()
}

/// Makes a folder; one that is there already stays as it is.
pub(crate) fn make_folder(path: &Path, mode: u32, owner: Numbers) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
            return Ok(());
        }
        made => made?,
    }
    if let Some((user, group)) = owner {
        lchown(path, Some(user), Some(group))?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    sync_folder_of(path)
}

/// Takes what stands there away, but keeps it under its second name.
pub(crate) fn set_aside(path: &Path) -> io::Result<()> {
    fs::rename(path, former(path))?;
    sync_folder_of(path)
}

/// Puts back what stood there before. Where that was not begun, nothing changes.
pub(crate) fn put_back(path: &Path) -> io::Result<()> {
    remove_if_there(&prepared(path))?;
    let kept = former(path);
    if !is_there(&kept) {
        return Ok(());
    }
    // Renaming one name of a file to another of the same file does nothing, and leaves both.
    match is_same(&kept, path)? {
        true => fs::remove_file(&kept)?,
        false => fs::rename(&kept, path)?,
    }
    sync_folder_of(path)
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let one = fs::symlink_metadata(one)?;
    match fs::symlink_metadata(other) {
        Ok(other) => Ok((one.dev(), one.ino()) == (other.dev(), other.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what was put where nothing stood before.
pub(crate) fn remove_put(path: &Path) -> io::Result<()> {
    remove_if_there(&prepared(path))?;
    remove_if_there(path)?;
    match path.parent().is_some_and(Path::exists) {
        true => sync_folder_of(path),
        false => Ok(()),
    }
}

/// Removes for good what was kept of before.
pub(crate) fn forget_former(path: &Path) -> io::Result<()> {
    let kept = former(path);
    match fs::symlink_metadata(&kept) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&kept)?,
        Ok(_) => fs::remove_file(&kept)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    sync_folder_of(path)
}

/// Removes a file if there is one.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Removes a folder if it is there and empty.
pub(crate) fn remove_folder_if_empty(path: &Path) -> io::Result<()> {
    match fs::remove_dir(path) {
        Ok(()) => sync_folder_of(path),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty => Ok(()),
            _ => Err(error),
        },
    }
}

/// Removes everything in a folder, and not the folder.
pub(crate) fn empty_folder(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    File::open(path)?.sync_all()
}

/// Makes a change of names in a path's folder durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Whether a file is as wished.
pub(crate) fn is_as(path: &Path, content: &Content, mode: u32, owner: Numbers) -> io::Result<bool> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if owner.is_some_and(|owner| owner != (found.uid(), found.gid())) {
        return Ok(false);
    }
    let of_mode = found.is_file() && found.mode() & 0o7777 == mode;
    match content {
        Content::Text(text) => Ok(of_mode && fs::read(path)? == text.as_bytes()),
        Content::CopyOf(from) => Ok(of_mode
            && fs::metadata(from)?.len() == found.len()
            && fs::read(path)? == fs::read(from)?),
        Content::LinkTo(to) => Ok(found.is_symlink() && fs::read_link(path)? == *to),
    }
}
