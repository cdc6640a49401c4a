//! A shop that is served on a port of its own, with a client that speaks plain HTTP.
//!
//! The shop's clock stands still unless a test moves it.

use std::sync::{Arc, Once};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};
use simulated_shopify::{Gid, SearchLag, Setup, Shop, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The moment at which every shop is opened.
pub(crate) const OPENED: &str = "2026-11-23T10:00:00Z";

pub(crate) const ORDER_CREATE: &str = "mutation Create($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) { orderCreate(order: $order, options: $options) { order { id name sourceIdentifier processedAt displayFinancialStatus displayFulfillmentStatus totalPriceSet { shopMoney { amount currencyCode } } totalTaxSet { shopMoney { amount } } totalReceivedSet { shopMoney { amount } } lineItems(first: 10) { nodes { id sku quantity } } transactions { id kind gateway } } userErrors { code field message } } }";

pub(crate) const REFUND_CREATE: &str = "mutation Refund($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) { refund { id totalRefundedSet { shopMoney { amount } } refundLineItems(first: 5) { nodes { quantity restockType restocked } } transactions(first: 5) { nodes { id kind gateway } } } order { id displayFinancialStatus } userErrors { field message } } }";

pub(crate) const ADJUST: &str = "mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) { inventoryAdjustQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { id reason referenceDocumentUri changes { name delta quantityAfterChange item { id } location { id name } } } userErrors { code field message } } }";

pub(crate) const SET: &str = "mutation Set($input: InventorySetQuantitiesInput!, $key: String!) { inventorySetQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { id changes { name delta } } userErrors { code field message } } }";

pub(crate) const DEFINE: &str = "mutation Define($definition: MetafieldDefinitionInput!) { metafieldDefinitionCreate(definition: $definition) { createdDefinition { id type { name } } userErrors { code field message } } }";

pub(crate) const BY_SOURCE: &str = "query BySource($query: String!) { orders(first: 10, query: $query) { nodes { id name sourceIdentifier } pageInfo { hasNextPage endCursor } } }";

pub(crate) const BY_KEY: &str = "query ByKey($namespace: String, $key: String!, $value: String!) { orderByIdentifier(identifier: { customId: { namespace: $namespace, key: $key, value: $value } }) { id metafield(namespace: $namespace, key: $key) { value type } } }";

/// A shop with two locations and three variants, whose orders are searchable at once.
pub(crate) fn setup() -> Setup {
    let mut setup = Setup::new("north.myshopify.com")
        .with_location("Hamburg")
        .with_location("Bremen")
        .with_variant("A-1", Some("4006381333931"), "10.00", 10)
        .with_variant("A-1-XL", None, "12.50", 5)
        .with_variant("B-2", Some("4006381333948"), "1.99", 0);
    setup.search_lag = SearchLag { least_ms: 0, most_ms: 0 };
    setup
}

/// What a client saw: the status and, if it was JSON, the body.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

/// A served shop.
pub(crate) struct Served {
    pub(crate) shop: Shop,
    pub(crate) setup: Setup,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        // The receiver is gone only if the server has stopped already.
        self.stop.take().map(|stop| stop.send(()).is_ok());
    }
}

pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("no provider was installed before");
    });
    // No pool: a connection that was cut must not be taken for a stale one and tried again.
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

/// Opens, serves and signs in.
pub(crate) async fn open(setup: Setup) -> Served {
    let opened: Timestamp = OPENED.parse().unwrap();
    let shop = Shop::new(setup.clone(), Arc::new(move || opened));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(serve(listener, shop.clone(), async move {
        // Stopped, or the test is over: either ends the server.
        drop(stopped.await);
    }));
    let mut served =
        Served { shop, setup, url, token: String::new(), client: client(), stop: Some(stop) };
    served.token = served.sign_in().await;
    served
}

impl Served {
    pub(crate) async fn grant(&self, id: &str, secret: &str) -> Seen {
        let form = format!("client_id={id}&client_secret={secret}&grant_type=client_credentials");
        let request = self
            .client
            .post(format!("{}/admin/oauth/access_token", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        seen(request.send().await.unwrap()).await
    }

    pub(crate) async fn sign_in(&self) -> String {
        let known = &self.setup.credentials;
        let seen = self.grant(&known.client_id, &known.client_secret).await;
        seen.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Posts an operation; an error is a connection without an answer.
    pub(crate) async fn attempt(
        &self,
        query: &str,
        variables: Value,
    ) -> Result<reqwest::Response, reqwest::Error> {
        self.client
            .post(format!("{}/admin/api/2026-10/graphql.json", self.url))
            .header("x-shopify-access-token", &self.token)
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
    }

    pub(crate) async fn post(&self, query: &str, variables: Value) -> Seen {
        seen(self.attempt(query, variables).await.unwrap()).await
    }

    /// Posts an operation that must be answered with status 200 and without top-level errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let seen = self.post(query, variables).await;
        assert_eq!(seen.status, StatusCode::OK);
        assert_eq!(seen.body.get("errors"), None, "{}", seen.body);
        seen.body["data"].clone()
    }

    /// The identifier of the location at this position of the setup.
    pub(crate) fn location(&self, at: usize) -> Gid {
        self.setup.locations[at].gid()
    }

    /// The inventory item at this position of the setup.
    pub(crate) fn item(&self, at: usize) -> Gid {
        self.setup.variants[at].item_gid()
    }

    /// A sale of so many of the first variant at 10.00 each, paid in cash.
    pub(crate) fn sale(&self, source: &str, quantity: i64) -> Value {
        json!({
            "sourceIdentifier": source,
            "currency": "EUR",
            "lineItems": [{
                "variantId": self.setup.variants[0].gid(),
                "quantity": quantity,
                "priceSet": money("10.00"),
            }],
            "transactions": [{
                "kind": "SALE",
                "gateway": "cash",
                "amountSet": money(&format!("{}.00", 10 * quantity)),
            }],
        })
    }

    /// Creates such a sale and gives the order.
    pub(crate) async fn sell(&self, source: &str, quantity: i64) -> Value {
        let variables = json!({ "order": self.sale(source, quantity) });
        let data = self.data(ORDER_CREATE, variables).await;
        assert_eq!(data["orderCreate"]["userErrors"], json!([]));
        data["orderCreate"]["order"].clone()
    }

    /// What is available of the item at this position, at the first location.
    pub(crate) fn available(&self, at: usize) -> i64 {
        let books = self.shop.books();
        books.level(self.item(at), self.location(0)).map_or(0, |level| level.available)
    }

    /// A change of an item's stock at the first location.
    pub(crate) fn change(&self, at: usize, delta: i64, from: Value) -> Value {
        json!({
            "inventoryItemId": self.item(at),
            "locationId": self.location(0),
            "delta": delta,
            "changeFromQuantity": from,
        })
    }

    /// Adjusts `available` and gives the payload.
    pub(crate) async fn adjust(&self, changes: Value, key: &str) -> Value {
        let input = json!({ "name": "available", "reason": "correction", "changes": changes });
        let data = self.data(ADJUST, json!({ "input": input, "key": key })).await;
        data["inventoryAdjustQuantities"].clone()
    }
}

pub(crate) fn money(amount: &str) -> Value {
    json!({ "shopMoney": { "amount": amount, "currencyCode": "EUR" } })
}

pub(crate) async fn seen(response: reqwest::Response) -> Seen {
    let status = response.status();
    let text = response.text().await.unwrap();
    Seen { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Waits for a named condition, at most ten seconds.
pub(crate) async fn until(name: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not come about: {name}");
}
