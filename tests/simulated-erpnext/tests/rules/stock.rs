//! Stock entries, counts and the stock ledger.

use serde_json::{Value, json};

use crate::support::{COUNT, INVOICE, Seen, Served, open, ready, sale, setup};

fn level(served: &Served, place: &str) -> String {
    served.site.summary().stock[place].normalize().to_string()
}

fn row(item: &str, quantity: i64, from: Value, to: Value) -> Value {
    json!([{ "item_code": item, "qty": quantity, "s_warehouse": from, "t_warehouse": to }])
}

async fn count(served: &Served, date: &str, quantity: i64) -> Seen {
    let draft = served.post(COUNT, counted(date, quantity)).await;
    if !draft.status.is_success() {
        return draft;
    }
    let name = draft.body["data"]["name"].as_str().unwrap();
    served.put(COUNT, name, json!({ "docstatus": 1 })).await
}

fn counted(date: &str, quantity: i64) -> Value {
    json!({
        "company": "North", "purpose": "Stock Reconciliation", "set_posting_time": 1,
        "posting_date": date, "posting_time": "20:00:00",
        "items": [{ "item_code": "A-1", "warehouse": "Hamburg - N", "qty": quantity }],
    })
}

#[tokio::test]
async fn receipts_issues_and_transfers_move_the_stock() {
    let served = ready().await;
    let (here, there) = (json!("Hamburg - N"), json!("Bremen - N"));
    let rows = row("A-1", 3, here.clone(), json!(null));
    served.stock_entry("Material Issue", "2026-02-01", rows).await.data();
    let rows = row("A-1", 5, here, there);
    let moved = served.stock_entry("Material Transfer", "2026-02-02", rows).await;
    assert_eq!(moved.data()["purpose"], "Material Transfer");
    assert_eq!(level(&served, "A-1 @ Hamburg - N"), "12");
    assert_eq!(level(&served, "A-1 @ Bremen - N"), "5");
    let bins = served.get("/api/resource/Bin?fields=[\"warehouse\",\"actual_qty\"]").await;
    assert_eq!(bins.data().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_entry_needs_its_warehouses_and_two_different_ones() {
    let served = ready().await;
    let rows = row("A-1", 1, json!(null), json!(null));
    let refused = served.stock_entry("Material Issue", "2026-02-01", rows).await;
    assert_eq!(refused.message(), "Source warehouse is mandatory for row 1");
    let rows = row("A-1", 1, json!("Hamburg - N"), json!("Hamburg - N"));
    let refused = served.stock_entry("Material Transfer", "2026-02-01", rows).await;
    assert_eq!(refused.message(), "Source and target warehouse cannot be same for row 1");
}

#[tokio::test]
async fn quantities_of_an_entry_are_positive_and_of_stocked_items() {
    let served = ready().await;
    let rows = row("A-1", -1, json!("Hamburg - N"), json!(null));
    let refused = served.stock_entry("Material Issue", "2026-02-01", rows).await;
    assert!(refused.message().ends_with("quantity must be positive number"));
    let rows = row("FEE", 1, json!("Hamburg - N"), json!(null));
    let refused = served.stock_entry("Material Issue", "2026-02-01", rows).await;
    assert_eq!(refused.message(), "FEE is not a stock Item");
}

#[tokio::test]
async fn stock_does_not_fall_below_zero_and_the_draft_stays() {
    let served = ready().await;
    let draft = served.draft(sale("k", 21)).await;
    let refused = served.submit(&draft).await;
    assert_eq!(refused.refusal(), (417, "NegativeStockError"));
    assert!(refused.message().contains("<strong>1</strong> units of Item A-1"));
    assert_eq!(served.read(INVOICE, draft["name"].as_str().unwrap()).await["docstatus"], 0);
    assert_eq!(level(&served, "A-1 @ Hamburg - N"), "20");
    assert!(served.site.books().general_ledger.is_empty());
}

#[tokio::test]
async fn it_may_fall_below_zero_by_a_setting_or_by_the_item() {
    for by_setting in [true, false] {
        let mut setup = setup();
        setup.settings.allow_negative_stock = by_setting;
        setup.items[0].negative = !by_setting;
        let served = open(setup).await;
        served.sell(sale("k", 2)).await;
        assert_eq!(level(&served, "A-1 @ Hamburg - N"), "-2");
    }
}

#[tokio::test]
async fn a_backdated_entry_is_refused_if_it_makes_a_later_one_fall_short() {
    let served = ready().await;
    served.sell(sale("k-1", 15)).await;
    let rows = row("A-1", 10, json!("Hamburg - N"), json!(null));
    let refused = served.stock_entry("Material Issue", "2026-11-01", rows).await;
    assert_eq!(refused.refusal(), (417, "NegativeStockError"));
    assert!(refused.message().contains("for Sales Invoice ACC-SINV-2026-00001"));
    let rows = row("A-1", 5, json!("Hamburg - N"), json!(null));
    served.stock_entry("Material Issue", "2026-11-01", rows).await.data();
    assert_eq!(served.site.summary().reposts, 1);
    assert_eq!(level(&served, "A-1 @ Hamburg - N"), "0");
}

#[tokio::test]
async fn a_receipt_cannot_be_cancelled_when_its_stock_was_sold() {
    let served = ready().await;
    served.sell(sale("k", 1)).await;
    let arguments = json!({ "doctype": "Stock Entry", "name": "MAT-STE-2026-00001" });
    let refused = served.post("/api/method/frappe.client.cancel", arguments).await;
    assert_eq!(refused.refusal(), (417, "NegativeStockError"));
    assert_eq!(level(&served, "A-1 @ Hamburg - N"), "19");
    assert_eq!(level(&served, "B-2 @ Hamburg - N"), "20");
}

#[tokio::test]
async fn a_count_sets_the_stock_and_what_is_backdated_before_it_changes_nothing_after() {
    let served = ready().await;
    let done = count(&served, "2026-06-01", 17).await;
    assert_eq!(done.data()["items"][0]["current_qty"], 20.0);
    assert_eq!(done.data()["items"][0]["quantity_difference"], "-3");
    let rows = row("A-1", 5, json!("Hamburg - N"), json!(null));
    served.stock_entry("Material Issue", "2026-05-01", rows).await.data();
    assert_eq!(level(&served, "A-1 @ Hamburg - N"), "17");
}

#[tokio::test]
async fn a_count_that_changes_nothing_is_refused_even_at_its_submission() {
    let served = ready().await;
    let refused = served.post(COUNT, counted("2026-06-01", 20)).await;
    assert_eq!(refused.refusal(), (417, "EmptyStockReconciliationItemsError"));
    let draft = served.post(COUNT, counted("2026-06-01", 17)).await;
    let rows = row("A-1", 3, json!("Hamburg - N"), json!(null));
    served.stock_entry("Material Issue", "2026-05-01", rows).await.data();
    let name = draft.data()["name"].as_str().unwrap();
    let refused = served.put(COUNT, name, json!({ "docstatus": 1 })).await;
    assert_eq!(refused.refusal(), (417, "EmptyStockReconciliationItemsError"));
}

#[tokio::test]
async fn a_count_has_no_negative_and_no_doubled_rows() {
    let served = ready().await;
    let refused = served.post(COUNT, counted("2026-06-01", -1)).await;
    assert_eq!(refused.message(), "Row # 1: Negative Quantity is not allowed");
    let mut doubled = counted("2026-06-01", 5);
    let same = doubled["items"][0].clone();
    doubled["items"].as_array_mut().unwrap().push(same);
    let refused = served.post(COUNT, doubled).await;
    assert_eq!(refused.message(), "Row # 2: Duplicate entry");
}

#[tokio::test]
async fn an_item_that_is_not_stocked_moves_nothing() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["items"][0]["item_code"] = json!("FEE");
    served.sell(invoice).await;
    let ledger = served.site.books().stock_ledger;
    assert!(ledger.iter().all(|entry| entry.voucher_type == "Stock Entry"));
}
