//! The page's files, and the figures as text.
//!
//! The page is compiled in: nothing is fetched from anywhere.

use crate::outage::Outcome;

pub(super) const HTML: &str = include_str!("page/index.html");
pub(super) const CSS: &str = include_str!("page/page.css");
pub(super) const SCRIPT: &str = include_str!("page/page.js");

/// The figures of a story, a line each.
pub(super) fn figures(outcome: &Outcome) -> String {
    let mut lines = vec![
        format!(
            "captured    {:>6}  ({} sales, {} returns)",
            outcome.captured, outcome.sales, outcome.returns
        ),
        format!("relayed     {:>6}", outcome.relayed),
        format!("in Shopify  {:>6}  orders and refunds", outcome.shopify),
    ];
    if let Some(erp) = &outcome.erp {
        lines.push(format!("in ERPNext  {:>6}  invoices and credit notes", erp.erp));
        lines.push(format!("ledger wrong{:>6}  accounts", erp.ledger_differences));
    }
    lines.extend([
        format!("lost        {:>6}", outcome.lost),
        format!("duplicated  {:>6}", outcome.duplicated),
        format!("stock wrong {:>6}  items", outcome.stock_differences),
        format!("undelivered {:>6}", outcome.undelivered),
        format!("exceptions  {:>6}", outcome.exceptions),
        format!(
            "The line was down for {} of {} s; {} programs were killed, {} answers lost after the \
             commit, {} calls throttled; it caught up in {} s.",
            outcome.outage_seconds,
            outcome.run_seconds,
            outcome.killed,
            outcome.answers_lost + outcome.erp.as_ref().map_or(0, |erp| erp.erp_answers_lost),
            outcome.throttled + outcome.erp.as_ref().map_or(0, |erp| erp.erp_throttled),
            outcome.drain_seconds
        ),
    ]);
    lines.join("\n")
}
