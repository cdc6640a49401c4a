//! Lists and their quirks.

use serde_json::{Value, json};

use crate::support::{INVOICE, Served, ready, sale};

async fn three() -> Served {
    let served = ready().await;
    for (key, quantity) in [("k-1", 1), ("k-2", 2), ("k-3", 3)] {
        served.site.advance(jiff::SignedDuration::from_secs(1));
        served.draft(sale(key, quantity)).await;
    }
    served
}

async fn list(served: &Served, query: &str) -> Vec<Value> {
    served.get(&format!("{INVOICE}?{query}")).await.data().as_array().unwrap().clone()
}

#[tokio::test]
async fn only_names_are_given_and_the_latest_change_comes_first() {
    let served = three().await;
    let rows = list(&served, "").await;
    assert_eq!(rows[0], json!({ "name": "ACC-SINV-2026-00003" }));
    let ascending = list(&served, "order_by=name%20asc").await;
    assert_eq!(ascending[0], json!({ "name": "ACC-SINV-2026-00001" }));
}

#[tokio::test]
async fn twenty_rows_are_given_unless_more_are_asked_for() {
    let served = ready().await;
    for number in 0..21 {
        served.draft(sale(&format!("k-{number}"), 1)).await;
    }
    assert_eq!(list(&served, "").await.len(), 20);
    assert_eq!(list(&served, "limit_page_length=0").await.len(), 21);
    assert_eq!(list(&served, "limit=5").await.len(), 5);
    assert_eq!(list(&served, "limit_start=20").await.len(), 1);
}

#[tokio::test]
async fn filters_are_lists_or_an_object_and_compare_without_case() {
    let served = three().await;
    for filters in [
        json!([["external_key", "=", "K-2"]]),
        json!([["Sales Invoice", "external_key", "in", ["k-2", "k-9"]]]),
        json!({ "external_key": "k-2" }),
        json!({ "external_key": ["like", "%-2"] }),
        json!({ "grand_total": [">", 20], "total_qty": ["<", 3] }),
        json!([["total_qty", "between", [2, 2]]]),
    ] {
        let rows = list(&served, &format!("filters={filters}")).await;
        assert_eq!(rows, [json!({ "name": "ACC-SINV-2026-00002" })], "{filters}");
    }
    let unset = list(&served, "filters=[[\"external_key\",\"is\",\"not set\"]]").await;
    assert!(unset.is_empty());
}

#[tokio::test]
async fn an_unknown_field_is_refused_and_an_unknown_filter_breaks_the_query() {
    let served = three().await;
    let fields = served.get(&format!("{INVOICE}?fields=[\"nonsense\"]")).await;
    assert_eq!(fields.refusal(), (417, "DataError"));
    let filters = served.get(&format!("{INVOICE}?filters={{\"nonsense\":1}}")).await;
    assert_eq!(filters.refusal(), (500, "OperationalError"));
}

#[tokio::test]
async fn counts_and_lists_are_methods_as_well() {
    let served = three().await;
    let arguments = json!({ "doctype": "Sales Invoice", "filters": { "docstatus": 0 } });
    let counted = served.post("/api/method/frappe.client.get_count", arguments.clone()).await;
    assert_eq!(counted.body, json!({ "message": 3 }));
    let listed = served.post("/api/method/frappe.client.get_list", arguments).await;
    assert_eq!(listed.body["message"].as_array().unwrap().len(), 3);
}
