//! What happened to the journal's files, as the status shows it.
//!
//! Does not notice anything and judges nothing.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use journal::{Journal, ReadError};
use protocol::chain::{Epoch, Sequence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Incidents that a status shows; the journal keeps all.
const SHOWN_MAX: usize = 10;

/// For how long an incident that lost something stands in the one sentence: longer than it takes
/// from a Friday night to the next working day.
const SENTENCE_DAYS: i64 = 7;

/// Something that happened to the journal's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalIncident")]
pub struct Incident {
    /// When it was noticed, by the host's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// What: copy_missing, copy_forged, copy_old, tail_lost, replaced, damaged or journal_missing.
    pub kind: String,
    /// The epoch that was current.
    pub epoch: Epoch,
    /// The file in the data folder that was set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<String>,
    /// The entries that this host lost by it.
    pub missing: Vec<Missing>,
}

/// Entries that follow one another and that this host lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "MissingEntries")]
pub struct Missing {
    /// The epoch that they stood in.
    pub epoch: Epoch,
    /// The first of them.
    pub first: Sequence,
    /// The last of them.
    pub last: Sequence,
    /// Whether the relay has them.
    pub relayed: bool,
}

impl Incident {
    /// The last incidents of a journal, newest first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn latest(journal: &Journal) -> Result<Vec<Self>, ReadError> {
        let found = journal.incidents(SHOWN_MAX).await?;
        Ok(found.into_iter().map(Self::from).collect())
    }

    /// How many entries are lost that the relay does not have.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let lost = self.missing.iter().filter(|missing| !missing.relayed);
        lost.map(|missing| missing.last.since(missing.first).saturating_add(1)).sum()
    }

    /// What a store has to know of it: only for some days, and only if something is lost.
    #[must_use]
    pub fn sentence(&self, now: Timestamp) -> Option<String> {
        let age = now.duration_since(self.at);
        let lost = self.lost();
        let is_recent = age < SignedDuration::from_hours(24 * SENTENCE_DAYS);
        (is_recent && lost > 0).then(|| {
            format!(
                "{lost} entries were lost from this machine's disk and never relayed; tell your IT \
                 to send them again from the POS"
            )
        })
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind, self.at)?;
        if let Some(set_aside) = &self.set_aside {
            write!(f, ", `{set_aside}` set aside")?;
        }
        for Missing { epoch, first, last, relayed } in &self.missing {
            let whose = if *relayed { "the relay has them" } else { "lost" };
            write!(f, "; entries {first} to {last} of {epoch}: {whose}")?;
        }
        Ok(())
    }
}

impl From<journal::Incident> for Incident {
    fn from(incident: journal::Incident) -> Self {
        let journal::Incident { at, kind, epoch, set_aside, missing } = incident;
        let missing = missing.into_iter().map(|gap| Missing {
            epoch: gap.epoch,
            first: gap.first,
            last: gap.last,
            relayed: gap.relayed,
        });
        Self { at, kind: kind.as_str().to_owned(), epoch, set_aside, missing: missing.collect() }
    }
}

#[cfg(test)]
mod tests {
    //! What is said of an incident, and for how long.

    use super::*;
    use protocol::bytes::Bytes;

    #[test]
    fn only_what_nobody_has_any_more_stands_in_the_sentence_and_not_for_ever() {
        let epoch = Bytes([7; 16]);
        let gap = |first, last, relayed| Missing {
            epoch,
            first: Sequence(first),
            last: Sequence(last),
            relayed,
        };
        let at: Timestamp = "2026-11-23T17:00:00Z".parse().unwrap();
        let missing = vec![gap(1, 90, true), gap(91, 93, false)];
        let incident = Incident { at, kind: "damaged".to_owned(), epoch, set_aside: None, missing };
        assert!(incident.sentence(at).unwrap().starts_with("3 entries"));
        assert_eq!(incident.sentence("2026-12-01T17:00:00Z".parse().unwrap()), None);
        let relayed = Incident { missing: vec![gap(1, 90, true)], ..incident.clone() };
        assert_eq!(relayed.sentence(at), None);
        assert_eq!(
            incident.to_string(),
            format!(
                "damaged at 2026-11-23T17:00:00Z; entries 1 to 90 of {epoch}: the relay has them; \
                 entries 91 to 93 of {epoch}: lost"
            )
        );
    }
}
