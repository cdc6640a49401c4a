//! Asks the programs of a world what they say of themselves.
//!
//! Over the same addresses and with the same tokens as people and other programs do. Believes
//! nothing: what counts is held against the books.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde::Serialize;
use serde_json::Value;
use simulated_erpnext::{Books as ErpBooks, Faults as ErpFaults, Summary as ErpSummary};
use simulated_shopify::{Books as ShopBooks, Faults, Summary};

use super::plan::Chosen;

/// How long an answer may take before the program counts as not answering.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// How long the vendor may take to write all its books down.
const BOOKS_WAIT: Duration = Duration::from_secs(60);

/// What an agent says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentView {
    /// Its one sentence.
    pub sentence: String,
    /// Whether it reaches the relay.
    pub online: bool,
    /// Entries that the relay has not acknowledged.
    pub unsent: u64,
    /// Entries in its journal.
    pub entries: u64,
}

/// What the relay says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayView {
    /// Deliveries on their way.
    pub waiting: u64,
    /// Deliveries that stand in a target.
    pub done: u64,
    /// Open exceptions.
    pub exceptions: u64,
    /// What waits, by class of lane.
    pub waiting_by_class: Vec<(String, u64)>,
    /// Since when a target is paused, and why.
    pub paused: Option<String>,
}

/// An exception as the relay lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExceptionView {
    /// The target.
    pub target: String,
    /// The store.
    pub store: String,
    /// The event's natural key.
    pub natural_key: String,
    /// Class and reason.
    pub reason: String,
    /// The amount at risk.
    pub amount: String,
    /// How long, in seconds.
    pub age_seconds: u64,
}

/// Knows where to ask.
pub struct Asking {
    http: Client,
    /// The simulated Shopify's address.
    pub shopify: SocketAddr,
    /// The simulated ERPNext's address, where it listens if it is a target.
    pub erpnext: SocketAddr,
    /// The relay's address.
    pub relay: SocketAddr,
    relay_folder: PathBuf,
}

impl Asking {
    pub(super) fn new(ports: &Chosen, relay_folder: PathBuf) -> Result<Self> {
        let http = crate::pos::client::http(ANSWER_WAIT)?;
        let Chosen { shopify, erpnext, relay, .. } = *ports;
        Ok(Self { http, shopify, erpnext, relay, relay_folder })
    }

    /// The client that asks.
    pub(super) const fn http(&self) -> &Client {
        &self.http
    }

