//! A file of the `events` input: every document of it is told, each refusal is short and without
//! card data, and what would be journaled is an event.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use agent::capture::guard::Guard;
use agent::inputs::folder::Decoder;
use agent::inputs::registry;
use agent::inputs::trial::{Outcome, trial};
use protocol::envelope::Event;

use crate::fuzzing::fixtures::agent::{config, seams};
use crate::fuzzing::fixtures::{events, folder, problem};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "events_input",
    run,
    form: Form::Json,
    words: WORDS,
    inputs_per_round: 800,
    seeds,
};

const WORDS: &[&str] = &[
    "\n",
    "\r\n",
    "\u{feff}",
    "4111111111111111",
    "4111 1111 1111 1111",
    "5555555555554444",
    "cvv",
    "pan",
    "%B4111111111111111^DOE/JOHN^2512",
    "storekeep.transaction.v1",
];

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let folder = folder();
    let path = folder.path().join("export.ndjson");
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(input));
    written.expect("write the file");
    let lines = input.split(|byte| *byte == b'\n').count();
    let (mut told, mut last_line) = (0, 0);
    let guard = Guard::strict();
    let each = &mut |tried: agent::inputs::trial::Tried| {
        told += 1;
        assert!(tried.place.line > last_line, "documents are told in order, each once");
        last_line = tried.place.line;
        match tried.outcome {
            Outcome::Refused { problem } => {
                problem::check(&problem);
                let written = serde_json::to_string(&problem).expect("a problem is plain data");
                let found = guard.check(&written);
                assert!(found.is_ok(), "a refusal shows no card data: {found:?} in {written}");
            }
            Outcome::Event { event, .. } => {
                let event = Event::parse(event.get().as_bytes());
                event.expect("what would be journaled is an event");
            }
            Outcome::Training | Outcome::Skipped { .. } => {}
        }
        ControlFlow::Continue(())
    };
    trial(&path, &*decoder(), &config(), &seams(), each).expect("the file can be opened");
    assert!(told <= lines, "{told} documents in {lines} lines");
}

fn decoder() -> Arc<dyn Decoder> {
    let table = "kind = \"events\"\nfolder = \"unused\"\n".parse().expect("a table");
    let built = registry::build(&table).expect("the settings of a folder");
    Arc::clone(built.input.decoder().expect("files have a decoder"))
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let events = events();
    let whole: Vec<_> = events.iter().map(|(_, event)| event.as_slice()).collect();
    let beginning = &whole[..whole.len().min(4)];
    vec![
        ("all".to_owned(), whole.join(&b'\n')),
        ("windows".to_owned(), beginning.join(b"\r\n".as_slice())),
        ("array".to_owned(), [b"[".as_slice(), &beginning.join(&b','), b"]"].concat()),
        ("empty-lines".to_owned(), b"\n\n{}\n\n".to_vec()),
        ("number-as-amount".to_owned(), NUMBER_AS_AMOUNT.as_bytes().to_vec()),
        ("number-as-name".to_owned(), NUMBER_AS_NAME.as_bytes().to_vec()),
        ("number-as-type".to_owned(), NUMBER_AS_TYPE.as_bytes().to_vec()),
    ]
}

/// A card number where another kind of value is due: what the reader says of it repeats it.
const NUMBER_AS_AMOUNT: &str =
    r#"{"type":"storekeep.transaction.v1","data":{"kind":4111111111111111}}"#;
const NUMBER_AS_NAME: &str =
    r#"{"type":"storekeep.till.v1","4111111111111111":1,"data":{"kind":"open"}}"#;
const NUMBER_AS_TYPE: &str = r#"{"type":"4111 1111 1111 1111","data":{}}"#;
