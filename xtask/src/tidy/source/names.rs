//! Paths into the same crate: from where a name stands to the crate's root.
//!
//! Does not follow what a name was imported as: whoever imports a thing has named it.

use proc_macro2::{Delimiter, TokenTree};

use super::{Name, is_punct, line_of};

/// The module that a file is, from its crate's root: `sync batch` for `agent/src/sync/batch.rs`.
/// Empty for the root itself and for what stands outside `src`.
pub(super) fn module_of(path: &str) -> Vec<String> {
    let Some((_, inside)) = path.split_once("/src/") else { return Vec::new() };
    let mut parts: Vec<_> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// The paths that begin at `at` with `crate`, `self` or `super`: one, or several for the braces
/// of an import. None if it is a lone `self` or a `pub(crate)`.
pub(super) fn read(tokens: &[TokenTree], at: usize, module: &[String]) -> Vec<Name> {
    let mut written = Vec::new();
    branch(&tokens[at..], Vec::new(), &mut written);
    written
        .into_iter()
        .filter(|name| name.segments.len() > 1)
        .map(|name| Name { segments: from_root(&name.segments, module), ..name })
        .collect()
}

/// Reads one branch of an import's tree, or a plain path.
fn branch(tokens: &[TokenTree], mut segments: Vec<String>, out: &mut Vec<Name>) {
    let mut at = 0;
    let mut line = tokens.first().map_or(1, line_of);
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => {
                line = line_of(&tokens[at]);
                // `self` inside the braces is what stands before them.
                if segments.is_empty() || word != "self" {
                    segments.push(word.to_string());
                }
                at += 1;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                for part in inside.split(|token| is_punct(Some(token), ',')) {
                    branch(part, segments.clone(), out);
                }
                return;
            }
            _ => break,
        }
        if !(is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
            break;
        }
        at += 2;
    }
    if !tokens.is_empty() {
        out.push(Name { segments, line });
    }
}

/// The path from the crate's root, told from the module in which it is written.
fn from_root(written: &[String], module: &[String]) -> Vec<String> {
    if written.first().is_some_and(|word| word == "crate") {
        return written[1..].to_vec();
    }
    let ups = written.iter().filter(|word| *word == "super").count();
    let base = &module[..module.len().saturating_sub(ups)];
    let down = written.iter().filter(|word| *word != "super" && *word != "self");
    base.iter().chain(down).cloned().collect()
}
