//! Nothing is hidden: no test that is there and not run, no lint that is silenced for good.
//!
//! A test that lacks something of its host says so at run time; `cargo xtask test` counts it.

use crate::tidy::Finding;
use crate::tidy::source::Attribute;
use crate::tidy::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let attributes = tree.sources().flat_map(|(path, source)| {
        source.attributes.iter().filter_map(move |attribute| {
            let (rule, text) = hides(attribute)?;
            Some(Finding::new(path, attribute.line, rule, text))
        })
    });
    let examples = tree.texts().filter(|(path, _)| path.ends_with(".rs")).flat_map(doc_tests);
    attributes.chain(examples).collect()
}

fn hides(attribute: &Attribute) -> Option<(&'static str, &'static str)> {
    let has = |word: &str| attribute.words.iter().any(|other| other == word);
    let is = |word: &str| {
        let first = attribute.words.first().map(String::as_str);
        first == Some(word) || (first == Some("cfg_attr") && has(word))
    };
    if is("ignore") {
        return Some(("hidden-test", "run it, or let it say at run time what it needs (`needs`)"));
    }
    is("allow").then_some((
        "allow",
        "write `#[expect(lint, reason = \"...\")]`, which says why and ends when it is not needed",
    ))
}

fn doc_tests((path, text): (&str, &str)) -> Vec<Finding> {
    let fence = |line: &str| {
        let comment = line.trim_start();
        let doc = comment.strip_prefix("///").or_else(|| comment.strip_prefix("//!"));
        doc.and_then(|doc| doc.trim_start().strip_prefix("```"))
            .is_some_and(|words| words.split(',').any(|word| word.trim() == "ignore"))
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| fence(line))
        .map(|(before, _)| {
            let text = "an example that is not compiled goes stale: compile it, or mark it `text`";
            Finding::new(path, before + 1, "hidden-test", text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    //! Each way to hide something.

    use super::super::found;
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let tree = Tree::of(&[("agent/src/run.rs", text)]);
        check(&tree).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_test_that_is_not_run_is_found() {
        assert_eq!(rules("#[test]\n#[ignore]\nfn a() {}"), ["hidden-test"]);
        assert_eq!(rules("#[ignore = \"slow\"]\nfn a() {}"), ["hidden-test"]);
        assert_eq!(rules("#[cfg_attr(windows, ignore)]\nfn a() {}"), ["hidden-test"]);
        assert_eq!(rules("/// ```ignore\n/// x\n/// ```\nfn a() {}"), ["hidden-test"]);
    }

    #[test]
    fn a_silenced_lint_is_found() {
        assert_eq!(rules("#![allow(dead_code)]"), ["allow"]);
        assert_eq!(rules("#[allow(dead_code)]\nfn a() {}"), ["allow"]);
        assert_eq!(rules("#[cfg_attr(test, allow(dead_code))]\nfn a() {}"), ["allow"]);
    }

    #[test]
    fn an_expectation_with_a_reason_is_good() {
        assert!(rules("#[expect(dead_code, reason = \"allow and ignore\")]\nfn a() {}").is_empty());
        assert!(rules("// #[ignore]\nfn ignore() {}").is_empty());
    }

    #[test]
    fn the_finding_names_the_line() {
        let tree = Tree::of(&[("agent/src/run.rs", "#[test]\n#[ignore]\nfn a() {}")]);
        assert_eq!(found(&check(&tree)), ["agent/src/run.rs:2"]);
    }
}
