//! What may be relied on about programs that the harness starts.

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Program {
    Program::at("sh").argument("-c").argument(script)
}

fn is_running(id: u32) -> bool {
    Path::new(&format!("/proc/{id}/stat")).exists()
}

#[test]
fn a_program_stands_beside_the_running_one() {
    let suffix = std::env::consts::EXE_SUFFIX;
    let found = place_beside(Path::new("/opt/demo"), "storekeep-agent").unwrap();
    assert_eq!(found, Path::new(&format!("/opt/storekeep-agent{suffix}")));
}

#[test]
fn a_test_looks_one_folder_up() {
    let suffix = std::env::consts::EXE_SUFFIX;
    let found = place_beside(Path::new("/build/debug/deps/scenarios-1f"), "demo").unwrap();
    assert_eq!(found, Path::new(&format!("/build/debug/demo{suffix}")));
}

#[test]
fn a_program_that_was_not_built_is_named() {
    let error = Program::beside("storekeep-nothing").unwrap_err().to_string();
    assert!(error.contains("storekeep-nothing"), "{error}");
    assert!(error.contains("build it first"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_ready_line_is_waited_for_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo starting; echo ready on 127.0.0.1:4711; exec cat /dev/zero > /dev/null";
    let mut running = shell(script).start(&folder.path().join("output")).unwrap();
    let address = |line: &str| line.strip_prefix("ready on ").map(str::to_owned);
    let found = running.line("where it listens", SOON, address).await.unwrap();
    assert_eq!(found, "127.0.0.1:4711");
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_ends_instead_is_reported_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut running =
        shell("echo no such disk >&2; exit 3").start(&folder.path().join("output")).unwrap();
    let never = |_: &str| None::<()>;
    let error = running.line("that it is ready", SOON, never).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("no such disk"), "{text}");
    assert!(text.contains("never said that it is ready"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_killed_program_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut running =
        shell("exec cat /dev/zero > /dev/null").start(&folder.path().join("output")).unwrap();
    let id = running.id();
    assert!(is_running(id));
    let status = running.kill().unwrap();
    assert!(!status.success());
    assert!(!is_running(id));
}

#[cfg(unix)]
#[test]
fn dropping_a_program_kills_it() {
    let folder = tempfile::tempdir().unwrap();
    let running =
        shell("exec cat /dev/zero > /dev/null").start(&folder.path().join("output")).unwrap();
    let id = running.id();
    drop(running);
    assert!(!is_running(id));
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_start_does_not_read_what_the_first_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    let mut first = shell("echo ready 1").start(&output).unwrap();
    first.ended(SOON).await.unwrap();
    let mut second = shell("echo ready 2").start(&output).unwrap();
    let number = |line: &str| line.strip_prefix("ready ").map(str::to_owned);
    assert_eq!(second.line("ready", SOON, number).await.unwrap(), "2");
    assert_eq!(first.said().unwrap(), "ready 1\nready 2\n");
}
