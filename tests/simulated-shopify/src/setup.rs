//! What a simulated shop is made of: locations, variants, credentials, limits and options.
//!
//! Plain values with serde, so that a harness can write a shop as JSON and hand it to another
//! process. Identifiers are dealt out in order, so the same setup always has the same identifiers.
//! Checks nothing: a harness that names a location twice gets what it asked for.

use serde::{Deserialize, Serialize};

use crate::ids::{Gid, Kind};

const FIRST_LOCATION: u64 = 106_000_001;
const FIRST_VARIANT: u64 = 51_000_001;
const FIRST_ITEM: u64 = 53_000_001;

/// A shop before its first request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setup {
    /// The shop's domain, such as `north.myshopify.com`.
    pub shop: String,
    /// The shop's currency, ISO 4217.
    pub currency: String,
    /// Decides every lag and every fault that happens by chance.
    pub seed: u64,
    /// The app's client id and secret.
    pub credentials: Credentials,
    /// The access scopes that the app was granted.
    pub scopes: Vec<String>,
    /// How long an access token lives, in seconds. A day at the real service (README, R1).
    pub token_life_seconds: u32,
    /// The leaky bucket of the app at this shop.
    pub bucket: BucketSize,
    /// How long an order may stay out of searches.
    pub search_lag: SearchLag,
    /// What depends on the plan, or is not established.
    pub options: Options,
    /// The shop's locations.
    pub locations: Vec<SetupLocation>,
    /// The shop's variants, each with its one inventory item.
    pub variants: Vec<SetupVariant>,
}

/// What the app proves itself with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

/// The size of a leaky bucket, in points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BucketSize {
    /// `maximumAvailable`.
    pub maximum: u32,
    /// `restoreRate`, per second.
    pub restore_per_second: u32,
}

/// The range from which each order's search lag is drawn, in milliseconds by the shop's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SearchLag {
    /// The shortest lag.
    pub least_ms: u64,
    /// The longest lag.
    pub most_ms: u64,
}

/// What depends on the shop's plan, and what is not established about the real service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Options {
    /// New orders per minute, as on a development or trial store (five). `None` is a paid plan.
    pub orders_per_minute_max: Option<u32>,
    /// Whether `orderCreate` refuses a second order with the same value in a metafield of type
    /// `id`. Not established; false is the worse reading, in which the client alone prevents
    /// duplicates (README, R39).
    pub refuse_duplicate_ids: bool,
    /// Whether the shop's prices include taxes.
    pub taxes_included: bool,
}

/// A location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetupLocation {
    /// The number in its identifier.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// Whether it is active.
    pub active: bool,
}

/// A variant of a product, with its inventory item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetupVariant {
    /// The number in the variant's identifier; its product has the same.
    pub number: u64,
    /// The number in the inventory item's identifier.
    pub item_number: u64,
    /// Not unique at Shopify (README, R71).
    pub sku: Option<String>,
    /// Not unique at Shopify either (README, R71).
    pub barcode: Option<String>,
    /// The product's title.
    pub title: String,
    /// The price in the shop's currency, as decimal text.
    pub price: String,
    /// Whether Shopify counts its stock.
    pub tracked: bool,
    /// Whether it may be sold below zero (inventory policy `CONTINUE`).
    pub oversold: bool,
    /// Whether it is a parent bundle, whose stock cannot be changed through the API.
    pub bundle: bool,
    /// The stock available at first, by the location's number.
    pub available: Vec<(u64, i64)>,
}

impl Setup {
    /// A shop in euros with every scope, the bucket of the Standard plan (README, R14),
    /// a search lag of 0 to 120 s, and neither locations nor variants.
    #[must_use]
    pub fn new(shop: &str) -> Self {
        Self {
            shop: shop.to_owned(),
            currency: "EUR".to_owned(),
            seed: 0,
            credentials: Credentials {
                client_id: "storefront-client".to_owned(),
                client_secret: "storefront-secret".to_owned(),
            },
            scopes: [
                "read_locations",
                "read_products",
                "read_all_orders",
                "write_inventory",
                "write_orders",
            ]
            .map(str::to_owned)
            .to_vec(),
            token_life_seconds: 86_400,
            bucket: BucketSize { maximum: 2_000, restore_per_second: 100 },
            search_lag: SearchLag { least_ms: 0, most_ms: 120_000 },
            options: Options::default(),
            locations: Vec::new(),
            variants: Vec::new(),
        }
    }

    /// Adds an active location with the next number.
    #[must_use]
    pub fn with_location(mut self, name: &str) -> Self {
        let number = following(FIRST_LOCATION, self.locations.iter().map(|place| place.number));
        self.locations.push(SetupLocation { number, name: name.to_owned(), active: true });
        self
    }

    /// Adds a tracked variant with the next number and the same stock at every location so far.
    #[must_use]
    pub fn with_variant(
        mut self,
        sku: &str,
        barcode: Option<&str>,
        price: &str,
        available: i64,
    ) -> Self {
        let number = following(FIRST_VARIANT, self.variants.iter().map(|variant| variant.number));
        let items = self.variants.iter().map(|variant| variant.item_number);
        let item_number = following(FIRST_ITEM, items);
        self.variants.push(SetupVariant {
            number,
            item_number,
            sku: Some(sku.to_owned()),
            barcode: barcode.map(str::to_owned),
            title: sku.to_owned(),
            price: price.to_owned(),
            tracked: true,
            oversold: false,
            bundle: false,
            available: self.locations.iter().map(|place| (place.number, available)).collect(),
        });
        self
    }
}

impl SetupLocation {
    /// Its global identifier.
    #[must_use]
    pub fn gid(&self) -> Gid {
        Gid::new(Kind::Location, self.number)
    }
}

impl SetupVariant {
    /// Its global identifier.
    #[must_use]
    pub fn gid(&self) -> Gid {
        Gid::new(Kind::ProductVariant, self.number)
    }

    /// The global identifier of its inventory item.
    #[must_use]
    pub fn item_gid(&self) -> Gid {
        Gid::new(Kind::InventoryItem, self.item_number)
    }
}

fn following(first: u64, taken: impl Iterator<Item = u64>) -> u64 {
    taken.max().map_or(first, |last| last + 1)
}
