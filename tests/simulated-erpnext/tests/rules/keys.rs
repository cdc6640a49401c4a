//! A unique custom field as the key of a posting.

use serde_json::json;

use crate::support::{FIELD, INVOICE, open, ready, sale, setup};

#[tokio::test]
async fn a_second_document_with_the_same_key_is_refused_and_the_label_named() {
    let served = ready().await;
    served.sell(sale("S1-2-187", 1)).await;
    let again = served.post(INVOICE, sale("S1-2-187", 1)).await;
    assert_eq!(again.refusal(), (417, "UniqueValidationError"));
    assert_eq!(again.message(), "External Key must be unique");
    assert_eq!(served.invoices(), 1);
}

#[tokio::test]
async fn of_several_at_once_one_wins() {
    let served = ready().await;
    let post = || served.post(INVOICE, sale("S1-2-187", 1));
    let (a, b, c, d, e, f) = tokio::join!(post(), post(), post(), post(), post(), post());
    let mut won = 0;
    for seen in [a, b, c, d, e, f] {
        won += u32::from(seen.status.is_success());
    }
    assert_eq!((won, served.invoices()), (1, 1));
}

#[tokio::test]
async fn a_draft_holds_its_key_and_can_be_found_by_it_and_resumed() {
    let served = ready().await;
    let draft = served.draft(sale("S1-2-187", 1)).await;
    assert_eq!(served.post(INVOICE, sale("S1-2-187", 1)).await.status.as_u16(), 417);
    let filters = json!([["external_key", "=", "S1-2-187"]]).to_string();
    let fields = json!(["name", "docstatus"]).to_string();
    let found = served.get(&format!("{INVOICE}?filters={filters}&fields={fields}")).await;
    assert_eq!(found.data(), &json!([{ "name": draft["name"], "docstatus": 0 }]));
    assert_eq!(served.submit(&draft).await.data()["docstatus"], 1);
}

#[tokio::test]
async fn keys_that_differ_only_in_case_or_in_blanks_at_the_end_are_the_same() {
    let served = ready().await;
    served.sell(sale("s1-A", 1)).await;
    assert_eq!(served.post(INVOICE, sale("S1-a ", 1)).await.status.as_u16(), 417);
}

#[tokio::test]
async fn a_cancelled_document_keeps_its_key_and_a_deleted_draft_gives_it_up() {
    let served = ready().await;
    let sold = served.sell(sale("k-1", 1)).await;
    let name = sold["name"].as_str().unwrap();
    served.put(INVOICE, name, json!({ "docstatus": 2 })).await.data();
    assert_eq!(served.post(INVOICE, sale("k-1", 1)).await.status.as_u16(), 417);
    let draft = served.draft(sale("k-2", 1)).await;
    let path = format!("{INVOICE}/{}", draft["name"].as_str().unwrap());
    let deleted = served.request(reqwest::Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status().as_u16(), 202);
    served.draft(sale("k-2", 1)).await;
}

#[tokio::test]
async fn without_the_custom_field_the_key_is_dropped_without_a_word() {
    let served = open(setup()).await;
    let mut invoice = sale("k-1", 1);
    invoice["update_stock"] = json!(0);
    for _ in 0..2 {
        assert_eq!(served.draft(invoice.clone()).await.get("external_key"), None);
    }
    assert_eq!(served.invoices(), 2);
}

#[tokio::test]
async fn blank_keys_meet_no_other_blank() {
    let served = ready().await;
    served.draft(sale("", 1)).await;
    served.draft(sale("", 1)).await;
    assert_eq!(served.invoices(), 2);
}

#[tokio::test]
async fn a_field_is_created_once_and_named_after_its_label_without_a_name() {
    let served = open(setup()).await;
    let field = json!({ "dt": "Stock Entry", "label": "Till Key", "fieldtype": "Data" });
    let created = served.post(FIELD, field.clone()).await;
    assert_eq!(created.data()["name"], "Stock Entry-custom_till_key");
    let again = served.post(FIELD, field).await;
    assert_eq!(again.refusal(), (417, "ValidationError"));
    assert!(again.message().starts_with("A field with the name"));
}

#[tokio::test]
async fn a_key_of_more_than_140_characters_is_refused() {
    let served = ready().await;
    let long = served.post(INVOICE, sale(&"k".repeat(141), 1)).await;
    assert_eq!(long.refusal(), (417, "CharacterLengthExceededError"));
}
