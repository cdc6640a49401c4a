//! The seam between sync and a way up: HTTPS, the simulated one of the tests, MQTT.
//!
//! An uplink signs what it sends with the device's key and hands on only answers that carry the
//! relay's signature. It does not judge what an answer means and does not try twice.

use std::future::Future;
use std::time::Duration;

use protocol::batch::BatchAnswer;
use protocol::chain::Sequence;
use protocol::downlink::{DownlinkCursor, DownlinkPage};
use protocol::handshake::{SessionAnswer, Statement, Ticket};

use super::batch::Packed;
use super::policy::{Ladder, POLL_GRACE};
use crate::health::Reason;

/// A way up.
pub trait Uplink: Send + Sync + 'static {
    /// Makes a statement.
    fn open_session(
        &self,
        statement: &Statement,
    ) -> impl Future<Output = Result<SessionAnswer, Failure>> + Send;

    /// Sends a batch.
    fn send(&self, batch: &Packed) -> impl Future<Output = Result<BatchAnswer, Failure>> + Send;

    /// Asks for news, and waits for it as the protocol allows.
    fn poll(&self, poll: Poll) -> impl Future<Output = Result<DownlinkPage, Failure>> + Send;

    /// Waits until a batch that is not full may go; at once unless bytes cost money.
    fn until_batch_may_go(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Ends what stands open: nothing goes this way for a while.
    fn hang_up(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// What a poll of the downlink says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// The last item that is stored here.
    pub after: DownlinkCursor,
    /// The journal's head.
    pub head: Sequence,
    /// The session's ticket.
    pub ticket: Ticket,
    /// How long the relay may wait for news.
    pub wait_seconds: u64,
}

impl Poll {
    /// The query that says it, after the device's own address.
    pub(super) fn query(self) -> String {
        let Self { after, head, ticket, wait_seconds: wait } = self;
        format!("downlink?after={after}&wait={wait}&head={head}&ticket={ticket}")
    }

    /// How long its answer may take.
    pub(super) const fn timeout(self) -> Duration {
        POLL_GRACE.saturating_add(Duration::from_secs(self.wait_seconds))
    }
}

/// Why there is no answer that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection came about.
    #[error("{0}")]
    Unreachable(Reason),
    /// The relay, or something before it, cannot answer at present.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: Reason,
        /// The time after which it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The session is over.
    #[error("{0}")]
    StaleSession(Reason),
    /// The batch is larger than what lies between lets through.
    #[error("{0}")]
    TooLarge(Reason),
    /// The relay said no, or what answered is not the relay.
    #[error("{0}")]
    Refused(Reason),
}

impl Failure {
    /// The same, without a wish for when to be asked again.
    #[must_use]
    pub const fn unavailable(reason: Reason) -> Self {
        Self::Unavailable { reason, retry_after: None }
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        match self {
            Self::Unreachable(reason)
            | Self::Unavailable { reason, .. }
            | Self::StaleSession(reason)
            | Self::TooLarge(reason)
            | Self::Refused(reason) => reason,
        }
    }

    pub(super) const fn ladder(&self) -> Ladder {
        match self {
            Self::Unreachable(_) => Ladder::Unreachable,
            Self::Unavailable { .. } | Self::StaleSession(_) | Self::TooLarge(_) => {
                Ladder::Unavailable
            }
            Self::Refused(_) => Ladder::Refused,
        }
    }

    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
