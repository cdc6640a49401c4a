//! The check at start: credentials, company, and everything that the settings name.
//!
//! Makes the unique field of the delivery key where it is missing, because without it no document
//! can be found again. Changes nothing else.

use std::collections::BTreeSet;

use protocol::event::TenderKind;
use serde_json::{Value, json};

use super::{Answer, asked};
use crate::connectors::erpnext::Erpnext;
use crate::connectors::erpnext::config::StockMover;
use crate::connectors::erpnext::map::Action;
use crate::connectors::{CheckFinding, Checked, Unanswered};

impl Erpnext {
    /// Looks at everything that a document will need.
    pub(in crate::connectors::erpnext) async fn look_over(&self) -> Result<Checked, Unanswered> {
        // Refused credentials and maintenance end here, with how long they are left alone.
        let user = self.client.call("frappe.auth.get_logged_user").await?;
        let user = user.as_str().unwrap_or_default();
        let mut findings = vec![finding("access", true, format!("signed in as {user}"))];
        let mut doctypes = vec![Action::InvoiceSale];
        if self.settings.stock_mover == StockMover::Erp {
            doctypes.extend([Action::StockEntry, Action::StockCount]);
        }
        for action in doctypes {
            findings.push(self.key_field(action.doctype()).await?);
        }
        for (doctype, name) in self.named() {
            findings.push(self.stands(doctype, name).await?);
        }
        for mode in self.modes() {
            findings.push(self.mode_of_payment(mode).await?);
        }
        Ok(Checked { findings })
    }

    /// The unique field of a kind of document; made where it is missing.
    async fn key_field(&self, doctype: &str) -> Result<CheckFinding, Unanswered> {
        let name = self.settings.key_field.as_str();
        let subject = format!("{doctype}, {name}");
        let filters = json!([["dt", "=", doctype], ["fieldname", "=", name]]);
        let fields = json!(["name", "unique"]);
        let standing = match self.client.list("Custom Field", &filters, &fields).await {
            Ok(standing) => standing,
            Err(Unanswered::Paused { reason, .. }) => return Ok(finding(&subject, false, reason)),
            Err(unanswered) => return Err(unanswered),
        };
        if let Some(field) = standing.first() {
            let well = field["unique"].as_u64() == Some(1) || field["unique"] == true;
            let detail = match well {
                true => "documents are found by it",
                false => {
                    "it is not unique: set it so in Customize Form, or two documents may \
                          stand for one receipt"
                }
            };
            return Ok(finding(&subject, well, detail.to_owned()));
        }
        let field = json!({
            "dt": doctype, "label": "Storekeep Key", "fieldname": name, "fieldtype": "Data",
            "unique": 1, "no_copy": 1, "read_only": 1, "print_hide": 1,
            "description": "Names the receipt that this document stands for; never edit it.",
        });
        match self.client.post("Custom Field", &field).await {
            Answer::Data(_) => {
                Ok(finding(&subject, true, "made, documents are found by it".into()))
            }
            Answer::Refused(refusal) => {
                let detail = format!("make it by hand, of type Data and unique: {refusal}");
                Ok(finding(&subject, false, detail))
            }
            Answer::Paused { .. } => {
                let detail = "make it by hand, of type Data and unique, or let the user of the \
                              target create Custom Fields";
                Ok(finding(&subject, false, detail.to_owned()))
            }
            // Made or not, the next check sees it.
            answer => asked(answer, &subject).map(|_| finding(&subject, true, "made".into())),
        }
    }

    /// What the settings name, by its kind in ERPNext, each once.
    fn named(&self) -> BTreeSet<(&'static str, &str)> {
        let settings = &self.settings;
        let mut named = BTreeSet::from([
            ("Company", settings.company.as_str()),
            ("Customer", settings.customer.as_str()),
            ("Account", settings.rounding_account.as_str()),
        ]);
        for store in settings.stores.values() {
            named.insert(("Warehouse", &store.warehouse));
            named
                .extend(store.unsellable_warehouse.iter().map(|name| ("Warehouse", name.as_str())));
            named.extend(store.pos_profile.iter().map(|name| ("POS Profile", name.as_str())));
        }
        let transit = settings.transit_warehouse.iter();
        named.extend(transit.map(|name| ("Warehouse", name.as_str())));
        let accounts = settings.tax_accounts.values().chain(settings.stock_accounts.values());
        named.extend(accounts.map(|name| ("Account", name.as_str())));
        let bridging = &settings.bridging_items;
        let items = [
            &bridging.gift_card,
            &bridging.prepayment,
            &bridging.container_deposit,
            &bridging.fee,
            &bridging.tip,
            &bridging.donation,
            &bridging.service,
            &bridging.unmoved,
        ];
        named.extend(items.into_iter().flatten().map(|name| ("Item", name.as_str())));
        named
    }

    async fn stands(&self, doctype: &'static str, name: &str) -> Result<CheckFinding, Unanswered> {
        let shown = match self.client.read(doctype, name).await {
            Ok(shown) => shown,
            Err(Unanswered::Paused { reason, .. }) => return Ok(finding(doctype, false, reason)),
            Err(unanswered) => return Err(unanswered),
        };
        let Some(shown) = shown else {
            let detail = format!("`{name}` is not there: create it, or correct the settings");
            return Ok(finding(doctype, false, detail));
        };
        let company = shown.get("company").and_then(Value::as_str);
        if company.is_some_and(|company| company != self.settings.company) {
            let detail = format!("`{name}` belongs to another company");
            return Ok(finding(doctype, false, detail));
        }
        let is_on = |field: &str| shown[field].as_u64() == Some(1);
        if is_on("disabled") || is_on("is_group") {
            let detail = format!("`{name}` is disabled or a group: name one that can be posted to");
            return Ok(finding(doctype, false, detail));
        }
        if doctype == "Item" && is_on("is_stock_item") {
            let detail =
                format!("`{name}` bridges lines without stock, and ERPNext keeps its stock");
            return Ok(finding(doctype, false, detail));
        }
        Ok(finding(doctype, true, format!("`{name}` stands")))
    }

    /// The modes of payment that the settings name, and the one for cash.
    fn modes(&self) -> BTreeSet<&str> {
        let settings = &self.settings;
        let named = settings.modes_of_payment.values().map(String::as_str);
        let cash = settings.mode(TenderKind::Cash);
        named.chain(settings.goods_back.as_deref()).chain(cash).collect()
    }

    /// A mode of payment, which needs an account of the company.
    async fn mode_of_payment(&self, name: &str) -> Result<CheckFinding, Unanswered> {
        let found = self.stands("Mode of Payment", name).await?;
        if !found.well {
            return Ok(found);
        }
        let shown = self.client.read("Mode of Payment", name).await?.unwrap_or_default();
        let rows = shown["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let has_account = rows.iter().any(|row| {
            row["company"] == self.settings.company.as_str() && row["default_account"].is_string()
        });
        let detail = match has_account {
            true => format!("`{name}` stands"),
            false => format!("`{name}` has no default account of the company: set one"),
        };
        Ok(finding(&found.subject, has_account, detail))
    }
}

fn finding(subject: &str, well: bool, detail: String) -> CheckFinding {
    CheckFinding { subject: subject.to_owned(), well, detail }
}
