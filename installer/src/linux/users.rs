//! The service's user: made by `systemd-sysusers` from its own file, removed by its lines.
//!
//! Whoever changes an account at the same moment loses nothing: only our lines are taken out, and
//! the rest is written back as it is read. Does not decide whether there is to be one.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{ActError, files, layout};
use crate::command::{self, last_words};
use crate::plan::Content;

/// For a program that writes four small files.
const SYSUSERS_TIMEOUT: Duration = Duration::from_secs(60);

/// The files with accounts, below the root.
const ACCOUNTS: [&str; 4] = ["etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"];

/// What writing them leaves beside them.
const LEFT_BESIDE: [&str; 5] =
    ["/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/.pwd.lock"];

/// Whether the host has accounts of its own yet; a host that is being put together has none.
pub(super) fn has_accounts(root: &Path) -> bool {
    root.join(ACCOUNTS[0]).is_file()
}

/// The numbers of a user and of the group of that name; none if there is no such user.
pub(super) fn numbers(root: &Path, user: &str) -> io::Result<files::Numbers> {
    let file = match fs::read_to_string(root.join(ACCOUNTS[0])) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut fields = file.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = fields.find(|fields| fields.first() == Some(&user));
    let number = |at: usize| found.as_ref()?.get(at)?.parse().ok();
    Ok(number(2).zip(number(3)))
}

/// Which of the files beside the accounts are not there yet.
pub(super) fn left_beside(root: &Path) -> Vec<PathBuf> {
    let paths = LEFT_BESIDE.into_iter().map(PathBuf::from);
    paths.filter(|path| !files::is_there(&super::below(root, path))).collect()
}

/// Makes the user.
pub(super) fn make(root: &Path) -> Result<(), ActError> {
    let mut sysusers = Command::new("systemd-sysusers");
    sysusers.arg(format!("--root={}", root.display()));
    sysusers.arg(super::below(root, Path::new(layout::SYSUSERS)));
    let output = command::run(&mut sysusers, SYSUSERS_TIMEOUT)?;
    match output.status.success() {
        true => Ok(()),
        false => Err(ActError::Failed {
            attempt: "make the user with systemd-sysusers".to_owned(),
            answer: last_words(&output),
        }),
    }
}

/// Takes the user and its group out of the accounts.
pub(super) fn remove(root: &Path) -> Result<(), ActError> {
    for account in ACCOUNTS {
        let path = root.join(account);
        remove_line(&path).map_err(|error| ActError::io("take our line out of", &path, error))?;
    }
    Ok(())
}

fn remove_line(path: &Path) -> io::Result<()> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let ours = format!("{}:", layout::USER);
    let others: String =
        text.split_inclusive('\n').filter(|line| !line.starts_with(&ours)).collect();
    if others == text {
        return Ok(());
    }
    let found = fs::metadata(path)?;
    let owner = Some((found.uid(), found.gid()));
    files::remove_if_there(&files::prepared(path))?;
    files::prepare(path, &Content::Text(others), found.mode() & 0o7777, owner)?;
    files::put_prepared(path)
}
