//! Compiles the workspace once: the test binaries and the programs that scenarios start.
//!
//! One call of cargo, so that features are told apart once and nothing is compiled twice. Does
//! not run anything.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::suite::Suite;
use crate::cargo::{cargo, shown};

/// One line of `--message-format=json`: of all messages, only what the tests need.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Profile {
    test: bool,
}

/// Compiles, and returns what there is to run: every test binary, then the examples in the
/// documentation.
pub(super) fn build(root: &Path, filter: Option<&str>) -> Result<Vec<Suite>> {
    let mut command = cargo(root);
    command.args(["build", "--workspace", "--lib", "--bins", "--tests"]);
    command.args(["--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("start {}", shown(&command)))?;
    let messages = child.stdout.take().context("read what cargo says")?;
    let mut suites = Vec::new();
    for line in BufReader::new(messages).lines() {
        let line = line.context("read what cargo says")?;
        let message: Message = serde_json::from_str(&line)
            .with_context(|| format!("read cargo's message `{line}`"))?;
        suites.extend(suite(&message, filter)?);
    }
    let status = child.wait().context("wait for cargo")?;
    ensure!(status.success(), "compile the tests");
    if suites.is_empty() {
        bail!("find a test to run: cargo named no test binary");
    }
    suites.sort_by(|one, other| one.name.cmp(&other.name));
    suites.push(documentation(root, filter));
    Ok(suites)
}

fn suite(message: &Message, filter: Option<&str>) -> Result<Option<Suite>> {
    let is_test = message.profile.as_ref().is_some_and(|profile| profile.test);
    let (Some(executable), Some(target), Some(manifest)) =
        (&message.executable, &message.target, &message.manifest_path)
    else {
        return Ok(None);
    };
    if message.reason != "compiler-artifact" || !is_test {
        return Ok(None);
    }
    let folder = manifest.parent().context("find the folder of a package")?;
    let package = folder.file_name().context("name a package")?.to_string_lossy();
    let kind = target.kind.first().map_or("test", String::as_str);
    let name = match kind {
        "lib" => package.into_owned(),
        _ => format!("{package} {kind} {}", target.name),
    };
    Ok(Some(Suite::binary(name, executable, folder, filter)))
}

fn documentation(root: &Path, filter: Option<&str>) -> Suite {
    let mut command = cargo(root);
    command.args(["test", "--workspace", "--doc", "--no-fail-fast"]);
    command.args(["--", "--format", "pretty"]).args(filter);
    Suite::new("examples in the documentation".to_owned(), command)
}

#[cfg(test)]
mod tests {
    //! Which of cargo's messages is a test binary.

    use super::*;

    fn read(line: &str) -> Option<Suite> {
        suite(&serde_json::from_str(line).unwrap(), None).unwrap()
    }

    #[test]
    fn a_test_binary_is_named_after_its_package_and_target() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x",
            "manifest_path":"/x/crates/journal/Cargo.toml","target":{"kind":["lib"],
            "name":"journal"},"profile":{"test":true},"executable":"/t/journal-1","fresh":true}"#;
        assert_eq!(read(line).unwrap().name, "journal");
        let scenario = line.replace("[\"lib\"]", "[\"test\"]").replace("\"journal\"", "\"outage\"");
        assert_eq!(read(&scenario).unwrap().name, "journal test outage");
    }

    #[test]
    fn programs_libraries_and_other_messages_are_none() {
        for line in [
            r#"{"reason":"compiler-artifact","manifest_path":"/x/Cargo.toml","target":{"kind":
                ["bin"],"name":"x"},"profile":{"test":false},"executable":"/t/x"}"#,
            r#"{"reason":"compiler-artifact","manifest_path":"/x/Cargo.toml","target":{"kind":
                ["lib"],"name":"x"},"profile":{"test":true},"executable":null}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }
}
