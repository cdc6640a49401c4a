//! `cargo xtask schemas`: the documents that are generated from the Rust types.
//!
//! Each is written by an example of the package that owns the types, so that nothing here knows
//! them. They are committed; `--check` finds the ones that a change of a type left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::cargo::{cargo, shown, succeeds};
use crate::disk::write_whole;
use crate::outcome::Outcome;

/// An example that writes documents into the folder that is its only argument.
struct Generator {
    package: &'static str,
    example: &'static str,
    /// Where the documents are committed. It holds nothing else; examples may share one.
    folder: &'static str,
}

const GENERATORS: &[Generator] =
    &[Generator { package: "protocol", example: "schemas", folder: "crates/protocol/schemas" }];

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Changes nothing, and fails if a document is not what its type says
    #[arg(long)]
    check: bool,
}

/// The documents of one folder by their names.
type Documents = BTreeMap<String, Vec<u8>>;

/// Writes or checks the documents; good if they are now as generated.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    let mut stale = 0;
    let mut total = 0;
    let folders: BTreeSet<_> = GENERATORS.iter().map(|generator| generator.folder).collect();
    for folder in folders {
        let place = root.join(folder);
        let fresh = generate(root, folder)?;
        let changed = changed(&read(&place)?, &fresh);
        for name in &changed {
            println!("{folder}/{name}");
            match fresh.get(name) {
                _ if options.check => {}
                Some(bytes) => write_whole(&place.join(name), bytes)?,
                None => fs::remove_file(place.join(name)).context("remove a stale document")?,
            }
        }
        stale += changed.len();
        total += fresh.len();
    }
    let good = stale == 0 || !options.check;
    let verdict = if options.check { "stale" } else { "written" };
    println!("{stale} of {total} documents {verdict}");
    if !good {
        println!("next: cargo xtask schemas");
    }
    Ok(Outcome { good, figures: json!({ "documents": total, "stale": stale }) })
}

/// Runs every example of a folder.
fn generate(root: &Path, folder: &str) -> Result<Documents> {
    let place = TempDir::new().context("create a folder for the generated documents")?;
    for generator in GENERATORS.iter().filter(|generator| generator.folder == folder) {
        let mut command = cargo(root);
        command.args(["run", "--quiet", "-p", generator.package, "--example", generator.example]);
        command.arg("--").arg(place.path());
        ensure!(succeeds(&mut command)?, "generate documents with {}", shown(&command));
    }
    read(place.path())
}

/// The documents in a folder; none if it does not exist yet.
fn read(folder: &Path) -> Result<Documents> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Documents::new()),
        entries => entries.with_context(|| format!("list `{}`", folder.display()))?,
    };
    let mut documents = Documents::new();
    for entry in entries {
        let path = entry.with_context(|| format!("list `{}`", folder.display()))?.path();
        let name = path.file_name().context("name a document")?.to_string_lossy().into_owned();
        let bytes = fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
        documents.insert(name, bytes);
    }
    Ok(documents)
}

/// What is missing, different, or committed and generated no more.
fn changed(committed: &Documents, fresh: &Documents) -> BTreeSet<String> {
    let names = committed.keys().chain(fresh.keys());
    names.filter(|name| committed.get(*name) != fresh.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    //! Every way in which a document can be stale.

    use super::*;

    fn documents(texts: &[(&str, &str)]) -> Documents {
        texts.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_missing_a_different_and_a_superfluous_document_are_stale() {
        let committed = documents(&[("a", "1"), ("b", "1"), ("old", "1")]);
        let fresh = documents(&[("a", "1"), ("b", "2"), ("new", "1")]);
        assert_eq!(Vec::from_iter(changed(&committed, &fresh)), ["b", "new", "old"]);
        assert!(changed(&fresh, &fresh).is_empty());
    }

    #[test]
    fn a_folder_that_does_not_exist_holds_no_document() {
        let folder = TempDir::new().unwrap();
        assert!(read(&folder.path().join("absent")).unwrap().is_empty());
        write_whole(&folder.path().join("a.json"), b"{}").unwrap();
        assert_eq!(read(folder.path()).unwrap(), documents(&[("a.json", "{}")]));
    }
}
