//! The one place where a chore writes a file of the repository or a report.
//!
//! Whole or not at all: a chore that is stopped leaves the file as it was.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// Writes a file, in place of the one before; its folder is created where it is missing.
pub(crate) fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
    let mut whole = NamedTempFile::new_in(folder)
        .with_context(|| format!("create a file in `{}`", folder.display()))?;
    whole.write_all(bytes).with_context(|| format!("write `{}`", file.display()))?;
    readable_for_all(whole.as_file())?;
    whole.as_file().sync_all().with_context(|| format!("sync `{}`", file.display()))?;
    whole.persist(file).with_context(|| format!("name `{}`", file.display()))?;
    Ok(())
}

/// A temporary file is for its owner alone; what is written here is for everyone.
#[cfg(unix)]
fn readable_for_all(file: &fs::File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644)).context("let everyone read the file")
}

#[cfg(not(unix))]
fn readable_for_all(_: &fs::File) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    //! A file replaces the one before.

    use super::*;

    #[test]
    fn a_file_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/report.json");
        for text in ["one", "two"] {
            write_whole(&file, text.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(file).unwrap(), "two");
    }
}
