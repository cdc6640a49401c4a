//! Drafts, submission, cancellation, amendment.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{ENTRY, INVOICE, ready, refund, sale};

#[tokio::test]
async fn a_document_is_a_draft_until_it_is_submitted() {
    let served = ready().await;
    let draft = served.draft(sale("k", 1)).await;
    assert_eq!((&draft["docstatus"], &draft["status"]), (&json!(0), &json!("Draft")));
    assert!(served.site.books().general_ledger.is_empty());
    let sold = served.submit(&draft).await;
    assert_eq!(sold.data()["status"], "Paid");
    assert_eq!(served.read(INVOICE, draft["name"].as_str().unwrap()).await["docstatus"], 1);
}

#[tokio::test]
async fn it_is_submitted_by_run_method_as_well() {
    let served = ready().await;
    let draft = served.draft(sale("k", 1)).await;
    let path = format!("{INVOICE}/{}?run_method=submit", draft["name"].as_str().unwrap());
    assert_eq!(served.post(&path, json!({})).await.data()["docstatus"], 1);
}

#[tokio::test]
async fn the_submit_method_takes_the_whole_latest_document() {
    let served = ready().await;
    let draft = served.draft(sale("k", 1)).await;
    let bare = json!({ "doc": { "doctype": "Sales Invoice", "name": draft["name"] } });
    let refused = served.post("/api/method/frappe.client.submit", bare).await;
    assert_eq!(refused.refusal(), (417, "TimestampMismatchError"));
    let whole = json!({ "doc": draft });
    let submitted = served.post("/api/method/frappe.client.submit", whole).await;
    assert_eq!(submitted.status, StatusCode::OK, "{}", submitted.body);
    assert_eq!(submitted.body["message"]["docstatus"], 1);
    assert_eq!(submitted.body["message"]["external_key"], "k");
}

#[tokio::test]
async fn created_and_submitted_in_one_call_it_gets_no_tenders() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["docstatus"] = json!(1);
    let sold = served.draft(invoice).await;
    assert_eq!((&sold["docstatus"], &sold["paid_amount"]), (&json!(1), &json!(0.0)));
    assert_eq!((&sold["outstanding_amount"], &sold["grand_total"]), (&json!(0.0), &json!(11.9)));
    let books = served.site.books();
    assert_eq!(books.balance("Cash - N").normalize().to_string(), "0");
    assert_eq!(books.balance("Debtors - N").normalize().to_string(), "11.9");
}

#[tokio::test]
async fn submitting_twice_succeeds_and_posts_once() {
    let served = ready().await;
    let draft = served.draft(sale("k", 1)).await;
    served.submit(&draft).await.data();
    served.submit(&draft).await.data();
    assert_eq!(served.site.books().balance("Cash - N").normalize().to_string(), "11.9");
}

#[tokio::test]
async fn a_stale_copy_is_refused() {
    let served = ready().await;
    let draft = served.draft(sale("k", 1)).await;
    let name = draft["name"].as_str().unwrap();
    served.site.advance(jiff::SignedDuration::from_secs(1));
    served.put(INVOICE, name, json!({ "remarks": "first" })).await.data();
    let stale = json!({ "remarks": "second", "modified": draft["modified"] });
    let refused = served.put(INVOICE, name, stale).await;
    assert_eq!(refused.refusal(), (417, "TimestampMismatchError"));
}

#[tokio::test]
async fn a_submitted_document_changes_only_where_it_may() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    let name = sold["name"].as_str().unwrap();
    let refused = served.put(INVOICE, name, json!({ "remarks": "late" })).await;
    assert_eq!(refused.refusal(), (417, "UpdateAfterSubmitError"));
    let allowed = served.put(INVOICE, name, json!({ "po_no": "P-1" })).await;
    assert_eq!(allowed.data()["po_no"], "P-1");
}

#[tokio::test]
async fn neither_draft_to_cancelled_nor_submitted_to_draft_is_a_way() {
    let served = ready().await;
    let draft = served.draft(sale("k", 1)).await;
    let name = draft["name"].as_str().unwrap();
    let refused = served.put(INVOICE, name, json!({ "docstatus": 2 })).await;
    assert_eq!(refused.refusal(), (417, "DocstatusTransitionError"));
    served.submit(&draft).await.data();
    let refused = served.put(INVOICE, name, json!({ "docstatus": 0 })).await;
    assert_eq!(refused.refusal(), (417, "DocstatusTransitionError"));
}

