//! Nothing unfinished: no macro that stands for missing code, no note to come back without the
//! reason for which it has to wait.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Macros that stand for code that is not there.
const MACROS: &[&str] = &["todo", "unimplemented"];

/// Notes to come back. Put together, so that this file does not find itself.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let calls = tree.sources().flat_map(|(path, source)| {
        source.calls.iter().filter(|call| MACROS.contains(&call.text.as_str())).map(move |call| {
            let text = format!("`{}!` stands for code that is not there: write it", call.text);
            Finding::new(path, call.line, "unfinished", text)
        })
    });
    let notes = tree.texts().flat_map(|(path, text)| {
        text.lines().enumerate().filter_map(move |(before, line)| {
            let note = bare_note(line)?;
            let text =
                format!("do it, or say on the same line why it waits: `{note}: ... because`");
            Some(Finding::new(path, before + 1, "unfinished", text))
        })
    });
    calls.chain(notes).collect()
}

fn bare_note(line: &str) -> Option<&'static str> {
    let words = || line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let note = NOTES.iter().find(|note| words().any(|word| word == **note)).copied()?;
    (!words().any(|word| word == "because")).then_some(note)
}

#[cfg(test)]
mod tests {
    //! What is unfinished, and what only looks like it.

    use super::super::found;
    use super::*;

    #[test]
    fn code_that_is_not_there_is_found() {
        for text in ["fn a() { todo!() }", "fn a() {\n    x! { unimplemented!(\"later\") }\n}"] {
            assert_eq!(check(&Tree::of(&[("agent/src/run.rs", text)])).len(), 1, "{text}");
        }
        assert!(check(&Tree::of(&[("agent/src/run.rs", "// todo!()\nfn todo() {}")])).is_empty());
    }

    #[test]
    fn a_note_without_a_reason_is_found() {
        for note in NOTES {
            let bare = format!("a = 1\n# {note}: later\n");
            assert_eq!(found(&check(&Tree::of(&[("deny.toml", &bare)]))), ["deny.toml:2"]);
            let reasoned = format!("# {note}: remove, because the next version needs it no more\n");
            assert!(check(&Tree::of(&[("deny.toml", &reasoned)])).is_empty());
        }
    }
}
