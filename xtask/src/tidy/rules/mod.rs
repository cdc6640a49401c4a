//! Every rule, each in a file of its own.

mod boundary;
mod connector_folder;
mod dependency;
mod golden;
mod hidden;
mod link;
mod place;
mod problem_page;
mod script;
mod shape;
mod unfinished;
mod vendor;

pub(super) use golden::additions as new_goldens;

use super::Finding;
use super::tree::Tree;

const RULES: &[fn(&Tree) -> Vec<Finding>] = &[
    boundary::check,
    connector_folder::check,
    dependency::check,
    golden::check,
    hidden::check,
    link::check,
    place::check,
    problem_page::check,
    script::check,
    shape::check,
    unfinished::check,
    vendor::check,
];

/// What breaks any rule, in the order of the tree.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings
}

#[cfg(test)]
fn found(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
}
