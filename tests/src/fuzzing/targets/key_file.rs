//! The file of the data key: it is a key, or it is refused and stays as it is. Never another key.

use journal::key::{KeyError, KeyKeeper};
use ring::rand::SystemRandom;

use crate::fuzzing::fixtures::folder;
use crate::fuzzing::{Form, Target, put};

/// The target.
pub const TARGET: Target = Target {
    name: "key_file",
    run,
    form: Form::Bytes,
    words: &["\n", "\r\n", " ", "0", "f", "F", "g", "\u{feff}", "\u{0}"],
    inputs_per_round: 500,
    seeds,
};

/// Digits of a key.
const DIGITS: usize = 64;

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let folder = folder();
    let (file, journal) = (folder.path().join("data.key"), folder.path().join("journal.db"));
    put(&file, input).expect("write the key's file");
    put(&journal, b"a journal").expect("write a journal's file");
    let keeper = KeyKeeper::plain(file.clone(), journal);
    let loaded = keeper.load_or_create(None, &SystemRandom::new());
    let is_bare = std::str::from_utf8(input).is_ok_and(|text| {
        let digits = text.trim_end();
        digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    // What begins as a wrapped key is one if its code says so.
    let is_wrapped = loaded.is_ok() && input.starts_with(b"{");
    assert_eq!(loaded.is_ok(), is_bare || is_wrapped, "64 digits are a key, and nothing else is");
    assert!(!matches!(loaded, Err(KeyError::Missing { .. })), "the file is there");
    assert_eq!(std::fs::read(&file).expect("read it again"), input, "a key is never replaced");
    if let Ok(kept) = loaded {
        let again = keeper.load_or_create(None, &SystemRandom::new());
        assert!(again.is_ok_and(|again| again.key == kept.key), "the same file is the same key");
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let digits = "03".repeat(DIGITS / 2);
    vec![
        ("key".to_owned(), format!("{digits}\n").into_bytes()),
        ("without-end".to_owned(), digits.clone().into_bytes()),
        ("upper-case".to_owned(), "AB".repeat(DIGITS / 2).into_bytes()),
        ("windows".to_owned(), format!("{digits}\r\n").into_bytes()),
        ("short".to_owned(), digits.as_bytes()[2..].to_vec()),
        ("empty".to_owned(), Vec::new()),
    ]
}
