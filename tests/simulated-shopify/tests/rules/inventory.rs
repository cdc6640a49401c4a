//! `inventoryAdjustQuantities` and `inventorySetQuantities`.

use serde_json::{Value, json};

use crate::support::{ADJUST, SET, Served, open, setup};

fn count(served: &Served, at: usize, quantity: i64, from: Value) -> Value {
    json!({
        "inventoryItemId": served.item(at),
        "locationId": served.location(0),
        "quantity": quantity,
        "changeFromQuantity": from,
    })
}

async fn set(served: &Served, name: &str, quantities: Value, key: &str) -> Value {
    let input = json!({ "name": name, "reason": "correction", "quantities": quantities });
    let data = served.data(SET, json!({ "input": input, "key": key })).await;
    data["inventorySetQuantities"].clone()
}

async fn adjust(served: &Served, input: Value, key: &str) -> Value {
    let data = served.data(ADJUST, json!({ "input": input, "key": key })).await;
    data["inventoryAdjustQuantities"].clone()
}

#[tokio::test]
async fn an_adjustment_moves_what_is_available_and_what_is_on_hand() {
    let served = open(setup()).await;
    let uri = "gid://pos-app/Transaction/TXN-98765";
    let input = json!({
        "name": "available", "reason": "correction", "referenceDocumentUri": uri,
        "changes": [served.change(0, -2, json!(10))],
    });
    let payload = adjust(&served, input, "k").await;
    let group = &payload["inventoryAdjustmentGroup"];
    assert_eq!(group["referenceDocumentUri"], uri);
    let change = |name: &str| {
        json!({
            "name": name, "delta": -2, "quantityAfterChange": null,
            "item": { "id": served.item(0) },
            "location": { "id": served.location(0), "name": "Hamburg" },
        })
    };
    assert_eq!(group["changes"], json!([change("available"), change("on_hand")]));
    assert_eq!(served.available(0), 8);
    let books = served.shop.books();
    assert_eq!(books.adjustments[0].idempotency_key, "k");
    assert_eq!(books.adjustments[0].reference_document_uri.as_deref(), Some(uri));
}

#[tokio::test]
async fn the_expected_quantity_must_be_present_but_may_be_null() {
    let served = open(setup()).await;
    let mut change = served.change(0, 1, json!(null));
    change.as_object_mut().unwrap().remove("changeFromQuantity");
    let input = json!({ "name": "available", "reason": "correction", "changes": [change] });
    let refused = served.post(ADJUST, json!({ "input": input, "key": "k" })).await;
    assert_eq!(refused.status, 200);
    assert_eq!(refused.body["data"], json!({ "inventoryAdjustQuantities": null }));
    let error = &refused.body["errors"][0];
    assert_eq!(
        error["message"],
        "InventoryChangeInput must include the following argument: changeFromQuantity."
    );
    assert_eq!(error["extensions"], json!({ "code": "INVALID_FIELD_ARGUMENTS" }));
    assert_eq!(error["path"], json!(["inventoryAdjustQuantities"]));

    let mut quantity = count(&served, 0, 5, json!(null));
    quantity.as_object_mut().unwrap().remove("changeFromQuantity");
    let input = json!({ "name": "available", "reason": "correction", "quantities": [quantity] });
    let refused = served.post(SET, json!({ "input": input, "key": "k" })).await;
    assert_eq!(
        refused.body["errors"][0]["message"],
        "InventoryQuantityInput must include the following argument: changeFromQuantity."
    );
    served.adjust(json!([served.change(0, 1, json!(null))]), "k").await;
    assert_eq!(served.available(0), 11, "null skips the comparison, and the key is still free");
}

#[tokio::test]
async fn a_stale_expectation_refuses_the_whole_call() {
    let served = open(setup()).await;
    let changes = json!([served.change(0, 1, json!(10)), served.change(1, 1, json!(4))]);
    let payload = served.adjust(changes, "k").await;
    assert_eq!(payload["inventoryAdjustmentGroup"], json!(null));
    let error = &payload["userErrors"][0];
    assert_eq!(error["code"], "CHANGE_FROM_QUANTITY_STALE");
    assert_eq!(error["field"], json!(["input", "changes", "1", "changeFromQuantity"]));
    assert_eq!((served.available(0), served.available(1)), (10, 5));

    let payload = set(&served, "available", json!([count(&served, 0, 3, json!(9))]), "s").await;
    assert_eq!(payload["userErrors"][0]["code"], "CHANGE_FROM_QUANTITY_STALE");
}

#[tokio::test]
async fn unknown_items_and_locations_are_both_named_and_nothing_is_applied() {
    let served = open(setup()).await;
    let unknown = json!({
        "inventoryItemId": "gid://shopify/InventoryItem/42",
        "locationId": "gid://shopify/Location/515151515151",
        "delta": 1,
        "changeFromQuantity": 0,
    });
    let payload = served.adjust(json!([served.change(0, 1, json!(null)), unknown]), "k").await;
    assert_eq!(
        payload["userErrors"],
        json!([
            {
                "field": ["input", "changes", "1", "inventoryItemId"],
                "message": "The specified inventory item could not be found.",
                "code": "INVALID_INVENTORY_ITEM",
            },
            {
                "field": ["input", "changes", "1", "locationId"],
                "message": "The specified location could not be found.",
                "code": "INVALID_LOCATION",
            },
        ])
    );
    assert_eq!(served.available(0), 10);
}

