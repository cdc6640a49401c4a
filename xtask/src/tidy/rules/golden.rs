//! Goldens are frozen: what one version wrote, every later one has to read.
//!
//! The list is a file `FROZEN` in the goldens' folder, in the form of `sha256sum`. It can of course
//! be changed together with a golden; then the change says so by itself.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

const LIST: &str = "FROZEN";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    folders(tree).iter().flat_map(|(folder, goldens)| check_folder(tree, folder, goldens)).collect()
}

/// The lists that lack a golden, by their paths, each as it is with the new ones added.
pub(in crate::tidy) fn additions(tree: &Tree) -> BTreeMap<String, String> {
    let mut lists = BTreeMap::new();
    for (folder, goldens) in folders(tree) {
        let list = format!("{folder}/{LIST}");
        let listed = listed(tree, &list);
        let new = goldens.iter().filter(|(name, _)| !listed.contains_key(name));
        let new: Vec<_> = new.map(|(name, bytes)| (*name, hash(bytes))).collect();
        if !new.is_empty() {
            let kept = listed.iter().map(|(name, (hash, _))| (*name, (*hash).to_owned()));
            let all: BTreeMap<_, _> = kept.chain(new).collect();
            let lines = all.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
            lists.insert(list, lines);
        }
    }
    lists
}

/// The goldens of each folder, by their names in it.
fn folders(tree: &Tree) -> BTreeMap<&str, Vec<(&str, &[u8])>> {
    let mut folders: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (path, bytes) in tree.files() {
        let Some((folder, name)) = golden(path) else { continue };
        // The list alone makes a folder too: then all that it names is gone.
        let goldens = folders.entry(folder).or_default();
        if name != LIST {
            goldens.push((name, bytes));
        }
    }
    folders
}

/// The folder `.../testdata/v<number>` above a file, and the file's path in it.
fn golden(path: &str) -> Option<(&str, &str)> {
    let (above, inside) = path.split_once("testdata/v")?;
    let (version, name) = inside.split_once('/')?;
    let is_folder = above.is_empty() || above.ends_with('/');
    let is_number = !version.is_empty() && version.chars().all(|c| c.is_ascii_digit());
    let folder = &path[..path.len() - name.len() - 1];
    (is_folder && is_number).then_some((folder, name))
}

/// What a list says of each name: its hash, and the line on which it stands.
fn listed<'a>(tree: &'a Tree, list: &str) -> BTreeMap<&'a str, (&'a str, usize)> {
    let lines = tree.text(list).unwrap_or_default().lines().zip(1..);
    lines
        .filter_map(|(line, number)| {
            let (hash, name) = line.split_once("  ")?;
            Some((name, (hash, number)))
        })
        .collect()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

fn check_folder(tree: &Tree, folder: &str, goldens: &[(&str, &[u8])]) -> Vec<Finding> {
    let list = format!("{folder}/{LIST}");
    let listed = listed(tree, &list);
    let present = goldens.iter().filter_map(|(name, bytes)| {
        let text = match listed.get(name) {
            Some((frozen, _)) if *frozen == hash(bytes) => return None,
            Some(_) => {
                "is frozen and was changed: bring it back, and put what is new into a file of its \
                 own or into the next version's folder"
            }
            None => "is not frozen yet: run `cargo xtask tidy --freeze`",
        };
        Some(Finding::new(&format!("{folder}/{name}"), 1, "golden", text))
    });
    let gone = listed.iter().filter(|(name, _)| !goldens.iter().any(|(other, _)| other == *name));
    let gone = gone.map(|(name, (_, line))| {
        let text = format!("`{name}` is frozen and gone: bring it back");
        Finding::new(&list, *line, "golden", text)
    });
    present.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    //! A golden is new, kept, changed or gone.

    use super::super::found;
    use super::*;

    const FOLDER: &str = "crates/protocol/testdata/v1";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn found_in(files: &[(&str, &str)]) -> Vec<String> {
        let paths: Vec<_> =
            files.iter().map(|(name, text)| (format!("{FOLDER}/{name}"), *text)).collect();
        let files: Vec<_> = paths.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        found(&check(&Tree::of(&files)))
    }

    #[test]
    fn a_golden_that_is_as_listed_is_good() {
        let list = format!("{ABC}  chain/a.json\n");
        assert!(found_in(&[("chain/a.json", "abc"), ("FROZEN", &list)]).is_empty());
    }

    #[test]
    fn a_changed_golden_is_found() {
        let list = format!("{ABC}  a.json\n");
        let found = found_in(&[("a.json", "abd"), ("FROZEN", &list)]);
        assert_eq!(found, [format!("{FOLDER}/a.json:1")]);
    }

    #[test]
    fn a_golden_that_is_not_listed_is_found() {
        assert_eq!(found_in(&[("a.json", "abc")]), [format!("{FOLDER}/a.json:1")]);
    }

    #[test]
    fn freezing_adds_what_is_new_and_keeps_what_was_frozen() {
        let kept = format!("{}  b.json\n", "0".repeat(64));
        let tree = Tree::of(&[
            ("testdata/v1/a.json", "abc"),
            ("testdata/v1/b.json", "changed"),
            ("testdata/v1/FROZEN", &kept),
        ]);
        let lists = additions(&tree);
        assert_eq!(lists["testdata/v1/FROZEN"], format!("{ABC}  a.json\n{kept}"));
        let frozen = Tree::of(&[("testdata/v1/b.json", ""), ("testdata/v1/FROZEN", &kept)]);
        assert!(additions(&frozen).is_empty());
    }

    #[test]
    fn a_golden_that_is_gone_is_found() {
        let list = format!("{ABC}  a.json\n{ABC}  b.json\n");
        let found = found_in(&[("a.json", "abc"), ("FROZEN", &list)]);
        assert_eq!(found, [format!("{FOLDER}/FROZEN:2")]);
        assert_eq!(found_in(&[("FROZEN", &list)]).len(), 2);
    }

    #[test]
    fn other_test_data_is_not_frozen() {
        assert!(check(&Tree::of(&[("agent/testdata/a.json", "abc")])).is_empty());
        assert!(check(&Tree::of(&[("agent/testdata/vendor/a.json", "abc")])).is_empty());
    }
}
