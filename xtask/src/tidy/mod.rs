//! `cargo xtask tidy`: the rules of the house that no compiler knows.
//!
//! Each rule is a pure function over the texts of the tree, with tests that show it going red.
//! What rustfmt, rustc and clippy already hold is not held a second time here.

mod rules;
mod source;
mod tree;

use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::disk::write_whole;
use crate::outcome::Outcome;
use tree::Tree;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// First adds goldens that are new to the lists of what is frozen
    #[arg(long)]
    freeze: bool,
}

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1; 1 too for what is missing altogether.
    line: usize,
    rule: &'static str,
    /// What is wrong and what to do.
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.text)
    }
}

/// Checks the tree below `root` and prints what breaks a rule; good if nothing does.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    if options.freeze {
        for (list, text) in rules::new_goldens(&Tree::read(root)?) {
            write_whole(&root.join(&list), text.as_bytes())?;
            println!("{list}: written");
        }
    }
    let tree = Tree::read(root)?;
    let findings = rules::check(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    let files = tree.paths().count();
    println!("{} findings in {files} files", findings.len());
    let figures = json!({ "findings": findings.len(), "files": files });
    Ok(Outcome { good: findings.is_empty(), figures })
}