#[tokio::test]
async fn cancelling_reverses_the_ledger_and_the_stock() {
    let served = ready().await;
    let sold = served.sell(sale("k", 2)).await;
    let arguments = json!({ "doctype": "Sales Invoice", "name": sold["name"] });
    let cancelled = served.post("/api/method/frappe.client.cancel", arguments).await;
    assert_eq!(cancelled.body["message"]["status"], "Cancelled");
    let books = served.site.books();
    assert_eq!(books.balance("Cash - N").normalize().to_string(), "0");
    assert!(books.general_ledger.iter().all(|line| line.is_cancelled == 1));
    assert_eq!(served.site.summary().stock["A-1 @ Hamburg - N"].normalize().to_string(), "20");
    let name = sold["name"].as_str().unwrap();
    let edited = served.put(INVOICE, name, json!({ "po_no": "x" })).await;
    assert_eq!(edited.message(), "Cannot edit cancelled document");
}

#[tokio::test]
async fn what_a_return_refers_to_cannot_be_cancelled() {
    let served = ready().await;
    let sold = served.sell(sale("k", 2)).await;
    served.sell(refund("r", &sold, 1)).await;
    let name = sold["name"].as_str().unwrap();
    let refused = served.put(INVOICE, name, json!({ "docstatus": 2 })).await;
    assert_eq!(refused.refusal(), (417, "LinkExistsError"));
}

#[tokio::test]
async fn an_amendment_is_called_after_what_it_amends_and_keeps_its_date() {
    let served = ready().await;
    let sold = served.sell(sale("k-1", 1)).await;
    let name = sold["name"].as_str().unwrap();
    served.put(INVOICE, name, json!({ "docstatus": 2 })).await.data();
    let mut amended = sale("k-2", 1);
    amended["amended_from"] = json!(name);
    amended["set_posting_time"] = json!(0);
    let amended = served.sell(amended).await;
    assert_eq!(amended["name"], format!("{name}-1"));
    assert_eq!(amended["posting_date"], "2026-11-20");
}

#[tokio::test]
async fn a_submitted_document_cannot_be_deleted() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    let path = format!("{INVOICE}/{}", sold["name"].as_str().unwrap());
    let refused = served.request(reqwest::Method::DELETE, &path).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 417);
}

#[tokio::test]
async fn names_come_from_a_series_whatever_name_was_sent_and_a_refusal_takes_none() {
    let served = ready().await;
    let mut first = sale("k-1", 1);
    first["name"] = json!("MINE");
    assert_eq!(served.draft(first).await["name"], "ACC-SINV-2026-00001");
    assert_eq!(served.post(INVOICE, sale("k-1", 1)).await.status.as_u16(), 417);
    assert_eq!(served.draft(sale("k-2", 1)).await["name"], "ACC-SINV-2026-00002");
    assert_eq!(served.read(ENTRY, "MAT-STE-2026-00001").await["docstatus"], 1);
}

#[tokio::test]
async fn documents_are_inserted_read_and_deleted_by_methods_as_well() {
    let served = ready().await;
    let mut document = sale("k", 1);
    document["doctype"] = json!("Sales Invoice");
    let inserted =
        served.post("/api/method/frappe.client.insert", json!({ "doc": document })).await;
    let name = &inserted.body["message"]["name"];
    let arguments = json!({ "doctype": "Sales Invoice", "name": name });
    let read = served.post("/api/method/frappe.client.get", arguments.clone()).await;
    assert_eq!(read.body["message"]["external_key"], "k");
    let deleted = served.post("/api/method/frappe.client.delete", arguments).await;
    assert_eq!((deleted.status.as_u16(), &deleted.body), (200, &json!({})));
    assert_eq!(served.invoices(), 0);
}

#[tokio::test]
async fn the_name_of_a_deleted_draft_is_given_out_again_if_it_was_the_last() {
    let served = ready().await;
    let draft = served.draft(sale("k-1", 1)).await;
    let path = format!("{INVOICE}/{}", draft["name"].as_str().unwrap());
    let deleted = served.request(reqwest::Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.json::<serde_json::Value>().await.unwrap(), json!({ "data": "ok" }));
    assert_eq!(served.draft(sale("k-2", 1)).await["name"], draft["name"]);
}
