//! The lease in a shared folder: whatever stands in its file, one agent reads the folder, and a file
//! that nobody can read locks it for nobody.

use std::time::{Duration, Instant};

use agent::inputs::folder::lease::{Lease, NAME};
use serde_json::Value;

use crate::fuzzing::fixtures::{folder, now};
use crate::fuzzing::{Form, Target, put};

/// The target.
pub const TARGET: Target = Target {
    name: "lease",
    run,
    form: Form::Json,
    words: &["holder", "host", "renewedAt", "one", "another"],
    inputs_per_round: 500,
    seeds,
};

/// Who asks.
const OWN: &str = "one";

/// Longer than any lease lasts that nobody renews.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let folder = folder();
    let file = folder.path().join(NAME);
    put(&file, input).expect("write the lease's file");
    let mut lease = Lease::new(folder.path(), OWN.to_owned(), "a till".to_owned());
    #[expect(clippy::disallowed_methods, reason = "a beginning from which time is counted on")]
    let begun = Instant::now();
    let taken = lease.take(begun, now()).expect("the folder can be written");
    let kept = std::fs::read(&file).expect("read the lease's file");
    match taken {
        Some(_) => {
            assert_eq!(kept, input, "another's lease stays as it is");
            assert_ne!(holder(&kept).as_deref(), Some(OWN), "nobody is locked out by himself");
            let later = lease.take(begun + LONG, now()).expect("the folder can be written");
            assert_eq!(later, None, "a lease that nobody renews ends");
        }
        None => assert_eq!(holder(&kept).as_deref(), Some(OWN), "a lease that is taken says so"),
    }
    lease.give_back().expect("the folder can be written");
    assert!(!file.exists(), "a lease that is given back is gone");
}

fn holder(text: &[u8]) -> Option<String> {
    let held: Value = serde_json::from_slice(text).ok()?;
    held["holder"].as_str().map(str::to_owned)
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let held = |holder: &str| {
        let held = serde_json::json!({
            "holder": holder, "host": "till-2", "renewedAt": "2026-11-23T17:59:00Z",
        });
        held.to_string().into_bytes()
    };
    vec![
        ("own".to_owned(), held(OWN)),
        ("anothers".to_owned(), held("another")),
        ("torn".to_owned(), held("another")[..20].to_vec()),
        ("empty".to_owned(), Vec::new()),
    ]
}
