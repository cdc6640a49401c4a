//! Posting dates and closed periods.

use jiff::civil::date;
use serde_json::json;
use simulated_erpnext::{ClosedPeriod, Periods};

use crate::support::{INVOICE, Served, ready, sale};

fn year() -> Periods {
    let fiscal_years = vec![(date(2026, 1, 1), date(2026, 12, 31))];
    Periods { fiscal_years, ..Periods::default() }
}

fn close(served: &Served) {
    let november = ClosedPeriod {
        name: "November".into(),
        from: date(2026, 11, 1),
        to: date(2026, 11, 30),
        doctypes: vec!["Sales Invoice".into()],
    };
    served.site.set_periods(Periods { closed: vec![november], ..year() });
}

#[tokio::test]
async fn without_set_posting_time_the_date_is_moved_to_today_without_a_word() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["set_posting_time"] = json!(0);
    let draft = served.draft(invoice).await;
    assert_eq!(draft["posting_date"], "2026-11-23");
    assert_eq!(draft["posting_time"], "10:00:00.000000");
    served.site.advance(jiff::SignedDuration::from_hours(24));
    assert_eq!(served.submit(&draft).await.data()["posting_date"], "2026-11-24");
}

#[tokio::test]
async fn with_set_posting_time_the_date_is_kept() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    assert_eq!(sold["posting_date"], "2026-11-20");
    assert_eq!(served.site.books().general_ledger[0].posting_date, date(2026, 11, 20));
}

#[tokio::test]
async fn today_is_the_sites_own_day() {
    let mut setup = crate::support::setup();
    setup.time_zone = "Pacific/Auckland".into();
    let served = crate::support::open(setup).await;
    served.site.advance(jiff::SignedDuration::from_hours(2));
    let mut invoice = sale("k", 1);
    invoice["set_posting_time"] = json!(0);
    invoice["update_stock"] = json!(0);
    assert_eq!(served.draft(invoice).await["posting_date"], "2026-11-24");
}

#[tokio::test]
async fn a_date_outside_every_fiscal_year_is_refused() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["posting_date"] = json!("2025-12-31");
    let refused = served.post(INVOICE, invoice).await;
    assert_eq!(refused.refusal(), (417, "FiscalYearError"));
    assert!(refused.message().contains("31-12-2025 is not in any active Fiscal Year"));
}

#[tokio::test]
async fn a_closed_period_refuses_drafts_submissions_and_cancellations() {
    let served = ready().await;
    let sold = served.sell(sale("k-1", 1)).await;
    let draft = served.draft(sale("k-2", 1)).await;
    close(&served);
    let refused = served.post(INVOICE, sale("k-3", 1)).await;
    assert_eq!(refused.refusal(), (417, "ClosedAccountingPeriod"));
    assert_eq!(served.submit(&draft).await.refusal(), (417, "ClosedAccountingPeriod"));
    let name = sold["name"].as_str().unwrap();
    let refused = served.put(INVOICE, name, json!({ "docstatus": 2 })).await;
    assert_eq!(refused.refusal(), (417, "ClosedAccountingPeriod"));
    served.site.set_periods(year());
    served.submit(&draft).await.data();
}

#[tokio::test]
async fn frozen_books_accept_the_draft_and_refuse_its_submission_wholly() {
    let served = ready().await;
    let frozen_until = Some(date(2026, 11, 20));
    served.site.set_periods(Periods { frozen_until, ..year() });
    let draft = served.draft(sale("k", 1)).await;
    let refused = served.submit(&draft).await;
    assert_eq!(refused.refusal(), (417, "ValidationError"));
    let message = "You are not authorized to add or update entries before 20-11-2026";
    assert_eq!(refused.message(), message);
    assert_eq!(served.site.summary().stock["A-1 @ Hamburg - N"].normalize().to_string(), "20");
}

#[tokio::test]
async fn frozen_stock_refuses_what_moves_it() {
    let served = ready().await;
    let stock_frozen_until = Some(date(2026, 11, 20));
    served.site.set_periods(Periods { stock_frozen_until, ..year() });
    let draft = served.draft(sale("k", 1)).await;
    assert_eq!(served.submit(&draft).await.refusal(), (417, "StockFreezeError"));
}

#[tokio::test]
async fn a_due_date_is_not_before_the_posting_date() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["is_pos"] = json!(0);
    invoice["update_stock"] = json!(0);
    invoice["due_date"] = json!("2026-11-19");
    let refused = served.post(INVOICE, invoice).await;
    assert_eq!(refused.message(), "Due Date cannot be before Posting Date");
}
