//! ERPNext: receipts become sales invoices, returns credit notes, and stock documents stock entries
//! and reconciliations, each exactly once in effect.
//!
//! The folder's `README.md` says what it talks to, its limits and quirks. `map` is pure and says
//! what is sent; `client` sends it and judges the answers. Posts no till movements, holds no
//! customer, and was never run against the real system.

mod client;
mod config;
mod map;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::envelope::Event;
use uuid::Uuid;

use self::client::Client;
use super::{
    Bridging, BundleVerdict, Call, Checked, Connector, ControlPage, ControlQuery, ExceptionClass,
    Found, Planned, Prepared, Profile, Reply, TargetRef, Unanswered, Verdict,
};

pub use self::config::{
    BridgingItems, Settings, SettingsError, SiteAddress, StockMover, Store, UnlistedStores,
};

/// What a call costs before anything is known: Frappe reckons in server time, tells no price and
/// refuses with the seconds to wait.
const COST_ESTIMATE: u32 = 1;

/// A site.
pub struct Erpnext {
    profile: Profile,
    client: Client,
    settings: Settings,
}

/// Makes the connector of a site; `http` is the relay's one outgoing client.
///
/// # Errors
/// There is no API secret where the settings say.
pub fn from_config(
    settings: Settings,
    http: reqwest::Client,
) -> Result<Arc<dyn Connector>, SettingsError> {
    Ok(Arc::new(Erpnext::new(settings, http)?))
}

impl Erpnext {
    fn new(settings: Settings, http: reqwest::Client) -> Result<Self, SettingsError> {
        let authorization = settings.authorization()?;
        let seconds = |number: std::num::NonZeroU16| Duration::from_secs(number.get().into());
        let call_timeout = seconds(settings.call_timeout_seconds);
        Ok(Self {
            profile: Profile {
                kind: "erpnext",
                verified: None,
                call_timeout,
                settle_time: seconds(settings.settle_seconds),
                // Every document has a key and is found again, so nothing travels in bundles.
                bundle_max: 1,
                repeat_window: Duration::ZERO,
                cost_estimate: COST_ESTIMATE,
            },
            client: Client::new(http, settings.site.origin().clone(), authorization, call_timeout),
            settings,
        })
    }
}

/// The answer without a reading of the budget: Frappe tells none that could be spent in advance.
const fn reply<T>(outcome: T) -> Reply<T> {
    Reply { outcome, budget: None }
}

#[async_trait]
impl Connector for Erpnext {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn plan(&self, event: &Event) -> Vec<Planned> {
        map::plan(event, &self.settings)
    }

    fn bridging(&self, event: &Event) -> Vec<Bridging> {
        map::bridging(event, &self.settings)
    }

    async fn check(&self) -> Result<Checked, Unanswered> {
        self.look_over().await
    }

    async fn find(&self, call: &Call) -> Reply<Result<Found, Unanswered>> {
        reply(self.find_document(call).await)
    }

    async fn create(&self, call: &Call) -> Reply<Verdict> {
        reply(self.create_draft(call).await.unwrap_or_else(|verdict| verdict))
    }

    async fn commit(&self, call: &Call, draft: &TargetRef) -> Reply<Verdict> {
        reply(self.submit_draft(call, draft).await.unwrap_or_else(|verdict| verdict))
    }

    async fn verify(&self, call: &Call, reference: &TargetRef) -> Reply<Verdict> {
        reply(self.read_back(call, reference).await.unwrap_or_else(|verdict| verdict))
    }

    async fn control(&self, query: &ControlQuery) -> Reply<Result<ControlPage, Unanswered>> {
        reply(self.control_page(query).await)
    }

    /// Nothing is planned that travels in bundles.
    async fn prepare(&self, _key: Uuid, calls: &[Call]) -> Reply<Result<Prepared, Unanswered>> {
        let refused =
            |index| (index, ExceptionClass::Rejected, "ERPNext takes no bundles".to_owned());
        let refused = (0..calls.len()).map(refused).collect();
        reply(Ok(Prepared { bundle: None, refused, without_effect: Vec::new() }))
    }

    /// As [`Connector::prepare`]: a bundle that is sent here was not made here.
    async fn send(&self, _key: Uuid, _body: &str, _deadline: Timestamp) -> Reply<BundleVerdict> {
        let reason = "ERPNext takes no bundles".to_owned();
        let class = ExceptionClass::UnknownOutcome;
        reply(BundleVerdict::Wait(Verdict::Exception { class, reason }))
    }
}
