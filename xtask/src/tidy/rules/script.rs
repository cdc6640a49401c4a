//! A shell script stays short: what is longer deserves types and tests, and goes here.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Lines of a shell script.
const SCRIPT_LINES_MAX: usize = 30;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .filter(|(path, text)| is_script(path, text))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > SCRIPT_LINES_MAX)
        .map(|(path, lines)| {
            let text = format!(
                "{lines} lines of at most {SCRIPT_LINES_MAX}: make a chore of it, in xtask"
            );
            Finding::new(path, 1, "script-size", text)
        })
        .collect()
}

fn is_script(path: &str, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    path.ends_with(".sh") || path.ends_with(".ps1") || (first.starts_with("#!") && runs_sh(first))
}

fn runs_sh(first: &str) -> bool {
    first.split(['/', ' ']).any(|word| matches!(word, "sh" | "bash" | "dash" | "zsh"))
}

#[cfg(test)]
mod tests {
    //! A script is known by its name or its first line.

    use super::*;

    #[test]
    fn a_script_may_have_30_lines() {
        let script = |lines: usize| format!("#!/usr/bin/env bash\n{}", "true\n".repeat(lines - 1));
        assert!(check(&Tree::of(&[(".ci/run", &script(30))])).is_empty());
        assert_eq!(check(&Tree::of(&[(".ci/run", &script(31))])).len(), 1);
        assert_eq!(check(&Tree::of(&[("a.sh", &"true\n".repeat(31))])).len(), 1);
        assert!(check(&Tree::of(&[("a.md", &"true\n".repeat(31))])).is_empty());
    }
}