#[tokio::test]
async fn one_bundle_refuses_the_whole_call() {
    let mut setup = setup();
    setup.variants[1].bundle = true;
    let served = open(setup).await;
    let changes = json!([served.change(0, 1, json!(null)), served.change(1, 1, json!(null))]);
    let payload = served.adjust(changes, "k").await;
    assert_eq!(payload["userErrors"][0]["code"], "NON_MUTABLE_INVENTORY_ITEM");
    assert_eq!(served.available(0), 10);
}

#[tokio::test]
async fn there_is_no_reason_called_sale() {
    let served = open(setup()).await;
    let changes = json!([served.change(0, -1, json!(null))]);
    let input = json!({ "name": "available", "reason": "sale", "changes": changes });
    let payload = adjust(&served, input, "k").await;
    assert_eq!(
        payload["userErrors"],
        json!([{
            "field": ["input", "reason"],
            "message": "The specified reason is invalid. Valid values are: correction, cycle_count_available, damaged, movement_canceled, movement_created, movement_received, movement_updated, other, promotion, quality_control, received, reservation_created, reservation_deleted, reservation_updated, restock, safety_stock, shrinkage.",
            "code": "INVALID_REASON",
        }])
    );
}

#[tokio::test]
async fn only_six_quantities_are_adjusted_and_only_two_are_set() {
    let served = open(setup()).await;
    let changes = json!([served.change(0, 1, json!(null))]);
    let input = json!({ "name": "on_hand", "reason": "correction", "changes": changes });
    let payload = adjust(&served, input, "k").await;
    assert_eq!(
        payload["userErrors"][0]["message"],
        "The specified quantity name is invalid. Valid values are: available, damaged, incoming, quality_control, reserved, safety_stock."
    );
    let payload = set(&served, "damaged", json!([count(&served, 0, 5, json!(0))]), "s").await;
    assert_eq!(
        payload["userErrors"][0],
        json!({
            "field": ["input", "name"],
            "message": "The quantity name must be either 'available' or 'on_hand'.",
            "code": "INVALID_NAME",
        })
    );
}