    /// Something, once a program answers this path with success.
    pub(super) async fn answers(&self, address: SocketAddr, path: &str) -> Option<()> {
        let answer = self.http.get(format!("http://{address}{path}")).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Some(()),
            Ok(_) | Err(_) => None,
        }
    }

    async fn json(&self, address: SocketAddr, path: &str, token: Option<&str>) -> Result<Value> {
        let url = format!("http://{address}{path}");
        let mut request = self.http.get(&url).timeout(BOOKS_WAIT);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.with_context(|| format!("ask {url}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("read the answer of {url}"))?;
        if !status.is_success() {
            bail!("ask {url}: {status} {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("read the JSON of {url}"))
    }

    /// What an agent says of itself.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn agent(&self, address: SocketAddr, folder: &Path) -> Result<AgentView> {
        let token = token(&folder.join("local-api.token"))?;
        let status = self.json(address, "/v1/status", Some(&token)).await?;
        let count = |pointer: &str| status.pointer(pointer).and_then(Value::as_u64);
        Ok(AgentView {
            sentence: status["sentence"].as_str().unwrap_or_default().to_owned(),
            online: status.pointer("/relay/link/kind").and_then(Value::as_str) == Some("online"),
            unsent: count("/journal/unsent").context("read how much an agent holds unsent")?,
            entries: count("/journal/entries").unwrap_or_default(),
        })
    }

    /// What the relay says of itself.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn relay(&self) -> Result<RelayView> {
        let token = token(&self.relay_folder.join("operator.token"))?;
        let lanes = self.json(self.relay, "/api/v1/lanes", Some(&token)).await?;
        let lanes = lanes["lanes"].as_array().context("read the relay's lanes")?;
        let mut view = RelayView::default();
        for lane in lanes {
            let count = |name: &str| lane[name].as_u64().unwrap_or_default();
            view.waiting += count("waiting");
            view.done += count("done");
            view.exceptions += count("exceptions");
            let class = lane.pointer("/lane/class").and_then(Value::as_str).unwrap_or("?");
            match view.waiting_by_class.iter_mut().find(|(known, _)| known == class) {
                Some((_, waiting)) => *waiting += count("waiting"),
                None => view.waiting_by_class.push((class.to_owned(), count("waiting"))),
            }
            if let Some(reason) = lane.pointer("/paused/1").and_then(Value::as_str) {
                view.paused = Some(reason.to_owned());
            }
        }
        Ok(view)
    }

    /// The open exceptions, oldest first.
    ///
    /// # Errors
    /// The relay does not answer.
    pub async fn exceptions(&self) -> Result<Vec<ExceptionView>> {
        let token = token(&self.relay_folder.join("operator.token"))?;
        let listed = self.json(self.relay, "/api/v1/exceptions", Some(&token)).await?;
        let listed = listed["exceptions"].as_array().context("read the relay's exceptions")?;
        let text = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let view = |exception: &Value| ExceptionView {
            target: text(exception, "/target"),
            store: text(exception, "/store"),
            natural_key: text(exception, "/naturalKey"),
            reason: text(exception, "/reason"),
            amount: amount(exception.pointer("/amount")),
            age_seconds: exception["ageSeconds"].as_u64().unwrap_or_default(),
        };
        Ok(listed.iter().map(view).collect())
    }

    /// The address of the relay's console, with the token that it asks for.
    ///
    /// # Errors
    /// The token cannot be read.
    pub fn console(&self) -> Result<String> {
        let token = token(&self.relay_folder.join("operator.token"))?;
        Ok(format!("http://{}/#token={token}", self.relay))
    }

    /// The simulated Shopify's counts.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn shop_summary(&self) -> Result<Summary> {
        let summary = self.json(self.shopify, "/control/summary", None).await?;
        serde_json::from_value(summary).context("read the shop's summary")
    }

    /// The simulated Shopify's own books.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn shop_books(&self) -> Result<ShopBooks> {
        let books = self.json(self.shopify, "/control/books", None).await?;
        serde_json::from_value(books).context("read the shop's books")
    }

    /// Deletes an order in the simulated Shopify, as somebody in its admin does.
    ///
    /// # Errors
    /// It does not answer, or there is no such order.
    pub async fn delete_order(&self, name: &str) -> Result<()> {
        let url = format!("http://{}/control/delete", self.shopify);
        let body = serde_json::json!({ "order": name });
        let answer = self.http.post(&url).json(&body).send().await.context("delete an order")?;
        let said: Value = answer.json().await.context("read what was deleted")?;
        anyhow::ensure!(said["deleted"] == true, "delete order {name}: there is none");
        Ok(())
    }

    /// Tells the simulated Shopify what goes wrong from now on.
    ///
    /// # Errors
    /// It does not take them.
    pub async fn shop_faults(&self, faults: &Faults) -> Result<()> {
        self.set_faults(self.shopify, faults).await
    }

    /// The simulated ERPNext's counts and sums.
    ///
    /// # Errors
    /// It does not answer, or is no target.
    pub async fn erp_summary(&self) -> Result<ErpSummary> {
        let summary = self.json(self.erpnext, "/control/summary", None).await?;
        serde_json::from_value(summary).context("read the ERP's summary")
    }

    /// The simulated ERPNext's own books.
    ///
    /// # Errors
    /// It does not answer, or is no target.
    pub async fn erp_books(&self) -> Result<ErpBooks> {
        let books = self.json(self.erpnext, "/control/books", None).await?;
        serde_json::from_value(books).context("read the ERP's books")
    }

    /// Tells the simulated ERPNext what goes wrong from now on.
    ///
    /// # Errors
    /// It does not take them, or is no target.
    pub async fn erp_faults(&self, faults: &ErpFaults) -> Result<()> {
        self.set_faults(self.erpnext, faults).await
    }

    async fn set_faults(&self, address: SocketAddr, faults: &impl Serialize) -> Result<()> {
        let url = format!("http://{address}/control/faults");
        let answer = self.http.post(&url).json(faults).send().await.context("set the faults")?;
        answer.error_for_status().context("set the faults")?;
        Ok(())
    }
}

fn amount(money: Option<&Value>) -> String {
    let minor = money.and_then(|money| money["minor"].as_i64());
    let currency = money.and_then(|money| money["currency"].as_str());
    match (minor, currency) {
        (Some(minor), Some(currency)) => {
            format!("{}.{:02} {currency}", minor / 100, (minor % 100).abs())
        }
        _ => "–".to_owned(),
    }
}

pub(super) fn token(path: &Path) -> Result<String> {
    let token = std::fs::read_to_string(path)
        .with_context(|| format!("read the token `{}`", path.display()))?;
    Ok(token.trim().to_owned())
}
