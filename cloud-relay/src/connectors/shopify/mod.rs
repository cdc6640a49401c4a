//! Shopify: receipts become orders, returns become refunds, and stock moves, each exactly once in
//! effect.
//!
//! The folder's `README.md` says what it talks to, its limits and quirks. `map` is pure and says
//! what is sent; `client` sends it and judges the answers; `operations` are the GraphQL documents.
//! Posts no till movements, holds no customer, and was never run against the real system.

mod client;
mod config;
mod map;
mod operations;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::envelope::Event;
use protocol::event::{Body, Transaction};
use uuid::Uuid;

use self::client::Client;
use self::client::items::Items;
use self::client::places::Places;
use self::map::{Action, BaseUnits, CHANGES_MAX, Wording};
use super::{
    Bridging, BundleVerdict, Call, Checked, Connector, ControlPage, ControlQuery, ExceptionClass,
    Found, Planned, Prepared, Profile, Reply, TargetRef, Unanswered, Verdict,
};

pub use self::config::{ItemKey, Settings, SettingsError, ShopAddress, UnknownItems};

/// How long Shopify recognises a repeated idempotency key.
const REPEAT_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// What a call costs before Shopify has said so: `orderCreate` was recorded with 10 to 24 points.
const COST_ESTIMATE: u32 = 20;

/// A shop.
pub struct Shopify {
    profile: Profile,
    client: Client,
    items: Items,
    places: Places,
    wording: Wording,
    item_key: ItemKey,
    unknown_items: UnknownItems,
    base_units: BaseUnits,
}

/// Makes the connector of a shop; `http` is the relay's one outgoing client.
///
/// # Errors
/// There is no client secret where the settings say.
pub fn from_config(
    settings: Settings,
    http: reqwest::Client,
) -> Result<Arc<dyn Connector>, SettingsError> {
    Ok(Arc::new(Shopify::new(settings, http)?))
}

impl Shopify {
    fn new(settings: Settings, http: reqwest::Client) -> Result<Self, SettingsError> {
        let credentials = settings.credentials()?;
        let seconds = |number: std::num::NonZeroU16| Duration::from_secs(number.get().into());
        let call_timeout = seconds(settings.call_timeout_seconds);
        let (origin, version) = (settings.shop.origin(), &settings.api_version);
        Ok(Self {
            profile: Profile {
                kind: "shopify",
                verified: None,
                call_timeout,
                settle_time: seconds(settings.settle_seconds),
                bundle_max: CHANGES_MAX,
                repeat_window: REPEAT_WINDOW,
                cost_estimate: COST_ESTIMATE,
            },
            client: Client::new(http, origin, version, credentials, call_timeout),
            items: Items::default(),
            places: Places::new(settings.locations),
            wording: Wording {
                gateways: settings.gateways,
                tags: settings.order_tags,
                namespace: settings.metafield_namespace,
            },
            item_key: settings.item_key,
            unknown_items: settings.unknown_items,
            base_units: BaseUnits {
                by_unit: settings.base_units,
                by_item: settings.item_base_units,
            },
        })
    }
}

/// The transaction of a document, with what is to be done.
fn document(call: &Call) -> Result<(Action, &Transaction), Verdict> {
    match (Action::of(&call.planned), &call.event.body) {
        (Some(action), Body::Transaction(transaction)) => Ok((action, transaction)),
        _ => {
            let reason = format!("no `{}` can be made of this event", call.planned.action);
            Err(Verdict::Exception { class: ExceptionClass::Rejected, reason })
        }
    }
}

#[async_trait]
impl Connector for Shopify {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn plan(&self, event: &Event) -> Vec<Planned> {
        map::plan(event)
    }

    fn bridging(&self, event: &Event) -> Vec<Bridging> {
        map::bridging(event)
    }

    async fn check(&self) -> Result<Checked, Unanswered> {
        self.look_over().await
    }

    async fn find(&self, call: &Call) -> Reply<Result<Found, Unanswered>> {
        let mut talk = self.client.talk(call.deadline);
        let found = match document(call) {
            Ok((Action::RefundCreate, transaction)) => {
                self.find_refund(&mut talk, call, transaction).await
            }
            Ok(_) => self.find_order(&mut talk, call).await,
            Err(_) => Ok(Found::None),
        };
        talk.reply(found)
    }

    async fn create(&self, call: &Call) -> Reply<Verdict> {
        let mut talk = self.client.talk(call.deadline);
        let verdict = match document(call) {
            Ok((Action::RefundCreate, transaction)) => {
                self.create_refund(&mut talk, call, transaction).await
            }
            Ok((_, transaction)) => self.create_order(&mut talk, call, transaction).await,
            Err(verdict) => Err(verdict),
        };
        talk.reply(verdict.unwrap_or_else(|verdict| verdict))
    }

    /// Shopify's orders and refunds have no drafts: what is created stands.
    async fn commit(&self, _call: &Call, draft: &TargetRef) -> Reply<Verdict> {
        let reason = format!("{} is no draft; look for it again", draft.name);
        Reply { outcome: Verdict::Unknown { reason }, budget: None }
    }

    async fn verify(&self, call: &Call, reference: &TargetRef) -> Reply<Verdict> {
        let mut talk = self.client.talk(call.deadline);
        let verdict = match document(call) {
            Ok((Action::RefundCreate, transaction)) => {
                self.verify_refund(&mut talk, call, transaction, reference).await
            }
            Ok((_, transaction)) => {
                self.verify_order(&mut talk, call, transaction, reference).await
            }
            Err(verdict) => Err(verdict),
        };
        talk.reply(verdict.unwrap_or_else(|verdict| verdict))
    }

    async fn control(&self, query: &ControlQuery) -> Reply<Result<ControlPage, Unanswered>> {
        let mut talk = self.client.talk(query.deadline);
        let page = self.control_page(&mut talk, query).await;
        talk.reply(page)
    }

    async fn prepare(&self, key: Uuid, calls: &[Call]) -> Reply<Result<Prepared, Unanswered>> {
        let deadline = calls.first().map_or(Timestamp::MAX, |call| call.deadline);
        let mut talk = self.client.talk(deadline);
        let prepared = self.prepare_bundle(&mut talk, key, calls).await;
        talk.reply(prepared)
    }

    async fn send(&self, key: Uuid, body: &str, deadline: Timestamp) -> Reply<BundleVerdict> {
        let mut talk = self.client.talk(deadline);
        let verdict = self.send_bundle(&mut talk, key, body).await;
        talk.reply(verdict)
    }
}
