//! What is asked over a way: a statement, a batch, or whether there are news.
//!
//! Says how many bytes question and answer have, for the meter. Chooses no way.

use protocol::batch::BatchAnswer;
use protocol::downlink::DownlinkPage;
use protocol::handshake::{SessionAnswer, Statement};
use serde::Serialize;

use crate::sync::batch::Packed;
use crate::sync::uplink::{Failure, Poll, Uplink};

/// Something that is asked.
pub(super) trait Question: Sync {
    /// The answer.
    type Said: Sync + Send;

    /// Bytes of its body.
    fn bytes(&self) -> u64;

    /// Asks over one way.
    fn ask<U: Uplink>(&self, way: &U) -> impl Future<Output = Result<Self::Said, Failure>> + Send;

    /// Bytes of an answer's body.
    fn bytes_of(said: &Self::Said) -> u64;
}

impl Question for Statement {
    type Said = SessionAnswer;

    fn bytes(&self) -> u64 {
        bytes_as_json(self)
    }

    async fn ask<U: Uplink>(&self, way: &U) -> Result<SessionAnswer, Failure> {
        way.open_session(self).await
    }

    fn bytes_of(said: &SessionAnswer) -> u64 {
        bytes_as_json(said)
    }
}

impl Question for Packed {
    type Said = BatchAnswer;

    fn bytes(&self) -> u64 {
        count(self.packed.len())
    }

    async fn ask<U: Uplink>(&self, way: &U) -> Result<BatchAnswer, Failure> {
        way.send(self).await
    }

    fn bytes_of(said: &BatchAnswer) -> u64 {
        bytes_as_json(said)
    }
}

impl Question for Poll {
    type Said = DownlinkPage;

    fn bytes(&self) -> u64 {
        count(self.query().len())
    }

    async fn ask<U: Uplink>(&self, way: &U) -> Result<DownlinkPage, Failure> {
        way.poll(*self).await
    }

    fn bytes_of(said: &DownlinkPage) -> u64 {
        bytes_as_json(said)
    }
}

fn bytes_as_json(body: &impl Serialize) -> u64 {
    count(serde_json::to_vec(body).expect("what is sent is plain data").len())
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
