//! What a subject tells the rig, one line of JSON at a time, after the fact.
//!
//! A line is shorter than what a pipe takes whole, so that a killed subject leaves no half line.

use std::io::{self, Write};

use protocol::chain::{Position, Sequence};
use serde::{Deserialize, Serialize};

/// Something that was acknowledged to the subject, and may not be gone afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(crate) enum Said {
    /// The journal holds a receipt.
    Appended {
        /// The receipt.
        receipt: u64,
        /// Where.
        position: Position,
    },
    /// The journal held a receipt already.
    Replayed {
        /// The receipt.
        receipt: u64,
        /// Where.
        sequence: Sequence,
    },
    /// The journal's mark of what the relay holds stands here.
    Marked {
        /// Where.
        sequence: Sequence,
    },
    /// The relay's store holds a register's journal up to here.
    Committed {
        /// The register.
        register: u64,
        /// Up to where.
        end: Position,
    },
    /// The store wrote down that deliveries are attempted.
    Attempted {
        /// Which.
        deliveries: Vec<String>,
    },
    /// The store wrote down that deliveries stand in their target.
    Delivered {
        /// Which.
        deliveries: Vec<String>,
    },
    /// The subject cannot go on. Without power that is to be expected.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Said {
    /// Tells the rig.
    ///
    /// # Errors
    /// The rig is gone.
    pub(crate) fn say(&self) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        io::stdout().lock().write_all(&line)
    }

    /// Whether it is an acknowledgement that the moment of a cut is counted by.
    pub(crate) const fn is_acknowledgement(&self) -> bool {
        matches!(self, Self::Appended { .. } | Self::Committed { .. })
    }
}
