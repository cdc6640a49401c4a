//! Which of our packages may depend on which, read from every `Cargo.toml`.
//!
//! Does not judge dependencies from outside; `deny.toml` does.

use toml::{Table, Value};

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// A package by its folder, and the packages that it may know. As in ARCHITECTURE.md.
const KNOWS: &[(&str, &[&str])] = &[
    ("agent", &["crates/protocol", "crates/broker", "crates/journal", "crates/update"]),
    ("cloud-relay", &["crates/protocol", "crates/broker", "crates/update"]),
    ("installer", &["crates/update"]),
    ("crates/broker", &["crates/protocol"]),
    ("crates/journal", &["crates/protocol"]),
    ("crates/update", &["crates/protocol"]),
    ("crates/protocol", &[]),
    ("xtask", &[]),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let root = tree.text("Cargo.toml").and_then(|text| text.parse::<Table>().ok());
    let shared = root.as_ref().and_then(|root| root.get("workspace")?.get("dependencies"));
    tree.texts()
        .filter_map(|(path, text)| Some((path, path.strip_suffix("/Cargo.toml")?, text)))
        .flat_map(|(path, folder, text)| match text.parse::<Table>() {
            Ok(manifest) => check_manifest(path, folder, &manifest, text, shared),
            Err(error) => {
                let text = format!("is not TOML: {}", error.message());
                vec![Finding::new(path, 1, "dependency", text)]
            }
        })
        .collect()
}

fn check_manifest(
    path: &str,
    folder: &str,
    manifest: &Table,
    text: &str,
    shared: Option<&Value>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (is_dev, dependencies) in dependency_tables(manifest) {
        for (key, value) in dependencies {
            let Some(to) = folder_of(folder, key, value, shared) else { continue };
            if let Some(reason) = refused(folder, &to, is_dev) {
                findings.push(Finding::new(path, line_of(text, key), "dependency", reason));
            }
        }
    }
    findings
}

/// Every table of dependencies, those of one platform too, and whether it is for tests only.
fn dependency_tables(manifest: &Table) -> Vec<(bool, &Table)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let of_platforms = platforms.into_iter().flat_map(|table| table.values());
    let holders = std::iter::once(manifest).chain(of_platforms.filter_map(Value::as_table));
    holders
        .flat_map(|holder| {
            [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
                .into_iter()
                .filter_map(|(name, is_dev)| Some((is_dev, holder.get(name)?.as_table()?)))
        })
        .collect()
}

/// The folder of the package that a dependency names, if it is one of ours.
fn folder_of(folder: &str, key: &str, value: &Value, shared: Option<&Value>) -> Option<String> {
    if let Some(path) = value.get("path") {
        return joined(folder, path.as_str()?);
    }
    value.get("workspace")?;
    joined("", shared?.get(key)?.get("path")?.as_str()?)
}

fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Why one package may not depend on another; none if it may.
fn refused(from: &str, to: &str, is_dev: bool) -> Option<String> {
    if is_simulated(from) {
        return Some(format!(
            "a simulated vendor imports nothing of ours, or both could be wrong alike: remove `{to}`"
        ));
    }
    if is_below_tests(from) || (is_made_for_tests(to) && is_dev) {
        return None;
    }
    if is_below_tests(to) {
        return Some(format!("nothing that ships knows the tests: remove `{to}`"));
    }
    let Some((_, known)) = KNOWS.iter().find(|(folder, _)| *folder == from) else {
        return Some(format!(
            "`{from}` is a new member: say in ARCHITECTURE.md and in this rule whom it may know"
        ));
    };
    (!known.contains(&to)).then(|| format!("`{from}` never knows `{to}` (ARCHITECTURE.md)"))
}

fn is_below_tests(folder: &str) -> bool {
    folder == "tests" || folder.starts_with("tests/")
}

/// What stands below the tests as a crate of its own, so that others' tests may use it.
fn is_made_for_tests(folder: &str) -> bool {
    folder.starts_with("tests/")
}

fn is_simulated(folder: &str) -> bool {
    folder.starts_with("tests/simulated-")
}

/// The line on which a dependency stands: the one that begins with its key.
fn line_of(text: &str, key: &str) -> usize {
    let begins = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
    };
    text.lines().position(begins).map_or(1, |before| before + 1)
}

#[cfg(test)]
mod tests {
    //! Every direction that is drawn, and the ones that are not.

    use super::super::found;
    use super::*;

    const ROOT: (&str, &str) = (
        "Cargo.toml",
        "[workspace.dependencies]\n\
         protocol = { path = \"crates/protocol\" }\n\
         journal = { path = \"crates/journal\" }\n\
         agent = { path = \"agent\" }\n\
         simulated-shop = { path = \"tests/simulated-shop\" }\n\
         serde = \"1\"\n",
    );

    fn findings(path: &str, text: &str) -> Vec<String> {
        found(&check(&Tree::of(&[ROOT, (path, text)])))
    }

    #[test]
    fn the_drawn_directions_are_good() {
        let agent = "[dependencies]\nprotocol = { workspace = true }\njournal.workspace = true\n\
                     serde = { workspace = true }\ntokio = \"1\"\n";
        assert!(findings("agent/Cargo.toml", agent).is_empty());
        let tests = "[dependencies]\nagent = { workspace = true }\n";
        assert!(findings("tests/Cargo.toml", tests).is_empty());
        assert!(
            findings("tests/fuzz/Cargo.toml", "[dependencies]\na.path = \"../../agent\"")
                .is_empty()
        );
    }

    #[test]
    fn every_other_direction_is_found() {
        let on = |key: &str| format!("[dependencies]\n\n{key} = {{ workspace = true }}\n");
        assert_eq!(
            findings("cloud-relay/Cargo.toml", &on("journal")),
            ["cloud-relay/Cargo.toml:3"]
        );
        assert_eq!(findings("crates/protocol/Cargo.toml", &on("journal")).len(), 1);
        assert_eq!(findings("xtask/Cargo.toml", &on("protocol")).len(), 1);
        assert_eq!(findings("crates/new/Cargo.toml", &on("protocol")).len(), 1);
    }

    #[test]
    fn a_path_a_platform_and_a_build_script_are_seen() {
        for text in [
            "[dependencies]\nx = { path = \"../agent\" }",
            "[build-dependencies]\nagent.workspace = true",
            "[target.'cfg(windows)'.dependencies]\nagent.workspace = true",
            "[dev-dependencies]\nagent.workspace = true",
        ] {
            assert_eq!(findings("cloud-relay/Cargo.toml", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_simulated_vendor_imports_nothing_of_ours() {
        let text = "[dependencies]\nprotocol = { workspace = true }\nserde = \"1\"\n";
        let found = findings("tests/simulated-shop/Cargo.toml", text);
        assert_eq!(found, ["tests/simulated-shop/Cargo.toml:2"]);
    }

    #[test]
    fn nothing_that_ships_knows_the_tests() {
        let for_tests = "[dev-dependencies]\nsimulated-shop = { workspace = true }\n";
        assert!(findings("cloud-relay/Cargo.toml", for_tests).is_empty());
        let shipped = "[dependencies]\nsimulated-shop = { workspace = true }\n";
        assert_eq!(findings("cloud-relay/Cargo.toml", shipped).len(), 1);
        let harness = "[dev-dependencies]\ntests = { path = \"../tests\" }\n";
        assert_eq!(findings("agent/Cargo.toml", harness).len(), 1);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_found() {
        assert_eq!(findings("agent/Cargo.toml", "[dependencies"), ["agent/Cargo.toml:1"]);
    }
}
