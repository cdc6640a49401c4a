//! The system calls that the agent makes, against those that its unit allows.
//!
//! Recorded, not filtered: what is compared is what a filter would have seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;

use crate::host::{AGENT, Host};
use crate::walls::NOBODY;

const UNIT: &str = include_str!("../../../packaging/systemd/storekeep-agent.service");

/// The sets of system calls that systemd knows, by name, as it prints them.
fn sets(printed: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut sets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = "";
    for line in printed.lines() {
        let word = line.trim();
        match line.chars().next() {
            Some('@') => current = word,
            Some(' ') if !word.is_empty() && !word.starts_with('#') => {
                sets.entry(current).or_default().push(word);
            }
            _ => {}
        }
    }
    sets
}

/// The calls of a set, with those of the sets in it.
fn calls_of<'a>(sets: &BTreeMap<&'a str, Vec<&'a str>>, name: &str) -> BTreeSet<&'a str> {
    let words = sets.get(name).unwrap_or_else(|| panic!("systemd knows no {name}"));
    words
        .iter()
        .flat_map(|word| match word.starts_with('@') {
            true => calls_of(sets, word),
            false => BTreeSet::from([*word]),
        })
        .collect()
}

/// What the unit's `SystemCallFilter` lines leave: the first allows, those with `~` take away.
fn allowed<'a>(sets: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    // systemd adds this set to every list of allowed calls.
    let mut allowed = calls_of(sets, "@default");
    for filter in UNIT.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let names = filter.trim_start_matches('~').split_whitespace();
        for call in names.flat_map(|name| calls_of(sets, name)) {
            match filter.starts_with('~') {
                true => allowed.remove(call),
                false => allowed.insert(call),
            };
        }
    }
    allowed
}

/// The calls of a recording, each with its arguments.
fn recorded(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let (name, arguments) = call.split_once('(')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some((name, arguments))
    })
}

#[test]
fn every_system_call_it_makes_is_one_that_its_unit_allows() {
    let Some(strace) = needs::program("strace", "apt-get install strace") else { return };
    let Some(analyze) = needs::program("systemd-analyze", "apt-get install systemd") else {
        return;
    };
    let printed = Command::new(analyze).arg("syscall-filter").output().unwrap().stdout;
    let printed = String::from_utf8(printed).unwrap();
    let sets = sets(&printed);
    let host = Host::new();
    // A relay that is looked for under a name, and does not answer.
    host.configure("[relay]\nurl = \"http://localhost:1\"");
    let record = host.folder().join("calls");
    let mut traced = Command::new(strace);
    traced.args(["-D", "-f", "-qq", "-o"]).arg(&record);
    // The administrator's agent would give files away, as the service's user cannot.
    if chown(host.data(), Some(NOBODY), Some(NOBODY)).is_ok() {
        let Some(setpriv) = needs::program("setpriv", "apt-get install util-linux") else { return };
        traced.arg(setpriv).args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    traced.arg(AGENT);
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    if !tried.is_ok_and(|status| status.success()) {
        return needs::host(
            "the right to trace a process",
            "sudo cargo test -p agent --test service",
        );
    }
    let mut agent = host.start(&mut host.run(traced));
    assert_eq!(host.sell("000001"), 201);
    agent.terminate();
    assert!(agent.ended().success());
    let text = fs::read_to_string(&record).unwrap();
    let (_, text) = text.split_once(&format!("execve(\"{AGENT}\"")).unwrap();
    let allowed = allowed(&sets);
    let made: BTreeSet<_> = recorded(text).map(|(name, _)| name).collect();
    assert!(made.contains("fsync") && made.len() > 20, "{made:?}");
    let refused: Vec<_> = made.difference(&allowed).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let families =
        UNIT.lines().find_map(|line| line.strip_prefix("RestrictAddressFamilies=")).unwrap();
    let sockets = recorded(text).filter(|(name, _)| *name == "socket");
    let others = sockets.filter(|(_, arguments)| {
        let family = arguments.split(',').next().unwrap_or_default();
        !families.split_whitespace().any(|allowed| allowed == family)
    });
    assert_eq!(others.collect::<Vec<_>>(), []);
    let is_writable_code = |arguments: &str| {
        let words = arguments.split(')').next().unwrap_or_default();
        words.contains("PROT_WRITE") && words.contains("PROT_EXEC")
    };
    let memory = recorded(text).filter(|(name, _)| ["mmap", "mprotect"].contains(name));
    assert_eq!(memory.filter(|(_, arguments)| is_writable_code(arguments)).count(), 0);
}
