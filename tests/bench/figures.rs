//! What was measured: a table for people, a flat JSON object for machines.
//!
//! A figure that misses its budget is shown as missed and breaks nothing; what was lost or
//! duplicated does.

use std::fmt;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// How a figure stands to its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// No budget speaks of it.
    Seen,
    /// A promise is broken.
    Broken,
    /// It could not be measured here.
    NotRun,
}

impl Verdict {
    pub(crate) const fn of(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::Missed }
    }

    pub(crate) const fn of_promise(is_kept: bool) -> Self {
        if is_kept { Self::Met } else { Self::Broken }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Seen => "",
            Self::Broken => "BROKEN",
            Self::NotRun => "not run",
        }
    }
}

/// A line of the table.
#[derive(Debug)]
struct Row {
    budget: &'static str,
    what: String,
    measured: String,
    held_to: String,
    verdict: Verdict,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    rows: Vec<Row>,
    flat: Map<String, Value>,
}

impl Figures {
    /// Adds a line.
    pub(crate) fn row(
        &mut self,
        budget: &'static str,
        what: impl Into<String>,
        measured: impl fmt::Display,
        held_to: impl Into<String>,
        verdict: Verdict,
    ) {
        let (what, measured) = (what.into(), measured.to_string());
        self.rows.push(Row { budget, what, measured, held_to: held_to.into(), verdict });
    }

    /// Adds what was seen beside the budgets.
    pub(crate) fn seen(
        &mut self,
        budget: &'static str,
        what: impl Into<String>,
        measured: impl fmt::Display,
    ) {
        self.row(budget, what, measured, "", Verdict::Seen);
    }

    /// Adds a figure for machines; its name ends with its unit.
    pub(crate) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.flat.insert(name.to_owned(), value.into());
    }

    /// A figure that was put before.
    pub(crate) fn known(&self, name: &str) -> Option<u64> {
        self.flat.get(name).and_then(Value::as_u64)
    }

    /// Whether no promise is broken.
    pub(crate) fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.verdict != Verdict::Broken)
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let report = File::create(file).with_context(|| format!("create `{}`", file.display()))?;
        serde_json::to_writer_pretty(report, &self.flat).context("write the figures")
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | what | measured | held to | |\n|---|---|---|---|---|")?;
        self.rows.iter().try_for_each(|row| {
            let Row { budget, what, measured, held_to, verdict } = row;
            writeln!(f, "| {budget} | {what} | {measured} | {held_to} | {} |", verdict.word())
        })
    }
}
