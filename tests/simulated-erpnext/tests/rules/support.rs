//! A site that is served on a port of its own, with a client that speaks plain HTTP.
//!
//! The site's clock stands still unless a test moves it.

use std::sync::{Arc, Once};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulated_erpnext::{ItemTaxTemplate, PosProfile, Setup, Site, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The moment at which every site is opened.
pub(crate) const OPENED: &str = "2026-11-23T10:00:00Z";

pub(crate) const INVOICE: &str = "/api/resource/Sales%20Invoice";
pub(crate) const ENTRY: &str = "/api/resource/Stock%20Entry";
pub(crate) const COUNT: &str = "/api/resource/Stock%20Reconciliation";
pub(crate) const FIELD: &str = "/api/resource/Custom%20Field";

/// A company with two warehouses, three items and a POS profile.
pub(crate) fn setup() -> Setup {
    let mut setup = Setup::new("North", "N")
        .with_warehouse("Hamburg")
        .with_warehouse("Bremen")
        .with_item("A-1")
        .with_item("B-2")
        .with_item("FEE");
    setup.items[2].stocked = false;
    setup.pos_profiles.push(PosProfile { name: "Till 1".into(), warehouse: "Hamburg".into() });
    setup.item_tax_templates.push(ItemTaxTemplate {
        title: "Reduced".into(),
        rates: vec![("VAT".into(), "7".parse().unwrap())],
    });
    setup
}

/// What a client saw: the status and, if it was JSON, the body.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Seen {
    /// The document or list that was answered, which must be a success.
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        &self.body["data"]
    }

    /// The status and the kind of exception.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["exc_type"].as_str().unwrap_or_default())
    }

    /// The first message for the user: JSON in JSON in JSON.
    pub(crate) fn message(&self) -> String {
        let list: Vec<String> =
            serde_json::from_str(self.body["_server_messages"].as_str().unwrap()).unwrap();
        let first: Value = serde_json::from_str(&list[0]).unwrap();
        first["message"].as_str().unwrap().to_owned()
    }
}

/// A served site.
pub(crate) struct Served {
    pub(crate) site: Site,
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

fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("no provider was installed before");
    });
    // No pool: a connection that was cut must not be taken for a stale one and tried again.
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

/// Opens and serves.
pub(crate) async fn open(setup: Setup) -> Served {
    let opened: Timestamp = OPENED.parse().unwrap();
    let token = format!("token {}:{}", setup.credentials.key, setup.credentials.secret);
    let site = Site::new(setup, Arc::new(move || opened));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(serve(listener, site.clone(), async move {
        // Stopped, or the test is over: either ends the server.
        drop(stopped.await);
    }));
    Served { site, url, token, client: client(), stop: Some(stop) }
}

/// A site with a unique key on invoices, and twenty of each stocked item in Hamburg.
pub(crate) async fn ready() -> Served {
    let served = open(setup()).await;
    served.with_key("Sales Invoice").await;
    let rows = json!([
        { "item_code": "A-1", "qty": 20, "t_warehouse": "Hamburg - N" },
        { "item_code": "B-2", "qty": 20, "t_warehouse": "Hamburg - N" },
    ]);
    served.stock_entry("Material Receipt", "2026-01-02", rows).await.data();
    served
}

impl Served {
    pub(crate) fn request(&self, verb: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(verb, format!("{}{path}", self.url))
            .header("authorization", &self.token)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Seen {
        seen(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn put(&self, path: &str, name: &str, body: Value) -> Seen {
        let path = format!("{path}/{name}");
        seen(self.request(Method::PUT, &path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        seen(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn read(&self, path: &str, name: &str) -> Value {
        self.get(&format!("{path}/{name}")).await.data().clone()
    }

    pub(crate) async fn with_key(&self, doctype: &str) {
        let field = json!({
            "dt": doctype, "label": "External Key", "fieldname": "external_key",
            "fieldtype": "Data", "unique": 1, "no_copy": 1,
        });
        self.post(FIELD, field).await.data();
    }

    pub(crate) async fn stock_entry(&self, kind: &str, date: &str, rows: Value) -> Seen {
        let entry = json!({
            "stock_entry_type": kind, "company": "North", "set_posting_time": 1,
            "posting_date": date, "posting_time": "09:00:00", "items": rows,
        });
        let draft = self.post(ENTRY, entry).await;
        if draft.status != StatusCode::OK {
            return draft;
        }
        self.put(ENTRY, draft.body["data"]["name"].as_str().unwrap(), json!({ "docstatus": 1 }))
            .await
    }

    /// Creates a draft and gives it.
    pub(crate) async fn draft(&self, invoice: Value) -> Value {
        self.post(INVOICE, invoice).await.data().clone()
    }

    /// Submits a draft.
    pub(crate) async fn submit(&self, draft: &Value) -> Seen {
        self.put(INVOICE, draft["name"].as_str().unwrap(), json!({ "docstatus": 1 })).await
    }

    /// Creates a draft, submits it and gives the invoice.
    pub(crate) async fn sell(&self, invoice: Value) -> Value {
        let draft = self.draft(invoice).await;
        self.submit(&draft).await.data().clone()
    }

    pub(crate) fn invoices(&self) -> usize {
        self.site.books().documents["Sales Invoice"].len()
    }
}

/// A sale of so many of A-1 at 11.90 each, tax of 19 % included, paid in cash.
pub(crate) fn sale(key: &str, quantity: i64) -> Value {
    let cents = 1190 * quantity;
    json!({
        "customer": "Walk-in", "company": "North", "external_key": key,
        "is_pos": 1, "pos_profile": "Till 1", "update_stock": 1,
        "set_posting_time": 1, "posting_date": "2026-11-20", "posting_time": "12:00:00",
        "items": [{ "item_code": "A-1", "qty": quantity, "rate": 11.90 }],
        "taxes": [{
            "charge_type": "On Net Total", "account_head": "VAT - N", "description": "VAT 19 %",
            "rate": 19, "included_in_print_rate": 1,
        }],
        "payments": [{
            "mode_of_payment": "Cash", "amount": format!("{}.{:02}", cents / 100, cents % 100),
        }],
    })
}

/// Gives back so many of the first row of a sale.
pub(crate) fn refund(key: &str, of: &Value, quantity: i64) -> Value {
    let mut refund = sale(key, -quantity);
    let cents = 1190 * quantity;
    refund["payments"][0]["amount"] = json!(format!("-{}.{:02}", cents / 100, cents % 100));
    refund["is_return"] = json!(1);
    refund["return_against"] = of["name"].clone();
    refund["items"][0]["sales_invoice_item"] = of["items"][0]["name"].clone();
    refund["posting_date"] = json!("2026-11-21");
    refund
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
