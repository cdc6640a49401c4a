//! What a suite's output says: passed, failed, not run.
//!
//! Reads the text of Rust's own test harness. A suite that ends without its closing line has
//! failed, whatever its exit code says.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;

/// One test's word that it was not run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct NotRun {
    /// Its name, or the place in its source where the harness gives it none.
    pub(super) test: String,
    /// What it needs.
    pub(super) missing: String,
    /// The command that brings it.
    pub(super) command: String,
}

impl NotRun {
    /// Reads one JSON line each.
    pub(super) fn read(text: &str) -> Result<Vec<Self>> {
        let line = |line| {
            serde_json::from_str(line).with_context(|| format!("read the test not run `{line}`"))
        };
        text.lines().map(line).collect()
    }
}

/// The sum of one suite or of several.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) passed: usize,
    pub(super) failed: usize,
    /// Suite and word of each that was not run; one test may lack several things.
    pub(super) not_run: Vec<(String, NotRun)>,
    /// Suite and name of each that failed.
    pub(super) failed_names: Vec<String>,
}

impl Count {
    /// Counts a suite that has ended.
    pub(super) fn of(suite: &str, output: &str, succeeded: bool, not_run: &[NotRun]) -> Self {
        let closing: Vec<_> =
            output.lines().filter_map(|line| Some(line.split_once("test result: ")?.1)).collect();
        let ignored = names(output, "ignored").map(|test| NotRun {
            test: test.to_owned(),
            missing: "to be asked for, being marked `ignore`".to_owned(),
            command: "cargo test -- --ignored".to_owned(),
        });
        let said: BTreeSet<_> = not_run.iter().map(|word| &word.test).collect();
        let passed: usize = closing.iter().map(|line| number(line, "passed")).sum();
        let words = not_run.iter().cloned().chain(ignored);
        let mut count = Self {
            passed: passed.saturating_sub(said.len()),
            failed: closing.iter().map(|line| number(line, "failed")).sum(),
            not_run: words.map(|word| (suite.to_owned(), word)).collect(),
            failed_names: names(output, "FAILED").map(|test| format!("{suite} {test}")).collect(),
        };
        if count.failed == 0 && (closing.is_empty() || !succeeded) {
            count.failed = 1;
            count.failed_names.push(format!("{suite} (ended without saying how its tests went)"));
        }
        count
    }

    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.not_run.extend(other.not_run);
        self.failed_names.extend(other.failed_names);
    }

    /// The tests that were not run, each once however much it lacks.
    pub(super) fn skipped(&self) -> usize {
        let tests: BTreeSet<_> =
            self.not_run.iter().map(|(suite, word)| (suite, &word.test)).collect();
        tests.len()
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed", self.passed)?;
        if self.failed > 0 {
            write!(f, ", {} FAILED", self.failed)?;
        }
        if self.skipped() > 0 {
            write!(f, ", {} not run", self.skipped())?;
        }
        Ok(())
    }
}

/// The number before a word, as in `ok. 12 passed; 0 failed; ...`.
fn number(closing: &str, word: &str) -> usize {
    let mut words = closing.split([' ', ';']).filter(|part| !part.is_empty());
    let mut before = "";
    words
        .find_map(|part| {
            let found = (part == word).then(|| before.parse().unwrap_or(0));
            before = part;
            found
        })
        .unwrap_or(0)
}

/// The names on lines `test NAME ... VERDICT`.
fn names<'a>(output: &'a str, verdict: &'a str) -> impl Iterator<Item = &'a str> {
    output.lines().filter_map(move |line| {
        let (name, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        (end.split([',', ' ']).next() == Some(verdict)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    //! Every way in which a suite can end.

    use super::*;

    const GOOD: &str = "running 3 tests\ntest a::b ... ok\ntest c ... ok\ntest d ... ok\n\n\
                        test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";

    fn word(test: &str, missing: &str) -> NotRun {
        NotRun {
            test: test.to_owned(),
            missing: missing.to_owned(),
            command: "apt-get install x".to_owned(),
        }
    }

    #[test]
    fn passed_tests_are_passed() {
        let count = Count::of("journal", GOOD, true, &[]);
        assert_eq!((count.passed, count.failed, count.skipped()), (3, 0, 0));
        assert_eq!(count.to_string(), "3 passed");
    }

    #[test]
    fn a_test_that_was_not_run_counts_once_and_not_as_passed() {
        let words = vec![word("c", "a browser"), word("c", "samples")];
        let count = Count::of("tests", GOOD, true, &words);
        assert_eq!((count.passed, count.failed, count.skipped()), (2, 0, 1));
        assert_eq!(count.not_run.len(), 2);
    }

    #[test]
    fn failed_tests_are_named() {
        let output = "test a ... FAILED\ntest b ... ok\n\
                      test result: FAILED. 1 passed; 1 failed; 0 ignored; finished in 0.01s";
        let count = Count::of("agent", output, false, &[]);
        assert_eq!((count.passed, count.failed), (1, 1));
        assert_eq!(count.failed_names, ["agent a"]);
    }

    #[test]
    fn an_ignored_test_counts_as_not_run() {
        let output = "test a ... ignored, too slow\n\
                      test result: ok. 0 passed; 0 failed; 1 ignored";
        let count = Count::of("agent", output, true, &[]);
        assert_eq!((count.passed, count.skipped()), (0, 1));
        assert_eq!(count.not_run[0].1.test, "a");
    }

    #[test]
    fn a_suite_that_dies_has_failed() {
        let died = Count::of("agent", "test a ... ok\n", false, &[]);
        assert_eq!((died.passed, died.failed), (0, 1));
        let silent = Count::of("agent", "", true, &[]);
        assert_eq!(silent.failed, 1);
        let after = Count::of("agent", GOOD, false, &[]);
        assert_eq!(after.failed, 1);
    }

    #[test]
    fn several_closing_lines_are_added_up() {
        let output = format!("{GOOD}\n{GOOD}");
        assert_eq!(Count::of("examples", &output, true, &[]).passed, 6);
    }

    #[test]
    fn counts_add_up() {
        let mut sum = Count::of("one", GOOD, true, &[word("c", "a browser")]);
        sum.add(Count::of("two", GOOD, true, &[word("c", "a browser")]));
        assert_eq!((sum.passed, sum.skipped()), (4, 2));
    }

    #[test]
    fn a_word_that_cannot_be_read_is_an_error() {
        assert_eq!(NotRun::read("").unwrap(), []);
        let line = r#"{"test":"c","missing":"a browser","command":"apt-get install x"}"#;
        assert_eq!(NotRun::read(line).unwrap(), [word("c", "a browser")]);
        assert!(NotRun::read("{}").is_err());
    }
}
