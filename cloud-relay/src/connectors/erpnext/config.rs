//! The settings of an ERPNext target.
//!
//! The doc comments below are the sample file's comments and the schema's descriptions, so they
//! are written for whoever edits the file. No secret stands in it. Calls nobody.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use protocol::event::{StockKind, TenderKind};
use protocol::id::{LocationId, StoreId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// An ERPNext site: receipts become sales invoices, returns credit notes, stock documents stock
/// entries and stock reconciliations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The site's address.
    #[schemars(with = "String", extend("example" = "https://erp.example.com"))]
    pub site: SiteAddress,

    /// The API key of the user that posts (User, Settings, API Access).
    #[schemars(extend("example" = "0123456789abcde"))]
    pub api_key: String,

    /// The file with that user's API secret, readable by the relay only. Either this or
    /// `api_secret_env`.
    #[serde(default)]
    #[schemars(extend("example" = "/etc/storekeep/erpnext.secret"))]
    pub api_secret_file: Option<PathBuf>,

    /// The environment variable with that user's API secret.
    #[serde(default)]
    #[schemars(extend("example" = "ERPNEXT_API_SECRET"))]
    pub api_secret_env: Option<String>,

    /// The company that is posted to. Accounts and warehouses belong to one company, so another
    /// company is another target.
    #[schemars(extend("example" = "Example Retail"))]
    pub company: String,

    /// The customer of every invoice: nobody's name leaves the store.
    #[schemars(extend("example" = "Walk-in"))]
    pub customer: String,

    /// What a store (or stock location) is in ERPNext, by its identifier: `warehouse`, and if they
    /// are used `unsellable_warehouse` (for goods that came back and are not for sale),
    /// `cost_center` and `pos_profile`.
    #[schemars(extend("example" = { "0042": { "warehouse": "Berlin - ER", "cost_center": "Berlin - ER" } }))]
    pub stores: BTreeMap<String, Store>,

    /// What becomes of events of a store that is not listed: exception (a person adds the store) or
    /// skip (they are no business of this company).
    #[serde(default)]
    pub unlisted_stores: UnlistedStores,

    /// Who moves stock in ERPNext: erp (its invoices and stock documents do, made from our events)
    /// or none (nothing of ours does, because stock is kept elsewhere).
    #[serde(default)]
    pub stock_mover: StockMover,

    /// The account of each tax code of the POS.
    #[serde(default)]
    #[schemars(extend("example" = { "A": "VAT 19% - ER", "B": "VAT 7% - ER" }))]
    pub tax_accounts: BTreeMap<String, String>,

    /// The account of cash rounding, and of the cents by which ERPNext's quantity times price misses
    /// the receipt's line.
    #[schemars(extend("example" = "Round Off - ER"))]
    pub rounding_account: String,

    /// The mode of payment of each kind of tender. Left out: Cash, Credit Card and Cheque; any other
    /// kind has to stand here.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>", extend("example" = { "card": "Terminal" }))]
    pub modes_of_payment: BTreeMap<TenderKind, String>,

    /// The mode of payment by which goods that came back pay for goods that went out in the same
    /// transaction. Its account clears to zero with every exchange.
    #[serde(default)]
    #[schemars(extend("example" = "Goods Back"))]
    pub goods_back: Option<String>,

    /// The items, without stock in ERPNext, under which lines are posted that are no goods of
    /// their own, by kind: gift_card, prepayment, container_deposit, fee, tip, donation, service,
    /// and unmoved (goods whose stock moves with other lines, or not at all). Left out: the line's
    /// own number.
    #[serde(default)]
    #[schemars(extend("example" = { "gift_card": "GIFT-CARD", "tip": "TIP" }))]
    pub bridging_items: BridgingItems,

    /// The difference account of stock documents by their kind. Left out: the company's stock
    /// adjustment account.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, String>",
        extend("example" = { "shrinkage": "Shrinkage - ER" })
    )]
    pub stock_accounts: BTreeMap<StockKind, String>,

    /// The warehouse of goods on their way between two stores. Left out: they leave ERPNext at the
    /// one and enter it at the other.
    #[serde(default)]
    #[schemars(extend("example" = "Goods In Transit - ER"))]
    pub transit_warehouse: Option<String>,

    /// Decimal places of quantities (System Settings, Float Precision). A quantity with more is
    /// refused, never rounded.
    #[serde(default = "default_quantity_places")]
    pub quantity_places: u8,

    /// The field that holds the delivery key; made by the check where it is missing. Never change it
    /// once something was posted: documents are found by it.
    #[serde(default = "default_key_field")]
    pub key_field: String,

    /// Seconds after which a document that a lost answer may have left behind is certainly found:
    /// longer than the site's own limit of a request.
    #[serde(default = "default_settle_seconds")]
    pub settle_seconds: NonZeroU16,

    /// Seconds for which an answer is waited for.
    #[serde(default = "default_call_timeout_seconds")]
    pub call_timeout_seconds: NonZeroU16,
}

/// See [`Settings::stores`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Store {
    /// The warehouse that sells.
    pub warehouse: String,
    /// The warehouse of goods that came back and are not for sale.
    #[serde(default)]
    pub unsellable_warehouse: Option<String>,
    /// The cost centre of its documents.
    #[serde(default)]
    pub cost_center: Option<String>,
    /// The POS profile of its invoices.
    #[serde(default)]
    pub pos_profile: Option<String>,
}

