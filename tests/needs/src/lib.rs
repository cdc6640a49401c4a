//! What a test needs from outside the repository, and how it says that it was not run.
//!
//! A test asks first and returns if the answer is none:
//!
//! ```no_run
//! let Some(samples) = needs::samples() else { return };
//! let Some(browser) = needs::program("chromium", "apt-get install chromium") else { return };
//! # drop((samples, browser));
//! ```
//!
//! `cargo xtask test` counts such a test as skipped and names it with what it lacks. Does not
//! install anything, and is not for what the repository can bring itself.

#[cfg(unix)]
pub mod mariadb;
#[cfg(unix)]
pub mod postgres;

use std::env;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::json;

/// Names the folder of the recorded samples, which are not part of the repository.
pub const SAMPLES: &str = "STOREKEEP_SAMPLES";

/// Names the file that `cargo xtask test` reads: one JSON line for each thing that a test lacks.
const NOT_RUN: &str = "STOREKEEP_NOT_RUN";

/// What brings PostgreSQL.
pub const POSTGRESQL_INSTALL: &str = "apt-get install postgresql";

/// What a program of the harness ends with where the host refuses what it has to do.
pub const NOT_HERE: u8 = 3;

/// The folder of the recorded samples (`pos/`, `shopify/`); none if this host has none.
#[must_use]
#[track_caller]
pub fn samples() -> Option<PathBuf> {
    let folder = env::var_os(SAMPLES).map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        not_run(
            "the recorded samples",
            &format!("{SAMPLES}=<their folder> cargo xtask test"),
            Location::caller(),
        );
    }
    folder
}

/// Where a program stands that this host may lack; `command` brings it.
#[must_use]
#[track_caller]
pub fn program(name: &str, command: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = program_in(&path, name);
    if found.is_none() {
        not_run(name, command, Location::caller());
    }
    found
}

/// Where a program of the system's administrator stands, which Debian keeps out of other people's
/// `PATH`; `command` brings it.
#[must_use]
#[track_caller]
pub fn system_program(name: &str, command: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        not_run(name, command, Location::caller());
    }
    found
}

/// Says that this host refuses what a test has to do; `command` is how to run it elsewhere.
#[track_caller]
pub fn host(missing: &str, command: &str) {
    not_run(missing, command, Location::caller());
}

/// The folder of PostgreSQL's programs (`initdb`, `pg_ctl`); a test that finds none is counted as
/// not run.
#[must_use]
#[track_caller]
pub fn postgresql() -> Option<PathBuf> {
    let found = postgresql_installed();
    if found.is_none() {
        not_run("PostgreSQL", POSTGRESQL_INSTALL, Location::caller());
    }
    found
}

/// The folder of PostgreSQL's programs, which Debian keeps out of `PATH`, for what is no test.
#[must_use]
pub fn postgresql_installed() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    postgresql_in(&path, Path::new("/usr/lib/postgresql"))
}

/// Of several versions below `installed`, the latest.
fn postgresql_in(path: &OsStr, installed: &Path) -> Option<PathBuf> {
    let versions = installed.read_dir().into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    folders.sort();
    let folders = folders.into_iter().rev().map(|version| version.join("bin"));
    env::split_paths(path).chain(folders).find(|folder| folder.join("initdb").is_file())
}

fn program_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Says it where `cargo xtask test` reads it, or to the person who runs the test alone.
#[expect(clippy::print_stderr, reason = "a test alone has no other place to say it")]
fn not_run(missing: &str, command: &str, asked_at: &Location<'_>) {
    let line = line(thread::current().name(), missing, command, asked_at);
    match env::var_os(NOT_RUN) {
        Some(file) => append(Path::new(&file), &line),
        None => eprintln!("not run: {line}"),
    }
}

/// One JSON line. The harness names a test's thread after the test; with a single thread it runs
/// them all in `main`, and then the place that asked is the name.
fn line(thread: Option<&str>, missing: &str, command: &str, asked_at: &Location<'_>) -> String {
    let test = match thread {
        Some(name) if name != "main" => name.to_owned(),
        _ => asked_at.to_string(),
    };
    json!({ "test": test, "missing": missing, "command": command }).to_string()
}

/// One write, so that tests that run at the same time do not mix their lines.
fn append(file: &Path, line: &str) {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
        .expect("the list of tests not run stands in a folder that can be written");
}

#[cfg(test)]
mod tests {
    //! What is written is what `cargo xtask test` reads.

    use super::*;

    #[test]
    fn a_line_names_the_test_what_it_lacks_and_what_brings_it() {
        let here = Location::caller();
        let line = line(Some("page::opens"), "chromium", "apt-get install chromium", here);
        let expected =
            r#"{"command":"apt-get install chromium","missing":"chromium","test":"page::opens"}"#;
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read, serde_json::from_str::<serde_json::Value>(expected).unwrap());
    }

    #[test]
    fn without_a_thread_of_its_own_a_test_is_named_by_its_place() {
        let line = line(Some("main"), "a", "b", Location::caller());
        assert!(line.contains("needs/src/lib.rs:"), "{line}");
    }

    #[test]
    fn lines_are_added_one_after_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("not-run");
        append(&file, "one");
        append(&file, "two");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn a_program_is_looked_for_along_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("browser");
        std::fs::File::create(&program).unwrap();
        let path = env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        assert_eq!(program_in(&path, "browser"), Some(program));
        assert_eq!(program_in(&path, "other"), None);
    }

    #[test]
    fn postgresql_is_looked_for_along_the_path_and_below_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["13", "15"] {
            let programs = folder.path().join(version).join("bin");
            std::fs::create_dir_all(&programs).unwrap();
            std::fs::File::create(programs.join("initdb")).unwrap();
        }
        let found = postgresql_in(OsStr::new("/nowhere"), folder.path());
        assert_eq!(found, Some(folder.path().join("15/bin")));
        assert_eq!(postgresql_in(OsStr::new("/nowhere"), Path::new("/nowhere")), None);
    }
}
