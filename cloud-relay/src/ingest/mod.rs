//! Ingest: takes enrolments, statements, batches and polls of stores, and answers each signed.
//!
//! What a message means is decided by functions without I/O: [`auth`] who speaks, [`session`]
//! what a statement leads to, [`inbox`] what a batch holds. [`exchange`] carries them out, and
//! [`http`] and [`mqtt`] are the two ways in. A batch is
//! acknowledged strictly after its commit. Meets dispatch only in the store and calls no target:
//! of a connector it asks only what an event calls for.

mod answer;
mod auth;
mod exchange;
mod gate;
mod http;
mod inbox;
pub mod mqtt;
pub mod policy;
mod session;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use protocol::id::TenantId;
use tokio::sync::watch;

use self::gate::Gate;
use self::policy::Waits;
use crate::connectors::Targets;
use crate::keys::Keys;
use crate::seams::Seams;
use crate::store::SharedStore;

pub(crate) use http::enrol::token_hash;
pub use http::router;

/// What ingest needs.
pub struct IngestParts {
    /// The store.
    pub store: SharedStore,
    /// The relay's own keys.
    pub keys: Arc<Keys>,
    /// The configured targets, for what an event calls for.
    pub targets: Targets,
    /// The retailer.
    pub tenant: TenantId,
    /// Clock, chance and faults.
    pub seams: Seams,
    /// How long things may take.
    pub waits: Waits,
    /// Turns true when the relay stops: polls end then.
    pub stopping: watch::Receiver<bool>,
}

/// Ingest, shared by every connection.
pub struct Ingest {
    parts: IngestParts,
    gate: Gate,
}

impl Ingest {
    /// Takes the parts.
    #[must_use]
    pub fn new(parts: IngestParts) -> Arc<Self> {
        Arc::new(Self { parts, gate: Gate::default() })
    }

    fn now(&self) -> Timestamp {
        (self.parts.seams.clock)()
    }
}