/// See [`Settings::unlisted_stores`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum UnlistedStores {
    /// A person adds the store, then retries.
    #[default]
    Exception,
    /// Nothing of theirs is posted here.
    Skip,
}

/// See [`Settings::stock_mover`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StockMover {
    /// Invoices update stock; stock documents are posted.
    #[default]
    Erp,
    /// Neither.
    None,
}

/// See [`Settings::bridging_items`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct BridgingItems {
    /// Gift cards issued or topped up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gift_card: Option<String>,
    /// Money taken before the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepayment: Option<String>,
    /// Deposits on bottles and crates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_deposit: Option<String>,
    /// Fees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<String>,
    /// Tips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tip: Option<String>,
    /// Donations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub donation: Option<String>,
    /// Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Goods whose stock moves with other lines, or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmoved: Option<String>,
}

fn default_quantity_places() -> u8 {
    3
}

fn default_key_field() -> String {
    "storekeep_key".to_owned()
}

fn default_settle_seconds() -> NonZeroU16 {
    // A site gives a request 120 s (its `http_timeout`); half a minute more for the clocks.
    NonZeroU16::new(150).expect("150 is not zero")
}

fn default_call_timeout_seconds() -> NonZeroU16 {
    NonZeroU16::new(30).expect("30 is not zero")
}

/// Where a site answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteAddress {
    stated: String,
    origin: reqwest::Url,
}

/// A text is no site's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no site's address such as `https://erp.example.com`; plain `http://` is taken on \
     loopback only, for trying things out"
)]
pub struct SiteAddressError(String);

impl SiteAddress {
    /// The address that paths are put behind.
    #[must_use]
    pub const fn origin(&self) -> &reqwest::Url {
        &self.origin
    }
}

impl TryFrom<String> for SiteAddress {
    type Error = SiteAddressError;
    fn try_from(stated: String) -> Result<Self, SiteAddressError> {
        let refuse = || SiteAddressError(stated.chars().take(80).collect());
        let origin = reqwest::Url::parse(&stated).map_err(|_| refuse())?;
        let is_bare = origin.path() == "/"
            && origin.query().is_none()
            && origin.fragment().is_none()
            && origin.username().is_empty()
            && origin.password().is_none();
        let host = origin.host_str().map(|host| host.trim_matches(['[', ']']));
        let address = host.and_then(|host| host.parse::<IpAddr>().ok());
        let is_loopback = address.is_some_and(|address| address.is_loopback());
        let is_taken = match origin.scheme() {
            "https" => host.is_some(),
            "http" => is_loopback,
            _ => false,
        };
        if is_bare && is_taken { Ok(Self { stated, origin }) } else { Err(refuse()) }
    }
}

impl From<SiteAddress> for String {
    fn from(address: SiteAddress) -> Self {
        address.stated
    }
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

impl Settings {
    /// The place whose stock moves, if it is listed.
    pub(super) fn place(&self, location: &LocationId) -> Option<&Store> {
        self.stores.get(location.as_str())
    }

    /// The store itself, if it is listed.
    pub(super) fn store(&self, store: &StoreId) -> Option<&Store> {
        self.stores.get(store.as_str())
    }

    /// The mode of payment of a kind of tender, if there is one.
    pub(super) fn mode(&self, kind: TenderKind) -> Option<&str> {
        let usual = match kind {
            TenderKind::Cash => Some("Cash"),
            TenderKind::Card => Some("Credit Card"),
            TenderKind::Cheque => Some("Cheque"),
            _ => None,
        };
        self.modes_of_payment.get(&kind).map(String::as_str).or(usual)
    }

    /// What a request is signed with: `token KEY:SECRET`.
    pub(super) fn authorization(&self) -> Result<Secret, SettingsError> {
        let secret = self.api_secret()?;
        let header = format!("token {}:{}", self.api_key, secret.expose());
        Secret::new(&header, "api_key").map_err(|cause| SettingsError {
            key: "api_key",
            reason: cause.to_string(),
            next: "write the key as ERPNext shows it".to_owned(),
        })
    }

    fn api_secret(&self) -> Result<Secret, SettingsError> {
        let error = |key, reason, next: &str| SettingsError { key, reason, next: next.to_owned() };
        match (&self.api_secret_file, &self.api_secret_env) {
            (Some(file), None) => Secret::from_file(file).map_err(|cause| {
                let next = "put the user's API secret there, alone, readable by the relay";
                error("api_secret_file", cause.to_string(), next)
            }),
            (None, Some(name)) => {
                let next = "set the variable to the user's API secret for the relay's service";
                let text = std::env::var(name).map_err(|_| {
                    let reason = format!("the environment has no API secret in `{name}`");
                    error("api_secret_env", reason, next)
                })?;
                Secret::new(&text, name)
                    .map_err(|cause| error("api_secret_env", cause.to_string(), next))
            }
            (None, None) => {
                let reason = "there is no API secret".to_owned();
                Err(error("api_secret_file", reason, "name the file that holds it"))
            }
            (Some(_), Some(_)) => {
                let reason = "the API secret is named twice".to_owned();
                Err(error("api_secret_env", reason, "keep one of the two keys"))
            }
        }
    }
}
