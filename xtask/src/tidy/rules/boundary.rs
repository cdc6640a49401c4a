//! Who may name whom inside a crate: the rooms that meet only in a third one.
//!
//! A name counts where it is written or imported. What a re-export hides is not followed.

use crate::tidy::Finding;
use crate::tidy::source::{Name, Source};
use crate::tidy::tree::Tree;

/// A room and the rooms of the same crate that it never names.
struct Boundary {
    package: &'static str,
    room: &'static str,
    never: &'static [&'static str],
    /// Whether its tests may: they have to bring the parts together.
    tests_may: bool,
    instead: &'static str,
}

const BOUNDARIES: &[Boundary] = &[
    Boundary {
        package: "cloud-relay",
        room: "ingest",
        never: &["dispatch"],
        tests_may: false,
        instead: "ingest and dispatch meet only in the store",
    },
    Boundary {
        package: "cloud-relay",
        room: "dispatch",
        never: &["ingest"],
        tests_may: false,
        instead: "ingest and dispatch meet only in the store",
    },
    Boundary {
        package: "cloud-relay",
        room: CONNECTORS,
        never: &["store", "dispatch", "ingest"],
        tests_may: true,
        instead: "a connector sees `protocol`, the contract and the outgoing HTTP client",
    },
    Boundary {
        package: "agent",
        room: "inputs",
        never: &["sync"],
        tests_may: false,
        instead: "inputs and sync meet only in the journal",
    },
    Boundary {
        package: "agent",
        room: "sync",
        never: &["inputs"],
        tests_may: false,
        instead: "inputs and sync meet only in the journal",
    },
];

const CONNECTORS: &str = "connectors";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources()
        .flat_map(|(path, source)| {
            source.names.iter().filter_map(move |name| {
                let text = beyond_a_boundary(tree, path, source, name)
                    .or_else(|| another_connector(tree, path, source, name))?;
                Some(Finding::new(path, name.line, "boundary", text))
            })
        })
        .collect()
}

fn beyond_a_boundary(tree: &Tree, path: &str, source: &Source, name: &Name) -> Option<String> {
    let room = name.segments.first()?;
    let boundary = BOUNDARIES.iter().find(|boundary| {
        is_inside(path, boundary.package, boundary.room) && boundary.never.contains(&room.as_str())
    })?;
    if boundary.tests_may && tree.is_test_line(path, source, name.line) {
        return None;
    }
    Some(format!("`{}` never names `{room}`: {}", boundary.room, boundary.instead))
}

/// A connector's folder names another's.
fn another_connector(tree: &Tree, path: &str, source: &Source, name: &Name) -> Option<String> {
    let (own, _) = path.strip_prefix("cloud-relay/src/connectors/")?.split_once('/')?;
    let [room, other, ..] = name.segments.as_slice() else { return None };
    let names_another = room == CONNECTORS
        && other != own
        && tree.has_folder(&format!("cloud-relay/src/connectors/{other}"));
    if !names_another || tree.is_test_line(path, source, name.line) {
        return None;
    }
    Some(format!(
        "connector `{own}` never names `{other}`: what both need belongs into the contract"
    ))
}

/// Whether a file is a room's one file or below its folder.
fn is_inside(path: &str, package: &str, room: &str) -> bool {
    path.strip_prefix(&format!("{package}/src/{room}"))
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    //! Each boundary, crossed and kept.

    use super::super::found;
    use super::*;

    fn crossed(path: &str, text: &str) -> bool {
        let tree = Tree::of(&[
            (path, text),
            ("cloud-relay/src/connectors/erp/mod.rs", "//! Another connector."),
        ]);
        !check(&tree).is_empty()
    }

    #[test]
    fn ingest_and_dispatch_never_name_each_other() {
        assert!(crossed("cloud-relay/src/ingest/inbox.rs", "use crate::dispatch::lane::Step;"));
        assert!(crossed("cloud-relay/src/ingest.rs", "use crate::{store, dispatch::lane};"));
        assert!(crossed("cloud-relay/src/dispatch/lane.rs", "fn f() { crate::ingest::go(); }"));
        assert!(crossed("cloud-relay/src/dispatch/mod.rs", "use super::ingest;"));
        assert!(!crossed("cloud-relay/src/dispatch/lane.rs", "use crate::store::model::Row;"));
        assert!(!crossed("cloud-relay/src/run.rs", "use crate::{dispatch, ingest};"));
    }

    #[test]
    fn not_even_their_tests_do() {
        assert!(crossed("cloud-relay/src/dispatch/tests/mod.rs", "use crate::ingest::go;"));
    }

    #[test]
    fn a_connector_never_names_the_store_outside_its_tests() {
        let path = "cloud-relay/src/connectors/shopify/map.rs";
        for room in ["store", "dispatch", "ingest"] {
            assert!(crossed(path, &format!("use crate::{room}::x;")), "{room}");
        }
        assert!(!crossed(path, "#[cfg(test)]\nmod tests { use crate::store::x; }"));
        assert!(!crossed("cloud-relay/src/connectors/shopify/tests.rs", "use crate::store::x;"));
        assert!(!crossed(path, "use crate::http::Client; use super::client;"));
    }

    #[test]
    fn a_connector_never_names_another() {
        let path = "cloud-relay/src/connectors/shopify/map.rs";
        assert!(crossed(path, "use crate::connectors::erp::X;"));
        assert!(crossed(path, "use super::super::erp;"));
        assert!(!crossed(path, "use crate::connectors::{Planned, Verdict};"));
        assert!(!crossed("cloud-relay/src/connectors/registry.rs", "use super::erp::X;"));
    }

    #[test]
    fn inputs_and_sync_never_name_each_other() {
        assert!(crossed("agent/src/inputs/http/mod.rs", "use crate::sync::policy::X;"));
        assert!(crossed("agent/src/sync/batch.rs", "use crate::inputs::http;"));
        assert!(!crossed("agent/src/sync/batch.rs", "use crate::capture;"));
    }

    #[test]
    fn the_finding_names_the_line() {
        let tree = Tree::of(&[("agent/src/sync/batch.rs", "//! A.\n\nuse crate::inputs::http;")]);
        assert_eq!(found(&check(&tree)), ["agent/src/sync/batch.rs:3"]);
    }
}
