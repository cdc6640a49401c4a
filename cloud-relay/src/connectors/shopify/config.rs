//! The settings of a Shopify target.
//!
//! The doc comments below are the sample file's comments and the schema's descriptions, so they
//! are written for whoever edits the file. No secret stands in it. Calls nobody.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use protocol::event::TenderKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::Credentials;
use crate::secret::Secret;

/// A Shopify shop: receipts become orders, returns become refunds, stock moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The shop's own domain, without `https://`.
    #[schemars(with = "String", extend("example" = "example.myshopify.com"))]
    pub shop: ShopAddress,

    /// The client id of the app that is installed in the shop (Dev Dashboard, the app's settings).
    #[schemars(extend("example" = "0123456789abcdef0123456789abcdef"))]
    pub client_id: String,

    /// The file with the app's client secret, readable by the relay only. Either this or
    /// `client_secret_env`.
    #[serde(default)]
    #[schemars(extend("example" = "/etc/storekeep/shopify.secret"))]
    pub client_secret_file: Option<PathBuf>,

    /// The environment variable with the app's client secret.
    #[serde(default)]
    #[schemars(extend("example" = "SHOPIFY_CLIENT_SECRET"))]
    pub client_secret_env: Option<String>,

    /// The version of the Admin API. Only the default was checked against Shopify's schema.
    #[serde(default = "default_version")]
    pub api_version: String,

    /// Which Shopify location a store's stock is at: by the store's (or stock location's)
    /// identifier, the location's name or global identifier. Left out: the location of the same
    /// name.
    #[serde(default)]
    #[schemars(extend("example" = { "0042": "Berlin Mitte" }))]
    pub locations: BTreeMap<String, String>,

    /// Which number items are found by: sku or barcode. An item that lacks it is found by the
    /// other.
    #[serde(default)]
    pub item_key: ItemKey,

    /// What becomes of stock movements of items that Shopify does not know: exception (a person
    /// adds the item) or skip (they move nothing there).
    #[serde(default)]
    pub unknown_items: UnknownItems,

    /// How many of what Shopify counts make one of a unit of the POS (UN/ECE Recommendation 20, EA
    /// where it states none): Shopify counts whole pieces, so what is weighed is counted in a base
    /// unit such as the gram. Never change it for goods in stock. Left out: one.
    #[serde(default)]
    #[schemars(extend("example" = { "KGM": 1000, "MTR": 100 }))]
    pub base_units: BTreeMap<String, NonZeroU32>,

    /// The same for single items, by the number that they are found by; goes before `base_units`.
    #[serde(default)]
    #[schemars(extend("example" = { "2000": 10 }))]
    pub item_base_units: BTreeMap<String, NonZeroU32>,

    /// What a kind of tender is called as a payment in Shopify. Left out: cash, card, gift_card and
    /// so on.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>", extend("example" = { "card": "Terminal" }))]
    pub gateways: BTreeMap<TenderKind, String>,

    /// The tags of every order.
    #[serde(default = "default_tags")]
    pub order_tags: Vec<String>,

    /// The namespace of the two metafields of every order, `key` and `details`. Never change it
    /// once something was posted: orders are found by it.
    #[serde(default = "default_namespace")]
    pub metafield_namespace: String,

    /// Seconds after which an order that a lost answer may have left behind is certainly found.
    /// Shopify's search lags by up to two minutes.
    #[serde(default = "default_settle_seconds")]
    pub settle_seconds: NonZeroU16,

    /// Seconds for which an answer is waited for.
    #[serde(default = "default_call_timeout_seconds")]
    pub call_timeout_seconds: NonZeroU16,
}

/// See [`Settings::item_key`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ItemKey {
    /// The SKU; the barcode for an item without one.
    #[default]
    Sku,
    /// The barcode (GTIN, else what was scanned); the SKU for an item without one.
    Barcode,
}

/// See [`Settings::unknown_items`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum UnknownItems {
    /// A person adds the item, then retries.
    #[default]
    Exception,
    /// They move nothing at this target.
    Skip,
}

fn default_version() -> String {
    "2026-10".to_owned()
}

fn default_tags() -> Vec<String> {
    vec!["storekeep".to_owned()]
}

fn default_namespace() -> String {
    "storekeep".to_owned()
}

fn default_settle_seconds() -> NonZeroU16 {
    // The longest lag seen, and a quarter more.
    NonZeroU16::new(150).expect("150 is not zero")
}

fn default_call_timeout_seconds() -> NonZeroU16 {
    NonZeroU16::new(30).expect("30 is not zero")
}

/// Where a shop answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShopAddress {
    stated: String,
    origin: String,
}

/// Settings that no connector can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SettingsError {
    /// The key at fault.
    pub key: &'static str,
    /// What is wrong, without a secret.
    pub reason: String,
    /// What to do.
    pub next: String,
}

/// A text is no shop's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no shop's domain such as `example.myshopify.com`; a plain `http://` address is taken \
     on loopback only, for trying things out"
)]
pub struct ShopAddressError(String);

impl ShopAddress {
    /// The origin that paths are put behind, such as `https://example.myshopify.com`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl TryFrom<String> for ShopAddress {
    type Error = ShopAddressError;
    fn try_from(stated: String) -> Result<Self, ShopAddressError> {
        let refuse = || ShopAddressError(stated.chars().take(80).collect());
        if let Some(host) = stated.strip_prefix("http://") {
            let url = reqwest::Url::parse(&stated).map_err(|_| refuse())?;
            let address = url.host_str().map(|host| host.trim_matches(['[', ']']));
            let address = address.and_then(|host| host.parse::<IpAddr>().ok());
            let is_loopback = address.is_some_and(|address| address.is_loopback());
            if !is_loopback || host.contains('/') {
                return Err(refuse());
            }
            return Ok(Self { origin: stated.clone(), stated });
        }
        let is_label = |label: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !label.is_empty() && label.bytes().all(is_plain)
        };
        if stated.split('.').count() < 2 || !stated.split('.').all(is_label) {
            return Err(refuse());
        }
        Ok(Self { origin: format!("https://{stated}"), stated })
    }
}

impl From<ShopAddress> for String {
    fn from(address: ShopAddress) -> Self {
        address.stated
    }
}

impl Settings {
    /// What the app signs in with, from the file or the environment.
    pub(super) fn credentials(&self) -> Result<Credentials, SettingsError> {
        let client_secret = self.client_secret()?;
        Ok(Credentials { client_id: self.client_id.clone(), client_secret })
    }

    fn client_secret(&self) -> Result<Secret, SettingsError> {
        let error = |key, reason, next: &str| SettingsError { key, reason, next: next.to_owned() };
        match (&self.client_secret_file, &self.client_secret_env) {
            (Some(file), None) => Secret::from_file(file).map_err(|cause| {
                let next = "put the app's client secret there, alone, readable by the relay";
                error("client_secret_file", cause.to_string(), next)
            }),
            (None, Some(name)) => {
                let next = "set the variable to the app's client secret for the relay's service";
                let text = std::env::var(name).map_err(|_| {
                    let reason = format!("the environment has no client secret in `{name}`");
                    error("client_secret_env", reason, next)
                })?;
                Secret::new(&text, name)
                    .map_err(|cause| error("client_secret_env", cause.to_string(), next))
            }
            (None, None) => {
                let reason = "there is no client secret".to_owned();
                Err(error("client_secret_file", reason, "name the file that holds it"))
            }
            (Some(_), Some(_)) => {
                let reason = "the client secret is named twice".to_owned();
                Err(error("client_secret_env", reason, "keep one of the two keys"))
            }
        }
    }
}
