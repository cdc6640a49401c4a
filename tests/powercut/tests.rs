//! Nothing acknowledged is lost in a power cut, and the controls show that a loss would be seen.
//!
//! Each test starts the rig as a program, because it needs mounts of its own before it has
//! threads. How the rig works stands in `rig`.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is the message, also in what tests share"
)]

use std::process::Command;

use serde_json::{Map, Value};
use tests::needs;

/// The figures of a run; none if this host cannot cut the power.
#[track_caller]
fn cut(subject: &str, file_system: &str, cuts: u32) -> Option<Map<String, Value>> {
    let install = "cargo xtask test --install";
    needs::system_program(&format!("mkfs.{file_system}"), install)?;
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("figures.json");
    let mut rig = Command::new(env!("CARGO_BIN_EXE_powercut"));
    rig.args(["run", "--subject", subject, "--file-system", file_system]);
    rig.args(["--cuts", &cuts.to_string(), "--report"]).arg(&report);
    let output = rig.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if output.status.code() == Some(i32::from(needs::NOT_HERE)) {
        let missing = said.trim().trim_start_matches("not run: this host lacks ");
        needs::host(missing, "as root with loop devices: cargo xtask test");
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap())
}

/// Checks that nothing was lost, and that there was something to lose.
#[track_caller]
fn keeps(subject: &str, file_system: &str, cuts: u32) {
    let Some(figures) = cut(subject, file_system, cuts) else { return };
    assert_eq!(figures["cuts"], cuts, "{figures:?}");
    assert_eq!(figures["lost"], 0, "{figures:?}");
    assert_eq!(figures["faults"], 0, "{figures:?}");
    assert!(figures["acked"].as_u64().unwrap() > u64::from(cuts) * 10, "{figures:?}");
}

/// Checks that a control loses what it acknowledged.
#[track_caller]
fn loses(subject: &str, file_system: &str) {
    let Some(figures) = cut(subject, file_system, 4) else { return };
    let lost = format!("{}_{file_system}_lost", subject.replace('-', "_"));
    assert!(figures[&lost].as_u64().unwrap() > 0, "{figures:?}");
}

#[test]
fn what_the_journal_answered_survives_power_cuts_on_ext4() {
    keeps("journal", "ext4", 60);
}

#[test]
fn what_the_journal_answered_survives_power_cuts_on_xfs() {
    keeps("journal", "xfs", 60);
}

#[test]
fn what_the_relay_acknowledged_survives_power_cuts_on_ext4() {
    keeps("relay", "ext4", 45);
}

#[test]
fn what_the_relay_acknowledged_survives_power_cuts_on_xfs() {
    keeps("relay", "xfs", 45);
}

#[test]
fn control_a_journal_that_answers_before_it_syncs_loses_receipts() {
    loses("journal-unsynced", "ext4");
    loses("journal-unsynced", "xfs");
}

#[test]
fn control_a_relay_that_acknowledges_before_it_commits_loses_entries() {
    loses("relay-hasty", "ext4");
    loses("relay-hasty", "xfs");
}
