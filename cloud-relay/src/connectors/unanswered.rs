//! What a look-up without an answer means for the document that waited for it.
//!
//! Nothing was applied, so the document waits as the look-up would. Decides no wait of its own.

use super::{Unanswered, Verdict};

impl From<Unanswered> for Verdict {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Retry { after, reason } => Self::Retry { after, reason },
            Unanswered::Throttled { after } => Self::Throttled { after },
            Unanswered::Paused { after, reason } => Self::Paused { after, reason },
        }
    }
}
