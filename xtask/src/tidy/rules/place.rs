//! Nothing that is true on one machine only: no registry's host, no folder of a developer.
//!
//! `Cargo.lock` names its registry by nature and is not judged.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Hosts that a package registry or its mirror has. Put together, so that this file does not find
/// itself.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("registry.yarnpkg", ".com"),
    concat!("files.pythonhosted", ".org"),
    concat!("pypi", ".org/simple"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("sparse", "+http"),
];

/// The first folder of paths under which people and machines keep their clones.
const FOLDERS: &[&str] = &["home", "root", "Users", "work", "workspace", "workspaces", "builds"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .filter(|(path, _)| *path != "Cargo.lock" && !path.ends_with("/Cargo.lock"))
        .flat_map(|(path, text)| {
            text.lines().enumerate().flat_map(move |(before, line)| {
                let host = registry_host(line).map(|host| {
                    let text = format!("names the registry `{host}`: leave it to the client");
                    Finding::new(path, before + 1, "registry-host", text)
                });
                let folder = machine_folder(line).map(|folder| {
                    let text = format!(
                        "`/{folder}/...` is a path of one machine: take it as an argument, \
                         or tell it from the repository's root"
                    );
                    Finding::new(path, before + 1, "machine-path", text)
                });
                host.into_iter().chain(folder)
            })
        })
        .collect()
}

fn registry_host(line: &str) -> Option<&'static str> {
    REGISTRY_HOSTS.iter().find(|host| line.contains(**host)).copied()
}

/// The folder, if a path from the root of a file system begins with one of them.
fn machine_folder(line: &str) -> Option<&'static str> {
    let begins = |slash: &str, folder: &str| {
        let start = format!("{slash}{folder}{slash}");
        line.match_indices(&start).any(|(at, _)| begins_a_path(&line[..at]))
    };
    FOLDERS.iter().find(|folder| begins("/", folder) || begins("\\", folder)).copied()
}

/// Whether what stands before leaves it the beginning of a path: not a URL, not a deeper folder.
fn begins_a_path(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| c.is_whitespace() || "\"'`(=:<[{,".contains(c))
}

#[cfg(test)]
mod tests {
    //! What belongs to one machine, and what only looks like it.

    use super::super::found;
    use super::*;

    fn is_found(line: &str) -> bool {
        !check(&Tree::of(&[("docs/a.md", line)])).is_empty()
    }

    #[test]
    fn a_registrys_host_is_found() {
        for host in REGISTRY_HOSTS {
            assert!(is_found(&format!("index = \"https://{host}/\"")), "{host}");
        }
        assert!(!is_found("install it from crates.io"));
    }

    #[test]
    fn the_lock_file_may_name_its_registry() {
        let line = format!("source = \"{}\"", REGISTRY_HOSTS[0]);
        assert!(check(&Tree::of(&[("Cargo.lock", &line)])).is_empty());
    }

    #[test]
    fn a_folder_of_a_developer_is_found() {
        for folder in FOLDERS {
            assert!(is_found(&format!("see `/{folder}/anna/storekeep`")), "{folder}");
        }
        assert!(is_found("/home\u{2f}anna/x"));
        assert!(is_found("C:\\Users\u{5c}anna"));
    }

    #[test]
    fn a_url_or_a_folder_of_the_repository_is_none() {
        assert!(!is_found("https://example.com/work/1"));
        assert!(!is_found("docs/work/plan.md and ./home/x"));
        assert!(!is_found("/var/lib/storekeep"));
    }

    #[test]
    fn the_finding_names_the_line() {
        let tree = Tree::of(&[("docs/a.md", &format!("a\n/{}/x", FOLDERS[0]))]);
        assert_eq!(found(&check(&tree)), ["docs/a.md:2"]);
    }
}
