//! The list of rules in `README.md`, held to the code and to the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const README: &str = include_str!("../../README.md");

/// Every Rust file below these folders of the crate, as one text each.
fn sources(folders: &[&str]) -> Vec<String> {
    let mut waiting: Vec<_> =
        folders.iter().map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).collect();
    let mut texts = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// The rules of the list, each with its text.
fn rules() -> Vec<&'static str> {
    README.split("\n- **R").skip(1).map(|rule| rule.split("\n#").next().unwrap()).collect()
}

/// The number that a text begins with.
fn number(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The rules that a text names, ranges included: `README, R42 to R47`.
fn named(text: &str) -> BTreeSet<usize> {
    let mut named = BTreeSet::new();
    let words: Vec<&str> = text.split_whitespace().filter(|word| !word.starts_with("//")).collect();
    let rule = |word: &str| number(word.trim_start_matches(['(', '`']).strip_prefix('R')?);
    for (at, word) in words.iter().enumerate() {
        let Some(first) = rule(word) else { continue };
        let last = match words.get(at + 1..at + 3) {
            Some(["to", last]) => rule(last).unwrap_or(first),
            _ => first,
        };
        named.extend(first..=last);
    }
    named
}

#[test]
fn the_rules_are_numbered_without_a_gap() {
    for (rule, expected) in rules().into_iter().zip(1..) {
        assert_eq!(number(rule), Some(expected), "{rule}");
    }
}

#[test]
fn every_rule_names_a_test_that_there_is() {
    let tests = sources(&["src", "tests"]).concat();
    for rule in rules() {
        let found = rule.split('`').skip(1).step_by(2).any(|quoted| {
            let name = quoted.rsplit("::").next().unwrap();
            tests.contains(&format!("fn {name}()"))
        });
        assert!(found, "R{rule}");
    }
}

#[test]
fn every_test_that_a_rule_names_is_there() {
    let tests = sources(&["src", "tests"]).concat();
    for quoted in rules().into_iter().flat_map(|rule| rule.split('`').skip(1).step_by(2)) {
        let name = quoted.rsplit("::").next().unwrap();
        let is_a_claim = name.matches('_').count() > 2
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        assert!(!is_a_claim || tests.contains(&format!("fn {name}()")), "there is no test {name}");
    }
}

#[test]
fn the_code_names_every_rule_and_no_other() {
    let cited: BTreeSet<usize> = sources(&["src"]).iter().flat_map(|text| named(text)).collect();
    let listed: BTreeSet<usize> = (1..=rules().len()).collect();
    assert_eq!(cited, listed);
}
