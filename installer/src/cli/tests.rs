//! The commands as somebody types them, on a host that is a folder.

use std::collections::VecDeque;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::linux::testing::Place;
use crate::platform::layout;

/// Answers from a list, and keeps what is said.
#[derive(Default)]
struct Scripted {
    answers: Option<VecDeque<&'static str>>,
    said: Vec<String>,
    warned: Vec<String>,
    asked: Vec<String>,
}

impl Console for Scripted {
    fn say(&mut self, line: &str) {
        self.said.push(line.to_owned());
    }

    fn warn(&mut self, line: &str) {
        self.warned.push(line.to_owned());
    }

    fn has_person(&self) -> bool {
        self.answers.is_some()
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        self.asked.push(question.to_owned());
        self.answers.as_mut()?.pop_front().map(str::to_owned)
    }
}

fn run_with(place: &Place, line: &str, mut console: Scripted) -> (Exit, Scripted) {
    let root = place.root().display().to_string();
    let words = ["storekeep-setup", "--root", &root].into_iter().chain(line.split_whitespace());
    let cli = Cli::try_parse_from(words).unwrap();
    let exit = execute(&cli, &mut console);
    (exit, console)
}

fn run(place: &Place, line: &str) -> (Exit, Scripted) {
    run_with(place, line, Scripted::default())
}

fn json(console: &Scripted) -> Value {
    assert_eq!(console.said.len(), 1, "{:?}", console.said);
    serde_json::from_str(&console.said[0]).unwrap()
}

/// A host, and where its programs come from.
fn place() -> Option<(Place, String)> {
    let place = Place::new()?;
    let from = format!("--from {}", place.programs().display());
    Some((place, from))
}

#[test]
fn a_silent_installation_says_in_json_what_it_did_and_the_second_time_nothing() {
    let Some((place, from)) = place() else { return };
    let line = format!("--json install {from} --store 0042 --relay http://127.0.0.1:1");
    let (exit, console) = run(&place, &line);
    let said = json(&console);
    assert_eq!(
        (exit, &said["changed"], &said["version"]),
        (Exit::Done, &true.into(), &"1.0.0".into())
    );
    assert!(said["steps"].as_array().unwrap().iter().any(|step| step == "make the folder `/opt`"));
    assert!(said["notes"][0].as_str().unwrap().contains("SK0114"), "the relay does not answer");
    let config = place.text(layout::CONFIG);
    assert!(config.contains("store = \"0042\"") && config.contains("url = \"http://127.0.0.1:1\""));
    let before = place.listing();
    let (exit, console) = run(&place, &line);
    assert_eq!((exit, &json(&console)["changed"]), (Exit::Done, &false.into()));
    assert_eq!(place.listing(), before);
}

#[test]
fn without_a_person_what_is_missing_is_a_wrong_use_and_nothing_changes() {
    let Some((place, from)) = place() else { return };
    let before = place.listing();
    let wrong = [
        (format!("install {from}"), "--store STORE"),
        (format!("--json install {from} --store 77"), "correct it"),
        (format!("install {from} --store 0042 --relay ftp://x"), "https://"),
        (format!("install {from} --config /none/there"), "--config"),
    ];
    for (line, next) in wrong {
        let (exit, console) = run(&place, &line);
        assert_eq!(exit, Exit::Usage, "{line}: {:?} {:?}", console.said, console.warned);
        let text = [console.said, console.warned].concat().join("\n");
        assert!(text.contains("SK0107") && text.contains(next), "{line}: {text}");
        assert_eq!(place.listing(), before, "{line}");
    }
}

#[test]
fn a_person_is_asked_for_what_was_not_said_and_an_empty_answer_is_the_default() {
    let Some((place, from)) = place() else { return };
    let console = Scripted { answers: Some(["0042", ""].into()), ..Scripted::default() };
    let (exit, console) = run_with(&place, &format!("install {from}"), console);
    assert_eq!(exit, Exit::Done, "{:?}", console.warned);
    assert_eq!(console.asked.len(), 2, "{:?}", console.asked);
    assert!(!place.text(layout::CONFIG).contains("[relay]"));
    assert!(console.said[0].contains("starts at boot"), "{:?}", console.said);
}

#[test]
fn programs_that_are_missing_are_named() {
    let Some((place, _)) = place() else { return };
    let (exit, console) = run(&place, "install --from / --store 0042");
    assert_eq!(exit, Exit::Refused);
    assert!(console.warned[0].contains("SK0106"), "{:?}", console.warned);
}

