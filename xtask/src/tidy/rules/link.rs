//! Every link of a document to a file of the repository leads somewhere.
//!
//! Links to other hosts are not followed, and headings behind `#` are not looked for.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .filter(|(path, _)| path.ends_with(".md"))
        .flat_map(|(path, text)| {
            links(text).into_iter().filter_map(move |(line, link)| {
                let text = dead(tree, path, &link)?;
                Some(Finding::new(path, line, "link", text))
            })
        })
        .collect()
}

/// Why a link leads nowhere; none if it does, or if it leads to another host.
fn dead(tree: &Tree, document: &str, link: &str) -> Option<String> {
    let target = link.split('#').next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    if target.starts_with('/') {
        return Some(format!("`{link}`: write the way from this file on, as `../docs/...`"));
    }
    let Some(path) = resolve(document, target) else {
        return Some(format!("`{link}` leads out of the repository"));
    };
    let leads = path.is_empty() || tree.has_file(&path) || tree.has_folder(&path);
    (!leads).then(|| format!("`{link}` leads to nothing: there is no `{path}`"))
}

/// The path from the root; none if it leaves the repository.
fn resolve(document: &str, target: &str) -> Option<String> {
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
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

/// The targets of `[text](target)` and `[label]: target`, each with its line; code is no link.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_fence = false;
    for (line, number) in text.lines().zip(1..) {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        let prose = without_code(line);
        let labelled = prose.starts_with('[').then(|| prose.split_once("]: ")).flatten();
        let inline = prose.split("](").skip(1).map(inline_target);
        let found = inline.chain(labelled.map(|(_, target)| target.trim()));
        links.extend(found.map(bare).map(|target| (number, target.to_owned())));
    }
    links
}

/// Up to the parenthesis that closes the link.
fn inline_target(rest: &str) -> &str {
    let mut open = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return &rest[..at],
            ')' => open -= 1,
            _ => {}
        }
    }
    rest
}

/// Without a title behind it and without angle brackets around it.
fn bare(target: &str) -> &str {
    let target = target.trim();
    match target.strip_prefix('<').and_then(|inner| inner.split_once('>')) {
        Some((inner, _)) => inner,
        None => target.split_whitespace().next().unwrap_or_default(),
    }
}

/// The line with its code spans left out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    //! Links that lead somewhere, links that do not, and what is no link.

    use super::*;

    fn findings(text: &str) -> usize {
        let tree = Tree::of(&[
            ("docs/errors/README.md", text),
            ("docs/errors/SK0001.md", ""),
            ("agent/src/lib.rs", ""),
            ("docs/a(b).md", ""),
        ]);
        check(&tree).len()
    }

    #[test]
    fn a_link_to_a_file_or_folder_is_good() {
        assert_eq!(findings("[one](SK0001.md) [two](./SK0001.md#what-to-do)"), 0);
        assert_eq!(findings("[lib](../../agent/src/lib.rs) [agent](../../agent/)"), 0);
        assert_eq!(findings("[top](../..) [here](#heading) [`code`](SK0001.md \"Title\")"), 0);
        assert_eq!(findings("[odd](../a(b).md) [other](<SK0001.md>)\n\n[label]: SK0001.md"), 0);
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        assert_eq!(findings("[one](SK0002.md)"), 1);
        assert_eq!(findings("[a](SK0001.md), [b](SK0002.md), [c](SK0003.md)"), 2);
        assert_eq!(findings("[label]: SK0002.md"), 1);
        assert_eq!(findings("![picture](picture.png)"), 1);
        assert_eq!(findings("[out](../../../elsewhere.md)"), 1);
        assert_eq!(findings("[rooted](/docs/errors/SK0001.md)"), 1);
    }

    #[test]
    fn other_hosts_and_code_are_not_followed() {
        assert_eq!(findings("[site](https://example.com/x) [mail](mailto:a@example.com)"), 0);
        assert_eq!(findings("`[one](SK0002.md)`\n```\n[two](SK0002.md)\n```"), 0);
    }
}
