//! The files that the rules judge, read once.
//!
//! What git ignores is not there. Does not know a rule.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::source::Source;

/// Every file of the repository by its path from the root, with `/` between folders.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Vec<u8>>,
    /// The Rust files among them; a text that is not Rust stands with its reason.
    sources: BTreeMap<String, Result<Source, String>>,
    /// Where the modules stand that exist only for tests, as `agent/src/sync/conformance`.
    test_modules: Vec<String>,
}

impl Tree {
    /// Reads what git tracks or would track.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("start git to list the files")?;
        ensure!(
            listing.status.success(),
            "list the files with git: {}",
            String::from_utf8_lossy(&listing.stderr).trim()
        );
        let names = String::from_utf8(listing.stdout).context("read git's list of files")?;
        let mut files = BTreeMap::new();
        for name in names.split_terminator('\0') {
            match fs::read(root.join(name)) {
                Ok(bytes) => {
                    files.insert(name.to_owned(), bytes);
                }
                // Deleted, and git not yet told: the file is gone as far as the rules go.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("read `{name}`")),
            }
        }
        Ok(Self::from_files(files))
    }

    fn from_files(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut tree = Self { files, ..Self::default() };
        tree.sources = tree
            .texts()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| (path.to_owned(), Source::parse(path, text)))
            .collect();
        tree.test_modules = tree
            .sources
            .iter()
            .filter_map(|(path, source)| Some((path, source.as_ref().ok()?)))
            .flat_map(|(path, source)| test_modules(path, source))
            .collect();
        tree
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The files that hold text; pictures and packed samples are none.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter_map(|(path, bytes)| Some((path, str::from_utf8(bytes).ok()?)))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        str::from_utf8(self.files.get(path)?).ok()
    }

    /// The Rust files that could be read as Rust.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources
            .iter()
            .filter_map(|(path, source)| Some((path.as_str(), source.as_ref().ok()?)))
    }

    /// The Rust files that could not, each with the reason.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources
            .iter()
            .filter_map(|(path, source)| Some((path.as_str(), source.as_ref().err()?.as_str())))
    }

    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    pub(crate) fn has_folder(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        self.files.range(inside.clone()..).next().is_some_and(|(name, _)| name.starts_with(&inside))
    }

    /// Whether the whole file exists only for tests: below `tests/`, in a `tests` module, or in
    /// one that its parent declares under `#[cfg(test)]`.
    pub(crate) fn is_test(&self, path: &str) -> bool {
        let named = path.split('/').any(|part| part == "tests" || part == "tests.rs");
        named
            || self.test_modules.iter().any(|module| {
                path.strip_prefix(module.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            })
    }

    /// Whether this line of this file exists only for tests.
    pub(crate) fn is_test_line(&self, path: &str, source: &Source, line: usize) -> bool {
        self.is_test(path) || source.tests.iter().any(|lines| lines.contains(&line))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        Self::from_files(owned)
    }
}

fn test_modules(path: &str, source: &Source) -> Vec<String> {
    let Some((package, _)) = path.split_once("/src/") else { return Vec::new() };
    let place = |module: &Vec<String>| format!("{package}/src/{}", module.join("/"));
    source.test_modules.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    //! What counts as a test.

    use super::*;

    #[test]
    fn a_module_declared_under_cfg_test_is_a_test_with_all_below_it() {
        let tree = Tree::of(&[
            ("agent/src/sync/mod.rs", "#[cfg(test)]\npub(crate) mod conformance;\nmod policy;\n"),
            ("agent/src/sync/conformance/mod.rs", ""),
            ("agent/src/sync/conformance/batch.rs", ""),
            ("agent/src/sync/policy.rs", ""),
        ]);
        assert!(tree.is_test("agent/src/sync/conformance/mod.rs"));
        assert!(tree.is_test("agent/src/sync/conformance/batch.rs"));
        assert!(!tree.is_test("agent/src/sync/policy.rs"));
    }

    #[test]
    fn a_tests_file_and_the_tests_folder_are_tests() {
        let tree = Tree::of(&[]);
        assert!(tree.is_test("agent/src/sync/tests.rs"));
        assert!(tree.is_test("agent/src/sync/tests/make.rs"));
        assert!(tree.is_test("tests/scenarios/outage/main.rs"));
        assert!(!tree.is_test("agent/src/latest.rs"));
    }

    #[test]
    fn a_folder_is_there_when_a_file_is_below_it() {
        let tree = Tree::of(&[("docs/errors/SK0001.md", "")]);
        assert!(tree.has_folder("docs"));
        assert!(tree.has_folder("docs/errors"));
        assert!(!tree.has_folder("docs/err"));
    }
}