#[test]
fn only_what_is_installed_is_upgraded_and_its_configuration_stays() {
    let Some((place, from)) = place() else { return };
    let upgrade = format!("upgrade {from}");
    let (exit, console) = run(&place, &upgrade);
    assert_eq!(exit, Exit::Refused);
    assert!(console.warned[0].contains("SK0108"), "{:?}", console.warned);
    run(&place, &format!("install {from} --store 0042"));
    let config = place.text(layout::CONFIG);
    place.bring("2.0.0");
    let (exit, console) = run(&place, &upgrade);
    assert_eq!((exit, console.warned), (Exit::Done, Vec::new()));
    assert!(console.said[0].contains("2.0.0"), "{:?}", console.said);
    assert!(place.text(layout::AGENT).contains("2.0.0"));
    assert_eq!(place.text(layout::CONFIG), config);
}

#[test]
fn a_token_goes_to_the_agent_and_a_used_one_is_refused() {
    let Some((place, from)) = place() else { return };
    run(&place, &format!("install {from} --store 0042"));
    if !place.host().is_administrator {
        return needs::host("the rights of an administrator", "sudo cargo test -p installer");
    }
    for (token, exit, word) in [("good\n", Exit::Done, "d-1"), ("used", Exit::Refused, "SK0116")] {
        place.put("/token", token);
        let file = place.host().real(Path::new("/token"));
        let (ended, console) =
            run(&place, &format!("--json enroll --token-file {}", file.display()));
        assert_eq!(ended, exit);
        assert!(json(&console).to_string().contains(word), "{:?}", console.said);
    }
    assert_eq!(run(&place, "enroll").0, Exit::Usage);
}

#[test]
fn uninstalling_keeps_the_data_and_removes_it_only_when_told() {
    let Some((place, from)) = place() else { return };
    run(&place, &format!("install {from} --store 0042"));
    place.put("/var/lib/storekeep/figures", r#"{"entries":5,"unsent":2}"#);
    let (exit, console) = run(&place, "--json uninstall");
    assert_eq!(exit, Exit::Done);
    assert!(json(&console)["notes"][0].as_str().unwrap().contains("var/lib/storekeep"));
    assert!(place.has("/var/lib/storekeep/figures") && !place.has(layout::AGENT));
    // Nothing is left that could be asked but the programs that this one comes with.
    for (line, exit) in [
        (format!("install {from}"), Exit::Done),
        ("uninstall --remove-data".to_owned(), Exit::Refused),
        ("uninstall --remove-data --discard-unsynced 1".to_owned(), Exit::Refused),
        ("uninstall --remove-data --discard-unsynced 2".to_owned(), Exit::Done),
        ("uninstall --remove-data".to_owned(), Exit::Done),
    ] {
        let (ended, console) = run(&place, &line);
        assert_eq!(ended, exit, "{line}: {:?}", console.warned);
    }
    assert!(!place.has(layout::DATA) && !place.has(layout::CONFIG));
}

#[test]
fn a_person_who_does_not_agree_loses_nothing() {
    let Some((place, from)) = place() else { return };
    run(&place, &format!("install {from} --store 0042"));
    let before = place.listing();
    let console = Scripted { answers: Some([""].into()), ..Scripted::default() };
    let (exit, console) = run_with(&place, "uninstall --remove-data", console);
    assert_eq!((exit, console.asked.len()), (Exit::Usage, 1));
    assert_eq!(place.listing(), before);
}

#[test]
fn the_preflight_finds_what_does_not_work_and_changes_nothing() {
    let Some((place, _)) = place() else { return };
    let before = place.listing();
    let (exit, console) = run(&place, "--json preflight");
    assert_eq!(exit, Exit::Done, "{:?}", console.said);
    let (exit, console) = run(&place, "--json preflight --relay http://127.0.0.1:1");
    assert_eq!(exit, Exit::Found);
    let checks = json(&console);
    let codes: Vec<_> = checks["checks"].as_array().unwrap().iter().map(|c| &c["code"]).collect();
    assert!(codes.contains(&&Value::from("SK0114")), "{checks:#}");
    assert_eq!(place.listing(), before);
}

#[test]
fn a_number_to_discard_needs_the_word_to_remove() {
    let parsed = |line: &str| Cli::try_parse_from(line.split_whitespace()).is_ok();
    assert!(!parsed("storekeep-setup uninstall --discard-unsynced 3"));
    assert!(!parsed("storekeep-setup uninstall --keep-data --remove-data"));
    assert!(parsed("storekeep-setup uninstall --keep-data --json"));
}
