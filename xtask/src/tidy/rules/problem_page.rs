//! Every problem code has its page, and every page its code.
//!
//! Does not judge whether the page helps.

use std::collections::BTreeMap;

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Where codes are given out: for everything that speaks the protocol, and for the installer, which
/// knows none of it.
const CATALOGUES: [&str; 2] = ["crates/protocol/src/problem", "installer/src/problem"];
const PAGES: &str = "docs/errors/";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let codes = codes(tree);
    let without_page = codes.iter().filter_map(|(code, (path, line))| {
        let page = format!("{PAGES}{code}.md");
        (!tree.has_file(&page)).then(|| {
            let text = format!("{code} has no page: write {page}, what it means and what to do");
            Finding::new(path, *line, "problem-page", text)
        })
    });
    let pages = tree.texts().filter_map(|(path, text)| {
        let code = path.strip_prefix(PAGES)?.strip_suffix(".md")?;
        is_code(code).then_some((path, code, text))
    });
    let of_pages = pages.flat_map(|(path, code, text)| {
        let unknown = (!codes.contains_key(code)).then(|| {
            let text =
                format!("{code} is no code of the catalogue: remove the page or add the code");
            Finding::new(path, 1, "problem-page", text)
        });
        let untitled = (!text.starts_with(&format!("# {code}: "))).then(|| {
            let text = format!("begin the page with `# {code}: ` and the code's title");
            Finding::new(path, 1, "problem-page", text)
        });
        unknown.into_iter().chain(untitled)
    });
    without_page.chain(of_pages).collect()
}

/// The codes of the catalogues, each with the place where it stands first.
fn codes(tree: &Tree) -> BTreeMap<String, (&str, usize)> {
    let mut codes = BTreeMap::new();
    let sources = tree
        .sources()
        .filter(|(path, _)| CATALOGUES.iter().any(|catalogue| path.starts_with(catalogue)));
    for (path, source) in sources {
        for literal in &source.literals {
            let text = literal.text.trim_matches('"');
            if is_code(text) && !tree.is_test_line(path, source, literal.line) {
                codes.entry(text.to_owned()).or_insert((path, literal.line));
            }
        }
    }
    codes
}

fn is_code(text: &str) -> bool {
    text.strip_prefix("SK")
        .is_some_and(|digits| digits.len() == 4 && digits.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    //! A code without a page, a page without a code, a page that names neither.

    use super::super::found;
    use super::*;

    const CODES: (&str, &str) =
        ("crates/protocol/src/problem.rs", "const A: &str =\n    \"SK0001\"; // SK0009\n");

    #[test]
    fn a_code_with_its_page_is_good() {
        let page = ("docs/errors/SK0001.md", "# SK0001: A title\n");
        assert!(check(&Tree::of(&[CODES, page, ("docs/errors/README.md", "# All")])).is_empty());
    }

    #[test]
    fn a_code_without_a_page_is_found() {
        assert_eq!(found(&check(&Tree::of(&[CODES]))), ["crates/protocol/src/problem.rs:2"]);
    }

    #[test]
    fn a_code_of_the_installer_needs_its_page_too() {
        let codes = ("installer/src/problem.rs", "const A: &str = \"SK0100\";\n");
        assert_eq!(found(&check(&Tree::of(&[codes]))), ["installer/src/problem.rs:1"]);
    }

    #[test]
    fn a_page_without_a_code_is_found() {
        let pages = [
            CODES,
            ("docs/errors/SK0001.md", "# SK0001: A title\n"),
            ("docs/errors/SK0002.md", "# SK0002: A title\n"),
        ];
        assert_eq!(found(&check(&Tree::of(&pages))), ["docs/errors/SK0002.md:1"]);
    }

    #[test]
    fn a_page_that_does_not_name_its_code_is_found() {
        let page = ("docs/errors/SK0001.md", "# SK0002: A title\n");
        assert_eq!(found(&check(&Tree::of(&[CODES, page]))), ["docs/errors/SK0001.md:1"]);
    }
}
