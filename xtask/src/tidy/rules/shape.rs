//! The size of files and functions, and the opening that says what a file is for.
//!
//! Does not count what a line is worth: blank lines and comments are read too.

use crate::tidy::Finding;
use crate::tidy::source::Source;
use crate::tidy::tree::Tree;

/// Lines of a file without its tests; past that there is a second idea in it.
const FILE_LINES_MAX: usize = 400;

/// Lines of a file of tests, or of one with its tests in it: cases are read one by one.
const TEST_FILE_LINES_MAX: usize = 600;

/// Lines of a function, from `fn` to its closing brace: what fits on a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Lines of a program's `main.rs`: it reads its arguments and calls its library.
const MAIN_LINES_MAX: usize = 60;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let unreadable = tree
        .unreadable()
        .map(|(path, reason)| Finding::new(path, 1, "opening", format!("is not Rust: {reason}")));
    let openings = tree
        .texts()
        .filter(|(path, text)| path.ends_with(".rs") && !text.starts_with("//!"))
        .map(|(path, _)| {
            let text = "open with `//!`: what the file is for, then what it does not do";
            Finding::new(path, 1, "opening", text)
        });
    let sizes = tree.sources().flat_map(|(path, source)| {
        file_size(tree, path, source).into_iter().chain(function_sizes(path, source))
    });
    unreadable.chain(openings).chain(sizes).collect()
}

fn file_size(tree: &Tree, path: &str, source: &Source) -> Option<Finding> {
    let (lines, lines_max, advice) = if path.ends_with("src/main.rs") {
        (source.lines, MAIN_LINES_MAX, "move the work into the library")
    } else if tree.is_test(path) {
        (source.lines, TEST_FILE_LINES_MAX, "split the tests by what they claim")
    } else if source.lines_without_tests() > FILE_LINES_MAX {
        let lines = source.lines_without_tests();
        (lines, FILE_LINES_MAX, "look for the second idea in it and give it a file")
    } else {
        (source.lines, TEST_FILE_LINES_MAX, "move the tests into a `tests.rs` beside it")
    };
    (lines > lines_max).then(|| {
        let text = format!("{lines} lines of at most {lines_max}: {advice}");
        Finding::new(path, 1, "file-size", text)
    })
}

fn function_sizes(path: &str, source: &Source) -> Vec<Finding> {
    let sized = source.functions.iter().map(|function| (function, function.lines.clone().count()));
    sized
        .filter(|(_, lines)| *lines > FUNCTION_LINES_MAX)
        .map(|(function, lines)| {
            let text = format!(
                "`{}` has {lines} lines of at most {FUNCTION_LINES_MAX}: \
                 name its parts and move them out",
                function.name
            );
            Finding::new(path, *function.lines.start(), "function-size", text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    //! One line more than allowed is found, and not one line less.

    use super::super::found;
    use super::*;

    fn of_lines(lines: usize) -> String {
        format!("//! A file.\n{}", "// line\n".repeat(lines - 1))
    }

    #[test]
    fn a_file_may_have_400_lines() {
        let good = Tree::of(&[("agent/src/run.rs", &of_lines(400))]);
        let long = Tree::of(&[("agent/src/run.rs", &of_lines(401))]);
        assert!(check(&good).is_empty());
        assert_eq!(found(&check(&long)), ["agent/src/run.rs:1"]);
    }

    #[test]
    fn tests_inside_a_file_are_counted_apart() {
        let tests =
            |lines: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(lines - 3));
        let file = |lines| format!("{}{}", of_lines(400), tests(lines));
        assert!(check(&Tree::of(&[("agent/src/run.rs", &file(200))])).is_empty());
        assert_eq!(check(&Tree::of(&[("agent/src/run.rs", &file(201))])).len(), 1);
    }

    #[test]
    fn a_file_of_tests_may_have_600_lines() {
        for path in ["agent/src/run/tests.rs", "tests/scenarios/outage/main.rs"] {
            assert!(check(&Tree::of(&[(path, &of_lines(600))])).is_empty());
            assert_eq!(check(&Tree::of(&[(path, &of_lines(601))])).len(), 1);
        }
    }

    #[test]
    fn a_main_may_have_60_lines() {
        assert!(check(&Tree::of(&[("agent/src/main.rs", &of_lines(60))])).is_empty());
        assert_eq!(check(&Tree::of(&[("agent/src/main.rs", &of_lines(61))])).len(), 1);
    }

    #[test]
    fn a_function_may_have_70_lines() {
        let function =
            |lines: usize| format!("//! A file.\n\nfn f() {{\n{}}}\n", "\n".repeat(lines - 2));
        assert!(check(&Tree::of(&[("agent/src/run.rs", &function(70))])).is_empty());
        let long = check(&Tree::of(&[("agent/src/run.rs", &function(71))]));
        assert_eq!(found(&long), ["agent/src/run.rs:3"]);
    }

    #[test]
    fn a_file_without_an_opening_is_found() {
        let tree = Tree::of(&[("agent/src/run.rs", "use std::fmt;\n")]);
        assert_eq!(check(&tree)[0].rule, "opening");
    }

    #[test]
    fn a_file_that_is_not_rust_is_found() {
        let tree = Tree::of(&[("agent/src/run.rs", "//! A file.\nfn f( {\n")]);
        assert_eq!(check(&tree)[0].rule, "opening");
    }
}
