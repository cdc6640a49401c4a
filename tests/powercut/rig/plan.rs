//! What is tried, and when the power is cut: drawn from a seed.
//!
//! A seed gives the same plan each time. What a program was doing at that moment is not the
//! seed's to say: that is why there are many cuts. Pure.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The file systems that a till's and a relay's disk may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileSystem {
    /// Debian's default.
    Ext4,
    /// Red Hat's default.
    Xfs,
}

impl FileSystem {
    pub(crate) const ALL: [Self; 2] = [Self::Ext4, Self::Xfs];

    /// The name that the kernel and `mkfs` know.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }
}

/// What the power is cut under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// The agent's journal.
    Journal,
    /// The relay's store in SQLite.
    Relay,
    /// Control: the journal answers before it syncs.
    JournalUnsynced,
    /// Control: the relay acknowledges before it commits.
    RelayHasty,
}

impl Subject {
    pub(crate) const ALL: [Self; 4] =
        [Self::Journal, Self::Relay, Self::JournalUnsynced, Self::RelayHasty];

    /// Whether it breaks its promise on purpose.
    pub(crate) const fn is_control(self) -> bool {
        matches!(self, Self::JournalUnsynced | Self::RelayHasty)
    }

    /// The name in figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Relay => "relay",
            Self::JournalUnsynced => "journal_unsynced",
            Self::RelayHasty => "relay_hasty",
        }
    }
}

/// One subject on one file system.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) file_system: FileSystem,
    pub(crate) subject: Subject,
    pub(crate) cuts: u32,
    pub(crate) seed: u64,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.subject.name(), self.file_system.name())
    }
}

/// Of so many cuts, a control gets one. They lose at nearly every cut; a few show it.
const CUTS_PER_CONTROL_CUT: u32 = 40;

/// Cuts that a control gets at least.
const CONTROL_CUTS_MIN: u32 = 4;

/// Shares out cuts evenly over promises and file systems; of the rest, the first ones get one more.
/// A control that is asked for alone gets them all.
pub(crate) fn series(
    cuts: u32,
    only_on: Option<FileSystem>,
    only: Option<Subject>,
    seed: u64,
) -> Vec<Series> {
    let file_systems =
        || FileSystem::ALL.into_iter().filter(|it| only_on.is_none_or(|on| on == *it));
    let subjects = Subject::ALL.into_iter().filter(|it| only.is_none_or(|only| only == *it));
    let mut all: Vec<Series> = subjects
        .flat_map(|subject| {
            file_systems().map(move |file_system| Series { file_system, subject, cuts: 0, seed })
        })
        .collect();
    let shares = |series: &Series| only.is_some() || !series.subject.is_control();
    let sharing = u32::try_from(all.iter().filter(|series| shares(series)).count())
        .expect("a handful of series");
    let mut number = 0;
    for series in &mut all {
        if shares(series) {
            series.cuts = cuts / sharing + u32::from(number < cuts % sharing);
            number += 1;
        } else {
            series.cuts = CONTROL_CUTS_MIN.max(cuts / CUTS_PER_CONTROL_CUT);
        }
    }
    all
}

/// One cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Whether the subject begins with an empty folder.
    pub(crate) fresh: bool,
    /// How many acknowledgements are waited for; with 0, time runs from the start of the program.
    pub(crate) after: usize,
    /// How long after that the power goes.
    pub(crate) later: Duration,
    /// Whether what is left is compared. If not, the program starts on it at once and loses its
    /// power again, perhaps while it recovers.
    pub(crate) compared: bool,
}

/// The cuts of a series in order. The last is compared.
pub(crate) fn cuts(series: &Series) -> impl Iterator<Item = Cut> + use<> {
    let mut chance = StdRng::seed_from_u64(series.seed);
    let (count, is_control) = (series.cuts, series.subject.is_control());
    (0..count).map(move |number| {
        let fresh = number == 0 || chance.random_ratio(1, 6);
        let (after, later_us_max) = match chance.random_range(0..10) {
            // While files are made or recovered, and in the first commits.
            0..=1 if !is_control => (0, 60_000),
            // Long enough that the log is copied into the file.
            2 => (chance.random_range(1_000..4_000), 20_000),
            _ => (chance.random_range(1..400), 4_000),
        };
        let later = Duration::from_micros(chance.random_range(0..later_us_max));
        let compared = is_control || number + 1 == count || chance.random_ratio(7, 8);
        Cut { fresh, after, later, compared }
    })
}

#[cfg(test)]
mod tests {
    //! The cuts are shared out, and the same seed draws the same ones.

    use super::*;

    #[test]
    fn cuts_are_shared_out_and_controls_get_some_of_their_own() {
        let all = series(203, None, None, 1);
        let of = |control: bool| {
            let some = all.iter().filter(move |series| series.subject.is_control() == control);
            some.map(|series| series.cuts).collect::<Vec<_>>()
        };
        assert_eq!(of(false), [51, 51, 51, 50]);
        assert_eq!(of(true), [5, 5, 5, 5]);
    }

    #[test]
    fn a_control_that_is_asked_for_gets_all_cuts() {
        let all = series(7, Some(FileSystem::Xfs), Some(Subject::RelayHasty), 1);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].cuts, all[0].file_system), (7, FileSystem::Xfs));
    }

    #[test]
    fn a_seed_draws_the_same_cuts_again_and_the_last_one_is_compared() {
        let series = &series(400, None, Some(Subject::Journal), 7)[0];
        let drawn: Vec<_> = cuts(series).collect();
        assert_eq!(drawn, cuts(series).collect::<Vec<_>>());
        assert!(drawn[0].fresh && drawn.last().unwrap().compared);
        assert!(drawn.iter().any(|cut| !cut.compared) && drawn.iter().any(|cut| cut.after == 0));
    }
}
