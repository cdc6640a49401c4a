//! The check at start: credentials, scopes, version, locations, and the metafield by which orders
//! are found.
//!
//! Makes the metafield's definition where it is missing, because without it no order can be found
//! by its key. Changes nothing else.

use serde_json::{Value, json};

use super::{Talk, list, said, text, user_errors};
use crate::connectors::shopify::Shopify;
use crate::connectors::shopify::map::KEY_FIELD;
use crate::connectors::shopify::operations::{INSTALLATION, KEY_DEFINITION, KEY_DEFINITION_CREATE};
use crate::connectors::{CheckFinding, Checked, Unanswered, Verdict};

/// What the app has to be allowed, and for what.
const SCOPES: [(&str, &str); 4] = [
    ("write_orders", "to create orders and refunds and to find them again"),
    ("write_inventory", "to move and to set stock"),
    ("read_products", "to find items by SKU or barcode"),
    ("read_locations", "to find locations by name"),
];

/// Without it everything works but returns of what was sold more than 60 days ago.
const OLD_ORDERS: &str = "read_all_orders";

impl Shopify {
    /// Looks at everything that a document will need.
    pub(in crate::connectors::shopify) async fn look_over(&self) -> Result<Checked, Unanswered> {
        let mut talk = self.client.talk_at_start();
        let mut findings = Vec::new();
        let installation = match talk.read(INSTALLATION, &json!({})).await {
            Ok(installation) => installation,
            Err(Unanswered::Paused { reason, .. }) => {
                findings.push(finding("access", false, reason));
                return Ok(Checked { findings });
            }
            Err(unanswered) => return Err(unanswered),
        };
        let shop = text(&installation, "/shop/myshopifyDomain");
        let currency = text(&installation, "/shop/currencyCode");
        findings.push(finding("access", true, format!("{shop}, whose currency is {currency}")));
        findings.extend(scopes(&installation));
        findings.push(self.version());
        let may_define = findings.iter().all(|finding| finding.well);
        if may_define {
            findings.push(self.key_definition(&mut talk).await?);
            for place in self.places.configured() {
                findings.push(match self.places.resolve(&mut talk, place).await? {
                    Ok(id) => finding("location", true, format!("{place} is {id}")),
                    Err((_, reason)) => finding("location", false, reason),
                });
            }
        }
        Ok(Checked { findings })
    }

    fn version(&self) -> CheckFinding {
        let asked = &self.client.version;
        match self.client.served_instead() {
            None => finding("version", true, format!("{asked} is served")),
            Some(served) => {
                let detail = format!(
                    "{asked} is no longer served, {served} answers instead: update Storekeep, \
                     whose documents are checked against {asked}"
                );
                finding("version", false, detail)
            }
        }
    }

    /// The definition that makes a metafield an identifier; made where it is missing.
    async fn key_definition(&self, talk: &mut Talk<'_>) -> Result<CheckFinding, Unanswered> {
        let subject = "order identifier";
        let namespace = &self.wording.namespace;
        let variables = json!({ "namespace": namespace, "key": KEY_FIELD });
        let data = talk.read(KEY_DEFINITION, &variables).await?;
        if let Some(definition) = list(&data, "/metafieldDefinitions/nodes").first() {
            let kind = text(definition, "/type/name");
            let well = kind == "id";
            let detail = match well {
                true => format!("orders are found by {namespace}.{KEY_FIELD}"),
                false => format!(
                    "{namespace}.{KEY_FIELD} is of type {kind}, not id: delete that definition, or \
                     set another `metafield_namespace`"
                ),
            };
            return Ok(finding(subject, well, detail));
        }
        let definition = json!({
            "name": "Storekeep key",
            "description": "Names the receipt that an order stands for; never edit it.",
            "namespace": namespace,
            "key": KEY_FIELD,
            "type": "id",
            "ownerType": "ORDER",
        });
        let made = talk.apply(KEY_DEFINITION_CREATE, &json!({ "definition": definition })).await;
        let payload = match made {
            Ok(payload) => payload,
            Err(verdict) => return not_made(subject, verdict),
        };
        let errors = user_errors(&payload);
        // Another replica may have made it in between.
        let stands = errors.iter().all(|error| error.code == "TAKEN");
        let detail = match stands {
            true => format!("made {namespace}.{KEY_FIELD}, by which orders are found"),
            false => format!("make {namespace}.{KEY_FIELD}: {}", said(&errors)),
        };
        Ok(finding(subject, stands, detail))
    }
}

impl super::Client {
    /// The version that answers in place of the one that is asked for.
    fn served_instead(&self) -> Option<String> {
        self.fell_forward_to.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

fn not_made(subject: &str, verdict: Verdict) -> Result<CheckFinding, Unanswered> {
    match verdict {
        Verdict::Throttled { after } => Err(Unanswered::Throttled { after }),
        Verdict::Paused { after, reason } => Err(Unanswered::Paused { after, reason }),
        Verdict::Retry { after, reason } => Err(Unanswered::Retry { after, reason }),
        // Made or not, the next check sees it.
        Verdict::Unknown { reason } => Err(Unanswered::Retry { after: None, reason }),
        Verdict::Exception { reason, .. } => Ok(finding(subject, false, reason)),
        Verdict::Done(_) | Verdict::AlreadyDone(_) | Verdict::Resume(_) => {
            Ok(finding(subject, true, "it stands".to_owned()))
        }
    }
}

fn scopes(installation: &Value) -> Vec<CheckFinding> {
    let granted: Vec<&str> = list(installation, "/currentAppInstallation/accessScopes")
        .iter()
        .map(|scope| text(scope, "/handle"))
        .collect();
    let is_granted = |wanted: &str| {
        granted.iter().any(|scope| {
            *scope == wanted
                || wanted
                    .strip_prefix("read_")
                    .is_some_and(|what| scope.strip_prefix("write_") == Some(what))
        })
    };
    let mut findings: Vec<CheckFinding> = SCOPES
        .iter()
        .map(|(scope, what_for)| {
            let well = is_granted(scope);
            let detail = match well {
                true => format!("granted, {what_for}"),
                false => format!(
                    "missing; it is needed {what_for}: add it to the app and install \
                                  the app again"
                ),
            };
            finding(&format!("scope {scope}"), well, detail)
        })
        .collect();
    let detail = match is_granted(OLD_ORDERS) {
        true => "granted, to refund what was sold more than 60 days ago",
        false => "not granted: returns of what was sold more than 60 days ago need a person",
    };
    findings.push(finding(&format!("scope {OLD_ORDERS}"), true, detail.to_owned()));
    findings
}

fn finding(subject: &str, well: bool, detail: String) -> CheckFinding {
    CheckFinding { subject: subject.to_owned(), well, detail }
}