#[tokio::test]
async fn quantities_but_available_need_a_document_of_the_ledger() {
    let served = open(setup()).await;
    let attempt = async |name: &str, uri: Value, key: &str| {
        let mut change = served.change(0, 2, json!(null));
        change["ledgerDocumentUri"] = uri;
        let input = json!({ "name": name, "reason": "damaged", "changes": [change] });
        adjust(&served, input, key).await
    };
    for (name, uri, code) in [
        ("damaged", json!(null), "INVALID_QUANTITY_DOCUMENT"),
        ("available", json!("https://example.com/1"), "INVALID_AVAILABLE_DOCUMENT"),
        ("damaged", json!("gid://shopify/Order/1"), "INTERNAL_LEDGER_DOCUMENT"),
    ] {
        let payload = attempt(name, uri, code).await;
        assert_eq!(payload["userErrors"][0]["code"], code);
    }
    let payload = attempt("damaged", json!("https://example.com/1"), "ok").await;
    let names = &payload["inventoryAdjustmentGroup"]["changes"];
    assert_eq!(
        (names[0]["name"].as_str(), names[1]["name"].as_str()),
        (Some("damaged"), Some("on_hand"))
    );
    let payload = attempt("incoming", json!("https://example.com/1"), "incoming").await;
    assert_eq!(payload["inventoryAdjustmentGroup"]["changes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_of_nothing_makes_no_group_and_no_error() {
    let served = open(setup()).await;
    let payload = served.adjust(json!([served.change(0, 0, json!(10))]), "k").await;
    let nothing = json!({ "inventoryAdjustmentGroup": null, "userErrors": [] });
    assert_eq!(payload, nothing);
    let payload = set(&served, "available", json!([count(&served, 0, 10, json!(10))]), "s").await;
    assert_eq!(payload, nothing);
    assert!(served.shop.books().adjustments.is_empty());

    let mixed = json!([served.change(0, 0, json!(10)), served.change(1, 3, json!(5))]);
    let payload = served.adjust(mixed, "m").await;
    let changes = payload["inventoryAdjustmentGroup"]["changes"].as_array().unwrap();
    assert!(changes.iter().all(|change| change["item"]["id"] == json!(served.item(1))));
}

#[tokio::test]
async fn a_reference_needs_a_scheme_and_a_content() {
    let served = open(setup()).await;
    for (uri, is_valid) in [
        ("sale 190", false),
        ("gid://pos-app/190", false),
        ("custom-scheme://190", true),
        ("https://example.com/190", true),
    ] {
        let input = json!({
            "name": "available", "reason": "correction", "referenceDocumentUri": uri,
            "changes": [served.change(0, 1, json!(null))],
        });
        let payload = adjust(&served, input, uri).await;
        let code = payload["userErrors"][0]["code"].as_str();
        assert_eq!(code, (!is_valid).then_some("INVALID_REFERENCE_DOCUMENT"), "{uri}");
    }
}

#[tokio::test]
async fn a_count_sets_what_is_available_or_what_is_on_hand() {
    let served = open(setup()).await;
    let payload = set(&served, "available", json!([count(&served, 0, 4, json!(10))]), "a").await;
    assert_eq!(
        payload["inventoryAdjustmentGroup"]["changes"],
        json!([{ "name": "available", "delta": -6 }, { "name": "on_hand", "delta": -6 }])
    );
    set(&served, "on_hand", json!([count(&served, 0, 7, json!(4))]), "b").await;
    assert_eq!(served.available(0), 7);
}

#[tokio::test]
async fn every_member_of_a_repeated_pair_is_refused() {
    let served = open(setup()).await;
    let twice = json!([count(&served, 0, 1, json!(null)), count(&served, 0, 2, json!(null))]);
    let payload = set(&served, "available", twice, "k").await;
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[1]["code"], "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR");
    assert_eq!(errors[1]["field"], json!(["input", "quantities", "1", "locationId"]));
}

#[tokio::test]
async fn counts_and_adjusted_quantities_have_bounds() {
    let served = open(setup()).await;
    for (name, quantity, code) in [
        ("available", 1_000_000_001, "INVALID_QUANTITY_TOO_HIGH"),
        ("available", -1_000_000_001, "INVALID_QUANTITY_TOO_LOW"),
        ("on_hand", -5, "INVALID_QUANTITY_NEGATIVE"),
    ] {
        let quantities = json!([count(&served, 0, quantity, json!(null))]);
        let payload = set(&served, name, quantities, code).await;
        assert_eq!(payload["userErrors"][0]["code"], code);
    }
    let below_zero = json!([count(&served, 0, -5, json!(null))]);
    let payload = set(&served, "available", below_zero, "k").await;
    assert_eq!(payload["userErrors"], json!([]), "what is available may be below zero");
    let payload = served.adjust(json!([served.change(0, 2_000_000_006, json!(null))]), "h").await;
    assert_eq!(payload["userErrors"][0]["code"], "INVALID_QUANTITY_TOO_HIGH");
}

#[tokio::test]
async fn stock_is_counted_where_there_never_was_any() {
    let mut setup = setup();
    setup.variants[2].available.clear();
    let served = open(setup).await;
    let read = "query L($item: ID!, $location: ID!) { inventoryItem(id: $item) { id tracked inventoryLevel(locationId: $location) { quantities(names: [\"available\", \"on_hand\"]) { name quantity updatedAt } } } }";
    let variables = json!({ "item": served.item(2), "location": served.location(0) });
    let before = served.data(read, variables.clone()).await;
    assert_eq!(before["inventoryItem"]["inventoryLevel"], json!(null));
    served.adjust(json!([served.change(2, 4, json!(0))]), "k").await;
    let after = served.data(read, variables).await;
    assert_eq!(
        after["inventoryItem"]["inventoryLevel"]["quantities"],
        json!([
            { "name": "available", "quantity": 4, "updatedAt": "2026-11-23T10:00:00Z" },
            { "name": "on_hand", "quantity": 4, "updatedAt": null },
        ])
    );
}

#[tokio::test]
async fn all_changes_of_a_call_name_the_same_document_of_the_ledger() {
    let served = open(setup()).await;
    let change = |at: usize, uri: &str| {
        let mut change = served.change(at, 1, json!(null));
        change["ledgerDocumentUri"] = json!(uri);
        change
    };
    let changes = json!([change(0, "https://example.com/1"), change(1, "https://example.com/2")]);
    let input = json!({ "name": "damaged", "reason": "damaged", "changes": changes });
    let payload = adjust(&served, input, "k").await;
    assert_eq!(payload["userErrors"][0]["code"], "MAX_ONE_LEDGER_DOCUMENT");
}

#[tokio::test]
async fn a_change_is_compared_with_what_earlier_changes_of_its_call_leave() {
    let served = open(setup()).await;
    let changes = json!([served.change(0, 2, json!(10)), served.change(0, 3, json!(12))]);
    let payload = served.adjust(changes, "k").await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(served.available(0), 15);
}

#[tokio::test]
async fn a_quantity_that_there_is_not_cannot_be_read() {
    let served = open(setup()).await;
    let read = "query L($item: ID!, $location: ID!) { inventoryItem(id: $item) { inventoryLevel(locationId: $location) { quantities(names: [\"sold\"]) { quantity } } } }";
    let variables = json!({ "item": served.item(0), "location": served.location(0) });
    let refused = served.post(read, variables).await;
    assert_eq!(refused.body["errors"][0]["extensions"]["code"], "INVALID_FIELD_ARGUMENTS");
    assert_eq!(refused.body["data"]["inventoryItem"], json!(null));
}
