//! How refusals look, unknown masters, and what is not simulated.

use serde_json::{Value, json};

use crate::support::{ENTRY, INVOICE, ready, sale};

#[tokio::test]
async fn an_error_names_its_kind_and_carries_its_messages_as_json_in_json() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["customer"] = json!("Nobody");
    let seen = served.post(INVOICE, invoice).await;
    assert_eq!(seen.refusal(), (417, "LinkValidationError"));
    assert_eq!(
        seen.body["exception"],
        "frappe.exceptions.LinkValidationError: Could not find Customer: Nobody"
    );
    assert_eq!(seen.message(), "Could not find Customer: Nobody");
    let traceback: Vec<String> = serde_json::from_str(seen.body["exc"].as_str().unwrap()).unwrap();
    assert!(traceback[0].starts_with("Traceback"));
}

#[tokio::test]
async fn an_unknown_item_is_404_and_other_unknown_masters_are_417() {
    let served = ready().await;
    for (pointer, value, status, kind) in [
        ("/items/0/item_code", "NONE", 404, "DoesNotExistError"),
        ("/items/0/warehouse", "NONE", 417, "LinkValidationError"),
        ("/payments/0/mode_of_payment", "NONE", 417, "LinkValidationError"),
        ("/taxes/0/account_head", "NONE", 417, "LinkValidationError"),
        ("/company", "NONE", 417, "LinkValidationError"),
        ("/pos_profile", "NONE", 417, "LinkValidationError"),
    ] {
        let mut invoice = sale("k", 1);
        invoice["items"][0]["warehouse"] = json!("Hamburg - N");
        *invoice.pointer_mut(pointer).unwrap() = Value::from(value);
        assert_eq!(served.post(INVOICE, invoice).await.refusal(), (status, kind), "{pointer}");
    }
}

#[tokio::test]
async fn what_is_mandatory_is_named() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["taxes"][0]["description"] = json!(null);
    let refused = served.post(INVOICE, invoice).await;
    assert_eq!(refused.refusal(), (417, "MandatoryError"));
    assert!(refused.body["exception"].as_str().unwrap().ends_with("]: description"));
    let refused = served.post(ENTRY, json!({ "stock_entry_type": "Material Issue" })).await;
    assert_eq!(refused.refusal(), (417, "MandatoryError"));
}

#[tokio::test]
async fn a_name_that_is_taken_is_409() {
    let served = ready().await;
    let item = json!({ "item_code": "A-1", "item_group": "Products", "stock_uom": "Nos" });
    let refused = served.post("/api/resource/Item", item).await;
    assert_eq!(refused.refusal(), (409, "DuplicateEntryError"));
    let customer = json!({ "customer_name": "Walk-in" });
    let second = served.post("/api/resource/Customer", customer).await;
    assert_eq!(second.data()["name"], "Walk-in - 1");
}

#[tokio::test]
async fn a_disabled_item_is_refused() {
    let served = ready().await;
    served.put("/api/resource/Item", "A-1", json!({ "disabled": 1 })).await.data();
    let refused = served.post(INVOICE, sale("k", 1)).await;
    assert_eq!(refused.message(), "Item A-1 is disabled");
}

#[tokio::test]
async fn a_stock_item_needs_a_warehouse() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["pos_profile"] = json!(null);
    let refused = served.post(INVOICE, invoice).await;
    assert_eq!(refused.message(), "Warehouse required for stock Item A-1");
}

#[tokio::test]
async fn what_is_not_simulated_is_refused_as_such() {
    let served = ready().await;
    for path in [
        "/api/resource/POS%20Invoice",
        "/api/resource/Payment%20Entry",
        "/api/method/frappe.client.set_value",
    ] {
        assert_eq!(served.post(path, json!({})).await.refusal(), (501, "NotSimulated"), "{path}");
    }
    for (field, value) in
        [("discount_amount", json!(1)), ("currency", json!("USD")), ("loyalty_points", json!(3))]
    {
        let mut invoice = sale("k", 1);
        invoice[field] = value;
        let refused = served.post(INVOICE, invoice).await;
        assert_eq!(refused.refusal(), (501, "NotSimulated"), "{field}");
    }
    assert_eq!(served.invoices(), 0);
}

#[tokio::test]
async fn a_choice_is_among_the_choices() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["taxes"][0]["charge_type"] = json!("By Weight");
    let refused = served.post(INVOICE, invoice).await;
    assert_eq!(refused.refusal(), (417, "ValidationError"));
    assert!(refused.message().starts_with("Type cannot be \"By Weight\". It should be one of"));
}

#[tokio::test]
async fn a_cancelled_document_cannot_be_linked() {
    let served = ready().await;
    let sold = served.sell(sale("k", 1)).await;
    let name = sold["name"].as_str().unwrap();
    served.put(INVOICE, name, json!({ "docstatus": 2 })).await.data();
    let refused = served.post(INVOICE, crate::support::refund("r", &sold, 1)).await;
    assert_eq!(refused.refusal(), (417, "CancelledLinkError"));
}

#[tokio::test]
async fn a_date_or_time_that_is_none_is_refused() {
    let served = ready().await;
    let mut invoice = sale("k", 1);
    invoice["posting_date"] = json!("tomorrow");
    let refused = served.post(INVOICE, invoice).await;
    assert_eq!(refused.message(), "tomorrow is not a valid date string.");
    let mut invoice = sale("k", 1);
    invoice["posting_time"] = json!("noon");
    assert_eq!(served.post(INVOICE, invoice).await.message(), "Invalid Posting Time");
}

#[tokio::test]
async fn unknown_series_and_amendments_of_what_is_not_cancelled_are_not_simulated() {
    let served = ready().await;
    let sold = served.sell(sale("k-1", 1)).await;
    for (field, value) in
        [("naming_series", json!("X-.YYYY.-")), ("amended_from", sold["name"].clone())]
    {
        let mut invoice = sale("k-2", 1);
        invoice[field] = value;
        assert_eq!(served.post(INVOICE, invoice).await.refusal(), (501, "NotSimulated"));
    }
}
