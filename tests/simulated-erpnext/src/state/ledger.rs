//! The general ledger: what was posted, and its reversal.
//!
//! Sources: erpnext/accounts/general_ledger.py. Entries are never removed: cancelling marks them
//! and writes the same with debit and credit exchanged. Decides nothing about accounts.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A line of the general ledger. Two decimal places, in the company's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlEntry {
    /// Its name.
    pub name: String,
    /// The day it counts for.
    pub posting_date: Date,
    /// The account.
    pub account: String,
    /// The debit.
    pub debit: Decimal,
    /// The credit.
    pub credit: Decimal,
    /// `Customer` on receivable accounts.
    pub party_type: Option<String>,
    /// The customer on receivable accounts.
    pub party: Option<String>,
    /// The invoice that the line is reckoned against.
    pub against_voucher: Option<String>,
    /// The doctype that posted it.
    pub voucher_type: String,
    /// The document that posted it.
    pub voucher_no: String,
    /// The company.
    pub company: String,
    /// What it is for.
    pub remarks: String,
    /// 1 on what was reversed and on the reversal.
    pub is_cancelled: u8,
}

/// A line that is about to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) account: String,
    pub(crate) debit: Decimal,
    pub(crate) credit: Decimal,
    /// The customer and the invoice, on the receivable account.
    pub(crate) party: Option<(String, String)>,
}

/// The general ledger.
#[derive(Debug, Default)]
pub(crate) struct GeneralLedger(Vec<GlEntry>);

impl GeneralLedger {
    pub(crate) fn entries(&self) -> &[GlEntry] {
        &self.0
    }

    pub(crate) fn rows(&self) -> Vec<serde_json::Value> {
        self.0.iter().map(listed).collect()
    }

    /// Posts a document's lines.
    pub(crate) fn post(
        &mut self,
        postings: Vec<Posting>,
        voucher_no: &str,
        company: &str,
        date: Date,
    ) {
        for posting in postings {
            let (party, against_voucher) = posting.party.unzip();
            self.0.push(GlEntry {
                name: self.next_name(),
                posting_date: date,
                account: posting.account,
                debit: posting.debit,
                credit: posting.credit,
                party_type: party.as_ref().map(|_| "Customer".to_owned()),
                party,
                against_voucher,
                voucher_type: "Sales Invoice".to_owned(),
                voucher_no: voucher_no.to_owned(),
                company: company.to_owned(),
                remarks: "No Remarks".to_owned(),
                is_cancelled: 0,
            });
        }
    }

    /// Reverses what a document posted.
    pub(crate) fn reverse(&mut self, voucher_no: &str) {
        let mut reversed = Vec::new();
        for entry in &mut self.0 {
            if entry.voucher_no == voucher_no && entry.is_cancelled == 0 {
                entry.is_cancelled = 1;
                reversed.push(entry.clone());
            }
        }
        for entry in reversed {
            let remarks = format!("On cancellation of {voucher_no}");
            let name = self.next_name();
            self.0.push(GlEntry {
                name,
                debit: entry.credit,
                credit: entry.debit,
                remarks,
                ..entry
            });
        }
    }

    fn next_name(&self) -> String {
        format!("ACC-GLE-{:08}", self.0.len() + 1)
    }
}

/// A line as a list shows it: amounts as numbers.
fn listed(entry: &GlEntry) -> serde_json::Value {
    let mut row = serde_json::json!(entry);
    row["debit"] = crate::money::number(entry.debit);
    row["credit"] = crate::money::number(entry.credit);
    row
}
