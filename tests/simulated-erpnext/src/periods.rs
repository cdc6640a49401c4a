//! Which dates may be posted to: fiscal years, closed periods, frozen accounts and frozen stock.
//!
//! ERPNext refuses where others post to another day: an answer of success means that the date was
//! kept, unless nobody asked for it (see `posting` below).

use jiff::civil::{Date, DateTime};

use crate::document::{Document, checked, set_text, text};
use crate::refusal::Refusal;
use crate::setup::Periods;
use crate::time;

/// Sets the posting date and time where the client did not insist on its own.
///
/// Without `set_posting_time` whatever date was sent is replaced by now, without a word, and again
/// at every save of the draft, its submission included (erpnext/utilities/transaction_base.py,
/// `validate_posting_time`). An amendment keeps its date
/// (erpnext/accounts/doctype/sales_invoice/sales_invoice.py, `validate_auto_set_posting_time`).
pub(crate) fn posting(
    document: &mut Document,
    now: DateTime,
    is_new: bool,
) -> Result<DateTime, Refusal> {
    if is_new && !text(document, "amended_from").is_empty() {
        document.insert("set_posting_time".to_owned(), 1.into());
    }
    if !checked(document, "set_posting_time") {
        set_text(document, "posting_date", &now.date().to_string());
        set_text(document, "posting_time", &time::clock(now));
        return Ok(now);
    }
    if text(document, "posting_date").is_empty() {
        set_text(document, "posting_date", &now.date().to_string());
    }
    if text(document, "posting_time").is_empty() {
        set_text(document, "posting_time", &time::clock(now));
    }
    moment(document)
}

/// When a document counts.
pub(crate) fn moment(document: &Document) -> Result<DateTime, Refusal> {
    let day = text(document, "posting_date");
    let date = time::date(day)
        .ok_or_else(|| Refusal::validation(format!("{day} is not a valid date string.")))?;
    let time = time::time(text(document, "posting_time"))
        .ok_or_else(|| Refusal::validation("Invalid Posting Time"))?;
    Ok(DateTime::from_parts(date, time))
}

impl Periods {
    /// What every save checks: the fiscal year (erpnext/accounts/utils.py, `get_fiscal_years`) and
    /// closed periods (erpnext/accounts/doctype/accounting_period/accounting_period.py,
    /// `validate_accounting_period_on_doc_save`). So a draft is refused as well.
    pub(crate) fn check_saving(
        &self,
        doctype: &str,
        date: Date,
        company: &str,
    ) -> Result<(), Refusal> {
        if !self.fiscal_years.iter().any(|(first, last)| (*first..=*last).contains(&date)) {
            let day = time::in_words(date);
            return Err(Refusal::thrown(
                417,
                "erpnext.accounts.utils",
                "FiscalYearError",
                format!(
                    "Posting Date {day} is not in any active Fiscal Year for <strong>{company}</strong>"
                ),
            ));
        }
        match self.closing(doctype, date) {
            Some(name) => Err(closed(format!(
                "You cannot create a {doctype} within the closed Accounting Period <strong>{name}</strong>"
            ))),
            None => Ok(()),
        }
    }

    /// What posting to the general ledger checks (erpnext/accounts/general_ledger.py,
    /// `validate_accounting_period` and `check_freezing_date`).
    pub(crate) fn check_ledger(&self, doctype: &str, date: Date) -> Result<(), Refusal> {
        if let Some(name) = self.closing(doctype, date) {
            return Err(closed(format!(
                "You cannot create or cancel any accounting entries with in the closed Accounting Period <strong>{name}</strong>"
            )));
        }
        match self.frozen_until {
            Some(until) if date <= until => Err(Refusal::validation(format!(
                "You are not authorized to add or update entries before {}",
                time::in_words(until)
            ))),
            _ => Ok(()),
        }
    }

    /// What moving stock checks (erpnext/stock/doctype/stock_ledger_entry/stock_ledger_entry.py,
    /// `check_stock_frozen_date`).
    pub(crate) fn check_stock(&self, date: Date) -> Result<(), Refusal> {
        match self.stock_frozen_until {
            Some(until) if date <= until => Err(Refusal::thrown(
                417,
                "erpnext.stock.doctype.stock_ledger_entry.stock_ledger_entry",
                "StockFreezeError",
                format!("Stock transactions before {} are frozen", time::in_words(until)),
            )),
            _ => Ok(()),
        }
    }

    fn closing(&self, doctype: &str, date: Date) -> Option<&str> {
        let period = self.closed.iter().find(|period| {
            (period.from..=period.to).contains(&date)
                && period.doctypes.iter().any(|closed| closed == doctype)
        })?;
        Some(&period.name)
    }
}

fn closed(message: String) -> Refusal {
    Refusal::thrown(417, "erpnext.accounts.general_ledger", "ClosedAccountingPeriod", message)
}
