//! Operation texts and variables, held to the real schema.

use serde_json::{Value, json};

use crate::support::{ADJUST, ORDER_CREATE, SET, open, setup};

async fn first_error(query: &str, variables: Value) -> (Value, Value) {
    let served = open(setup()).await;
    let refused = served.post(query, variables).await;
    assert_eq!(refused.status, 200);
    assert!(served.shop.books().orders.is_empty());
    (refused.body["errors"][0].clone(), refused.body)
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_its_path() {
    let query = "mutation M($input: RefundInput!) {\n  refundCreate(input: $input) {\n    userErrors { code }\n  }\n}";
    let (error, body) = first_error(query, json!({})).await;
    assert_eq!(
        error,
        json!({
            "message": "Field 'code' doesn't exist on type 'UserError'",
            "locations": [{ "line": 3, "column": 18 }],
            "path": ["mutation M", "refundCreate", "userErrors", "code"],
            "extensions": {
                "code": "undefinedField", "typeName": "UserError", "fieldName": "code",
            },
        })
    );
    assert_eq!(body.get("data"), None);
}

#[tokio::test]
async fn a_missing_argument_is_refused() {
    let (error, _) =
        first_error("mutation M {\n    orderCreate { order { id } }\n}", json!({})).await;
    assert_eq!(
        error,
        json!({
            "message": "Field 'orderCreate' is missing required arguments: order",
            "locations": [{ "line": 2, "column": 5 }],
            "path": ["mutation M", "orderCreate"],
            "extensions": {
                "code": "missingRequiredArguments",
                "className": "Field",
                "name": "orderCreate",
                "arguments": "order",
            },
        })
    );
}

#[tokio::test]
async fn a_null_for_a_required_argument_is_refused() {
    let query = "mutation M { orderCreate(order: null) { order { id } } }";
    let (error, _) = first_error(query, json!({})).await;
    assert_eq!(
        error["message"],
        "Argument 'order' on Field 'orderCreate' has an invalid value (null). Expected type 'OrderCreateOrderInput!'."
    );
    assert_eq!(error["path"], json!(["mutation M", "orderCreate", "order"]));
}

#[tokio::test]
async fn an_unknown_argument_and_an_unknown_directive_are_refused() {
    let (error, _) = first_error("query Q { shop(first: 1) { id } }", json!({})).await;
    assert_eq!(error["extensions"]["code"], "argumentNotAccepted");
    let (error, _) = first_error("query Q { shop @once { id } }", json!({})).await;
    assert_eq!(error["message"], "Directive @once is not defined");
}

#[tokio::test]
async fn an_unused_variable_and_a_broken_text_are_refused() {
    let (error, _) = first_error("query Q($id: ID) { shop { id } }", json!({})).await;
    assert_eq!(error["extensions"]["code"], "variableNotUsed");
    let (error, body) = first_error("query Q {", json!({})).await;
    assert!(error["message"].is_string());
    assert_eq!(body.get("data"), None);
}

#[tokio::test]
async fn a_missing_variable_is_an_invalid_variable() {
    let query = "mutation OrderCreateMissingOrder($order: OrderCreateOrderInput!) { orderCreate(order: $order) { order { id } } }";
    let (error, body) = first_error(query, json!({})).await;
    assert_eq!(
        error,
        json!({
            "message": "Variable $order of type OrderCreateOrderInput! was provided invalid value",
            "locations": [{ "line": 1, "column": 34 }],
            "extensions": {
                "code": "INVALID_VARIABLE",
                "value": null,
                "problems": [{ "path": [], "explanation": "Expected value to not be null" }],
            },
        })
    );
    assert_eq!(body.get("data"), None);
}

#[tokio::test]
async fn an_unknown_field_of_a_variable_is_an_invalid_variable() {
    let input = json!({ "name": "available", "reason": "correction", "ignoreCompareQuantity": true, "quantities": [] });
    let (error, _) = first_error(SET, json!({ "input": input, "key": "k" })).await;
    assert_eq!(
        error["message"],
        "Variable $input of type InventorySetQuantitiesInput! was provided invalid value for ignoreCompareQuantity (Field is not defined on InventorySetQuantitiesInput)"
    );
    assert_eq!(error["extensions"]["code"], "INVALID_VARIABLE");
    assert_eq!(error["extensions"]["value"], input);
}

#[tokio::test]
async fn a_missing_field_deep_in_a_variable_is_named_by_its_path() {
    let served = open(setup()).await;
    let change =
        json!({ "locationId": served.location(0), "delta": 2, "changeFromQuantity": null });
    let input = json!({ "name": "available", "reason": "correction", "changes": [change] });
    let refused = served.post(ADJUST, json!({ "input": input, "key": "k" })).await;
    let error = &refused.body["errors"][0];
    assert_eq!(
        error["message"],
        "Variable $input of type InventoryAdjustQuantitiesInput! was provided invalid value for changes.0.inventoryItemId (Expected value to not be null)"
    );
    assert_eq!(
        error["extensions"]["problems"][0]["path"],
        json!(["changes", 0, "inventoryItemId"])
    );
}

#[tokio::test]
async fn a_wrong_enum_value_is_an_invalid_variable() {
    let served = open(setup()).await;
    let variables = json!({
        "order": served.sale("s-1", 1),
        "options": { "inventoryBehaviour": "MAYBE" },
    });
    let refused = served.post(ORDER_CREATE, variables).await;
    assert_eq!(
        refused.body["errors"][0]["extensions"]["problems"][0]["explanation"],
        "Expected \"MAYBE\" to be one of: BYPASS, DECREMENT_IGNORING_POLICY, DECREMENT_OBEYING_POLICY"
    );
}

#[tokio::test]
async fn an_input_of_which_one_field_is_wanted_takes_exactly_one() {
    let query = "query Q($identifier: OrderIdentifierInput!) { orderByIdentifier(identifier: $identifier) { id } }";
    let both = json!({
        "id": "gid://shopify/Order/1",
        "customId": { "namespace": "pos", "key": "sale", "value": "1" },
    });
    for identifier in [both, json!({})] {
        let (error, _) = first_error(query, json!({ "identifier": identifier })).await;
        assert_eq!(error["extensions"]["code"], "INVALID_VARIABLE");
    }
}

#[tokio::test]
async fn an_identifier_that_is_none_is_an_invalid_variable() {
    let query = "query Q($id: ID!) { order(id: $id) { id } }";
    let (error, _) = first_error(query, json!({ "id": "1001" })).await;
    assert_eq!(error["extensions"]["problems"][0]["explanation"], "Invalid global id '1001'");
}

#[tokio::test]
async fn an_array_of_more_than_250_refuses_the_whole_request() {
    let served = open(setup()).await;
    let changes: Vec<Value> = (0..251).map(|_| served.change(0, 1, json!(null))).collect();
    let input = json!({ "name": "available", "reason": "correction", "changes": changes });
    let refused = served.post(ADJUST, json!({ "input": input, "key": "k" })).await;
    let error = &refused.body["errors"][0];
    assert_eq!(error["extensions"]["code"], "MAX_INPUT_SIZE_EXCEEDED");
    assert_eq!(
        error["message"],
        "The input array size of 251 is greater than the maximum allowed of 250."
    );
    assert_eq!(error["path"], json!(["inventoryAdjustQuantities", "input", "changes"]));
    assert_eq!(refused.body.get("data"), None);
    assert_eq!(served.available(0), 10);
}

#[tokio::test]
async fn what_is_not_modelled_is_refused_and_never_made_up() {
    let served = open(setup()).await;
    let refused = served.post("query { shop { billingAddress { city } } }", json!({})).await;
    assert_eq!(refused.body["errors"][0]["extensions"]["code"], "NOT_SIMULATED");
    assert_eq!(refused.body["errors"][0]["message"], "Shop.billingAddress is not simulated.");
}

#[tokio::test]
async fn aliases_fragments_conditions_and_type_names_are_executed() {
    let served = open(setup()).await;
    let order = served.sell("s-1", 2).await;
    let query = "query Q($id: ID!, $no: Boolean!) { __typename here: node(id: $id) { __typename ...Sums ... on Product { status } } order(id: $id) { skipped: name @skip(if: true) name @include(if: $no) edges: lineItems(first: 1) { edges { cursor node { __typename quantity } } } } } fragment Sums on Order { number: name totalPriceSet { __typename shopMoney { amount } } }";
    let data = served.data(query, json!({ "id": order["id"], "no": false })).await;
    let cursor = data["order"]["edges"]["edges"][0]["cursor"].clone();
    assert!(cursor.is_string());
    assert_eq!(
        data,
        json!({
            "__typename": "QueryRoot",
            "here": {
                "__typename": "Order",
                "number": "#1001",
                "totalPriceSet": { "__typename": "MoneyBag", "shopMoney": { "amount": "20.0" } },
            },
            "order": { "edges": { "edges": [
                { "cursor": cursor, "node": { "__typename": "LineItem", "quantity": 2 } },
            ] } },
        })
    );
}
