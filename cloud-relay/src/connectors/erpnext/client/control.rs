//! What the site's own books hold of a store's day: sales invoices, credit notes among them.
//!
//! They are listed by their posting date and by what their remarks say of store and business date;
//! one that somebody gave another date is asked for by its name. Drafts and what was cancelled are
//! told as such: neither counts in a ledger. Compares nothing.

use protocol::money::{Currency, Money};
use serde_json::{Value, json};

use super::Page;
use super::documents::{CANCELLED, DRAFT, docstatus};
use crate::connectors::erpnext::Erpnext;
use crate::connectors::erpnext::map::amounts::minor;
use crate::connectors::{ControlAsk, ControlDocument, ControlPage, ControlQuery, Unanswered};

/// Rows of one page: each is some hundred bytes, and the site pays for each request.
const PAGE_ROWS: usize = 200;

const INVOICE: &str = "Sales Invoice";

impl Erpnext {
    /// One page, or one document.
    pub(in crate::connectors::erpnext) async fn control_page(
        &self,
        query: &ControlQuery,
    ) -> Result<ControlPage, Unanswered> {
        let key_field = self.settings.key_field.as_str();
        match &query.ask {
            ControlAsk::Page(after) => {
                let start = after.as_deref().and_then(|start| start.parse().ok()).unwrap_or(0);
                self.invoices(query, key_field, start).await
            }
            ControlAsk::One { reference, .. } => {
                let shown = self.client.read(INVOICE, &reference.id).await?;
                let shown = shown.map(|shown| document(&shown, key_field)).transpose()?;
                Ok(ControlPage { documents: shown.into_iter().collect(), ..ControlPage::default() })
            }
        }
    }

    async fn invoices(
        &self,
        query: &ControlQuery,
        key_field: &str,
        start: usize,
    ) -> Result<ControlPage, Unanswered> {
        let ControlQuery { store, business_date, .. } = query;
        let date = business_date.to_string();
        let remarks = format!("%, store {store}, {date} [%");
        let filters = json!([
            ["company", "=", self.settings.company],
            ["posting_date", "=", date],
            ["remarks", "like", remarks],
        ]);
        let fields =
            json!(["name", "docstatus", "grand_total", "rounded_total", "currency", key_field]);
        let page = Page { start, rows: PAGE_ROWS };
        let rows = self.client.list_page(INVOICE, &filters, &fields, Some(page)).await?;
        let next = (rows.len() == PAGE_ROWS).then(|| (start + PAGE_ROWS).to_string());
        let documents =
            rows.iter().map(|row| document(row, key_field)).collect::<Result<_, _>>()?;
        Ok(ControlPage { documents, next, note: None })
    }
}

/// An invoice adds, a credit note is negative there already.
fn document(shown: &Value, key_field: &str) -> Result<ControlDocument, Unanswered> {
    let text = |field: &str| shown[field].as_str().unwrap_or_default();
    let name = text("name");
    let unreadable = || {
        let reason = format!("ERPNext states no amount of {name} that can be read");
        Unanswered::Retry { after: None, reason }
    };
    let currency = Currency::new(text("currency")).map_err(|_| unreadable())?;
    let amount = |field: &str| minor(&shown[field], currency);
    let rounded = amount("rounded_total").filter(|total| *total != 0);
    let total = rounded.or_else(|| amount("grand_total")).ok_or_else(unreadable)?;
    Ok(ControlDocument {
        id: name.to_owned(),
        name: name.to_owned(),
        key: text(key_field).parse().ok(),
        amount: Money::new(total, currency),
        void: match docstatus(shown) {
            DRAFT => Some("only a draft"),
            CANCELLED => Some("cancelled"),
            _ => None,
        },
    })
}
