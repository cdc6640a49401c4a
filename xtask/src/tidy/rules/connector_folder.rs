//! A connector's folder is complete, so that a newcomer can copy it.
//!
//! Does not judge what stands in the files.

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

const CONNECTORS: &str = "cloud-relay/src/connectors";

/// What has to be there: any one of the paths, and what for.
const PARTS: &[(&[&str], &str)] = &[
    (&["README.md"], "README.md: what it talks to, versions, limits, quirks"),
    (&["mod.rs"], "mod.rs: its documentation, configuration and thin trait implementation"),
    (&["map.rs", "map/mod.rs"], "map.rs: event to payload and back, pure"),
    (&["client.rs", "client/mod.rs"], "client.rs: the vendor's I/O, each answer a verdict"),
    (&["tests.rs", "tests/mod.rs"], "tests.rs: its goldens and the common conformance suite"),
];

const TESTDATA: &str = "testdata/: payloads and answers as the system writes them";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let inside = tree.paths().filter_map(|path| path.strip_prefix(CONNECTORS)?.strip_prefix('/'));
    let folders: BTreeSet<_> =
        inside.filter_map(|inside| Some(inside.split_once('/')?.0)).collect();
    folders
        .into_iter()
        .map(|name| format!("{CONNECTORS}/{name}"))
        .filter(|folder| !tree.is_test(&format!("{folder}/mod.rs")))
        .flat_map(|folder| {
            let missing = missing(tree, &folder);
            missing.into_iter().map(move |part| {
                let text = format!("lacks {part}");
                Finding::new(&folder, 1, "connector-folder", text)
            })
        })
        .collect()
}

fn missing(tree: &Tree, folder: &str) -> Vec<&'static str> {
    let parts = PARTS
        .iter()
        .filter(|(paths, _)| !paths.iter().any(|path| tree.has_file(&format!("{folder}/{path}"))))
        .map(|(_, part)| *part);
    let testdata = !tree.has_folder(&format!("{folder}/testdata"));
    parts.chain(testdata.then_some(TESTDATA)).collect()
}

#[cfg(test)]
mod tests {
    //! A folder with everything, with one thing less, and one that is no connector.

    use super::*;

    const WHOLE: &[&str] = &[
        "cloud-relay/src/connectors/erp/README.md",
        "cloud-relay/src/connectors/erp/mod.rs",
        "cloud-relay/src/connectors/erp/map/mod.rs",
        "cloud-relay/src/connectors/erp/client.rs",
        "cloud-relay/src/connectors/erp/tests.rs",
        "cloud-relay/src/connectors/erp/testdata/order.json",
    ];

    #[test]
    fn a_whole_folder_is_good() {
        let files: Vec<_> = WHOLE.iter().map(|path| (*path, "")).collect();
        assert!(check(&Tree::of(&files)).is_empty());
    }

    #[test]
    fn whatever_is_missing_is_found() {
        for left_out in WHOLE {
            let files: Vec<_> =
                WHOLE.iter().filter(|path| *path != left_out).map(|path| (*path, "")).collect();
            assert_eq!(check(&Tree::of(&files)).len(), 1, "{left_out}");
        }
    }

    #[test]
    fn the_conformance_suite_is_no_connector() {
        let files = [
            ("cloud-relay/src/connectors/mod.rs", "#[cfg(test)]\nmod conformance;"),
            ("cloud-relay/src/connectors/conformance/mod.rs", ""),
            ("cloud-relay/src/connectors/tests/mod.rs", ""),
        ];
        assert!(check(&Tree::of(&files)).is_empty());
    }
}
