//! Where files go once they are read.
//!
//! `done/DAY/` and `rejected/` stand within the input's folder, so that moving is a rename and
//! never a copy. A name that is taken already gets a number: no file replaces another. Deletes
//! nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Serialize;

use super::take::{Counts, Refused, Report};
use crate::files;

/// Files of one name on one day: more mean that something copies the same file over and over.
const SAME_NAMES_MAX: u32 = 10_000;

/// What stands beside a rejected file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemDocument<'a> {
    /// The file.
    file: &'a str,
    /// The input that read it.
    input: &'a str,
    /// What became of its documents.
    counts: &'a Counts,
    /// Those that were refused, the first thousand of them.
    refused: &'a [Refused],
    /// Why reading ended before the end of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<&'a Refused>,
    /// What to do.
    next: &'a str,
}

const NEXT: &str = "correct the cause, then move the file back into the folder; what was taken \
                    before is recognised and not taken twice";

/// The folder with the files that the journal has.
pub(super) fn done(folder: &Path) -> PathBuf {
    folder.join("done")
}

/// The folder with the files of which something was refused.
pub(super) fn rejected(folder: &Path) -> PathBuf {
    folder.join("rejected")
}

/// Moves a file that the journal has whole.
pub(super) fn to_done(folder: &Path, file: &Path, day: Date) -> io::Result<()> {
    let target = done(folder).join(day.to_string());
    fs::create_dir_all(&target)?;
    let target = free_name(&target, file)?;
    fs::rename(file, target)
}

/// Moves a file of which something was refused, and writes beside it what and why.
pub(super) fn to_rejected(
    folder: &Path,
    input: &str,
    file: &Path,
    report: &Report,
) -> io::Result<()> {
    let target = rejected(folder);
    fs::create_dir_all(&target)?;
    let target = free_name(&target, file)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let document = ProblemDocument {
        file: &name,
        input,
        counts: &report.counts,
        refused: &report.refused,
        ended_at: report.ended_at.as_ref(),
        next: NEXT,
    };
    let text = serde_json::to_vec_pretty(&document).map_err(io::Error::other)?;
    // The reason first: after a crash in between, the file is read again and moves here then.
    files::write_private(&target.with_file_name(format!("{name}.problem.json")), &text)?;
    fs::rename(file, target)
}

/// Files that wait in `rejected/` for a person.
pub(super) fn rejected_files(folder: &Path) -> io::Result<u64> {
    let mut count = 0;
    let entries = match fs::read_dir(rejected(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        count += u64::from(!name.to_string_lossy().ends_with(".problem.json"));
    }
    Ok(count)
}

/// The files under `done/`, in the order in which they were taken.
pub(super) fn done_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut days = entries(&done(folder))?;
    days.sort();
    let mut files = Vec::new();
    for day in days {
        let mut of_day = Vec::new();
        for file in entries(&day)? {
            let data = fs::metadata(&file)?;
            of_day.push((data.modified()?, file));
        }
        of_day.sort();
        files.extend(of_day.into_iter().map(|(_, file)| file));
    }
    Ok(files)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The file's own name in a folder, or the first with a number that is free.
fn free_name(folder: &Path, file: &Path) -> io::Result<PathBuf> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plain = folder.join(&name);
    if !plain.try_exists()? {
        return Ok(plain);
    }
    for number in 2..SAME_NAMES_MAX {
        let numbered = folder.join(format!("{number}-{name}"));
        if !numbered.try_exists()? {
            return Ok(numbered);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("`{}` holds {SAME_NAMES_MAX} files named `{name}`", folder.display()),
    ))
}
