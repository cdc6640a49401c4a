//! The sums: for a person as a table, for machines as a flat JSON object.
//!
//! Judges nothing but whether the promises held and each control lost something.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::plan::{Series, Subject};
use super::series::Outcome;

/// Faults that are printed; the figures count all.
const FAULTS_SHOWN_MAX: usize = 20;

/// What came of all series.
#[derive(Debug)]
pub(crate) struct Figures {
    seed: u64,
    series: Vec<(Series, Outcome)>,
    pub(crate) elapsed_s: u64,
}

impl Figures {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, series: Vec::new(), elapsed_s: 0 }
    }

    pub(crate) fn add(&mut self, series: Series, outcome: Outcome) {
        self.series.push((series, outcome));
    }

    /// Whether nothing was lost and nothing is wrong, and each control that was run lost something.
    pub(crate) fn is_good(&self) -> bool {
        let kept = self
            .promises()
            .all(|outcome| outcome.found.lost == 0 && outcome.found.faults.is_empty());
        kept && Subject::ALL.into_iter().filter(|subject| subject.is_control()).all(|control| {
            let of = || self.series.iter().filter(|(series, _)| series.subject == control);
            of().count() == 0 || of().any(|(_, outcome)| outcome.found.lost > 0)
        })
    }

    fn promises(&self) -> impl Iterator<Item = &Outcome> {
        let kept = self.series.iter().filter(|(series, _)| !series.subject.is_control());
        kept.map(|(_, outcome)| outcome)
    }

    fn flat(&self) -> Map<String, Value> {
        let sum = |of: fn(&Outcome) -> u64| Value::from(self.promises().map(of).sum::<u64>());
        let faults = self.promises().map(|outcome| outcome.found.faults.len()).sum::<usize>();
        let mut flat = Map::new();
        let mut put = |name: &str, value: Value| flat.insert(name.to_owned(), value);
        put("cuts", sum(|outcome| outcome.cuts));
        put("acked", sum(|outcome| outcome.acknowledged));
        put("lost", sum(|outcome| outcome.found.lost));
        put("unanswered", sum(|outcome| outcome.found.unanswered));
        put("faults", faults.into());
        for (series, outcome) in &self.series {
            let name = format!("{}_{}", series.subject.name(), series.file_system.name());
            put(&format!("{name}_cuts"), outcome.cuts.into());
            put(&format!("{name}_acked"), outcome.acknowledged.into());
            put(&format!("{name}_lost"), outcome.found.lost.into());
        }
        put("seed", self.seed.into());
        put("elapsed_s", self.elapsed_s.into());
        flat
    }

    /// Writes the figures as JSON.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text = format!("{:#}\n", Value::Object(self.flat()));
        agent::files::write_private(file, text.as_bytes()).context("write the figures")
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ("under", "on", "cuts", "acked", "lost", "unanswered");
        let (a, b, c, d, e, g) = head;
        writeln!(f, "{a:<18}{b:<6}{c:>6}{d:>10}{e:>8}{g:>12}")?;
        for (series, outcome) in &self.series {
            let (subject, on) = (series.subject.name(), series.file_system.name());
            let Outcome { cuts, acknowledged, found } = outcome;
            let (lost, unanswered) = (found.lost, found.unanswered);
            writeln!(
                f,
                "{subject:<18}{on:<6}{cuts:>6}{acknowledged:>10}{lost:>8}{unanswered:>12}"
            )?;
        }
        let kept = self.series.iter().filter(|(series, _)| !series.subject.is_control());
        let faults = kept.flat_map(|(series, outcome)| {
            outcome.found.faults.iter().map(move |fault| format!("{series}: {fault}"))
        });
        for fault in faults.take(FAULTS_SHOWN_MAX) {
            writeln!(f, "{fault}")?;
        }
        let verdict = if self.is_good() { "kept" } else { "not kept" };
        write!(f, "{verdict}, with seed {} in {} s", self.seed, self.elapsed_s)
    }
}

#[cfg(test)]
mod tests {
    //! A loss, a fault and a control that loses nothing each make it bad.

    use super::super::plan::FileSystem;
    use super::super::series::Found;
    use super::*;

    fn figures(subject: Subject, found: Found) -> Figures {
        let mut figures = Figures::new(1);
        let series = Series { file_system: FileSystem::Xfs, subject, cuts: 3, seed: 1 };
        figures.add(series, Outcome { cuts: 3, acknowledged: 9, found });
        figures
    }

    #[test]
    fn a_loss_and_a_fault_are_not_good() {
        let lost = Found { lost: 1, ..Found::default() };
        let fault = Found { faults: vec!["broken".to_owned()], ..Found::default() };
        assert!(figures(Subject::Relay, Found::default()).is_good());
        assert!(!figures(Subject::Relay, lost).is_good());
        assert!(!figures(Subject::Relay, fault).is_good());
    }

    #[test]
    fn a_control_is_good_only_if_it_lost_something() {
        let lost = Found { lost: 1, ..Found::default() };
        assert!(!figures(Subject::JournalUnsynced, Found::default()).is_good());
        let good = figures(Subject::JournalUnsynced, lost);
        assert!(good.is_good());
        let flat = good.flat();
        assert_eq!((&flat["cuts"], &flat["lost"]), (&Value::from(0), &Value::from(0)));
        assert_eq!(flat["journal_unsynced_xfs_lost"], Value::from(1));
    }
}
