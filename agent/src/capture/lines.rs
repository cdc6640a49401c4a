//! Line numbers are the POS's own and unique after capture: one that stands twice gets another.
//!
//! The first line keeps its number, so that a `parent` goes on naming it. Numbers are assigned
//! the same way each time, so that a replay stays a replay.

use std::collections::BTreeSet;

use protocol::event::Body;
use protocol::record::RenumberedLine;

/// Gives every line a number of its own; returns what was changed.
pub(super) fn renumber(body: &mut Body) -> Vec<RenumberedLine> {
    match body {
        Body::Transaction(transaction) => {
            unique(transaction.lines.iter_mut().map(|line| &mut line.line))
        }
        Body::Stock(document) => unique(document.lines.iter_mut().map(|line| &mut line.line)),
        Body::Till(_) | Body::Fiscal(_) => Vec::new(),
    }
}

fn unique<'a>(numbers: impl Iterator<Item = &'a mut u32>) -> Vec<RenumberedLine> {
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = numbers.filter_map(|n| (!seen.insert(*n)).then_some(n)).collect();
    if twice.is_empty() {
        return Vec::new();
    }
    // Above the highest number first; a POS that numbers up to the highest has gaps below it.
    let highest = seen.last().copied().unwrap_or_default();
    let mut free = (highest..=u32::MAX).chain(1..highest).filter(|n| !seen.contains(n));
    let mut changed = Vec::with_capacity(twice.len());
    for number in twice {
        let assigned = free.next().expect("there are more numbers than lines");
        changed.push(RenumberedLine { stated: *number, assigned });
        *number = assigned;
    }
    changed
}
