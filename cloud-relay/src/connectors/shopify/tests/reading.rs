//! Settings, items and answers are read as they are meant.

use std::time::Duration;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use protocol::event::Item;
use protocol::event::item::Gtin;

use crate::connectors::shopify::config::{ItemKey, Settings, ShopAddress};
use crate::connectors::shopify::map::item::{ItemName, quoted};

fn settings(text: &str) -> Result<Settings, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn settings_have_defaults_and_refuse_what_they_do_not_know() {
    let least = "shop = \"example.myshopify.com\"\nclient_id = \"id\"\n";
    let read = settings(least).unwrap();
    assert_eq!(read.api_version, "2026-10");
    assert_eq!((read.settle_seconds.get(), read.call_timeout_seconds.get()), (150, 30));
    assert_eq!(read.shop.origin(), "https://example.myshopify.com");
    let whole = format!(
        "{least}item_key = \"barcode\"\nunknown_items = \"skip\"\n[locations]\n0042 = \
         \"Berlin\"\n[gateways]\ngift_card = \"Card\"\n"
    );
    assert_eq!(settings(&whole).unwrap().item_key, ItemKey::Barcode);
    for wrong in ["locatons = {}", "settle_seconds = 0", "item_key = \"plu\""] {
        assert!(settings(&format!("{least}{wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn a_shop_is_reached_by_https_but_on_loopback() {
    let address = |text: &str| ShopAddress::try_from(text.to_owned());
    for good in ["http://127.0.0.1:8080", "http://[::1]:80", "shop.example.com"] {
        assert!(address(good).is_ok(), "{good}");
    }
    for bad in [
        "http://shop.example.com",
        "https://shop.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1:80/admin",
        "shop",
        "shop.example.com/admin",
        "a b.example.com",
        "",
    ] {
        assert!(address(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_secret_is_named_once_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let least = "shop = \"example.myshopify.com\"\nclient_id = \"id\"\n";
    let named = format!("{least}client_secret_file = {file:?}\n");
    let missing = settings(&named).unwrap().credentials().unwrap_err();
    assert_eq!(missing.key, "client_secret_file");
    std::io::Write::write_all(&mut std::fs::File::create(&file).unwrap(), b"s3cret\n").unwrap();
    let read = settings(&named).unwrap().credentials().unwrap();
    assert_eq!(read.client_secret.expose(), "s3cret");
    assert!(!format!("{read:?}").contains("s3cret"));
    for wrong in [least.to_owned(), format!("{named}client_secret_env = \"X\"\n")] {
        assert!(settings(&wrong).unwrap().credentials().is_err());
    }
}

#[test]
fn the_schema_tells_every_key_with_a_description() {
    let schema = schemars::schema_for!(Settings).to_value();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), 15);
    for (name, property) in properties {
        assert!(property["description"].is_string(), "{name}");
    }
}

fn item(sku: Option<&str>, gtin: Option<&str>) -> Item {
    let mut item = Item::try_from("x").unwrap();
    item.sku = sku.map(|sku| protocol::id::Sku::new(sku).unwrap());
    item.gtin = gtin.map(|gtin| Gtin::new(gtin).unwrap());
    item
}

#[test]
fn an_item_is_found_by_the_number_that_the_settings_name_else_by_the_other() {
    let both = item(Some("4711"), Some("4006381333931"));
    let sku = ItemName::Sku("4711".to_owned());
    let barcode = ItemName::Barcode("04006381333931".to_owned());
    assert_eq!(ItemName::of(&both, ItemKey::Sku), Some(sku.clone()));
    assert_eq!(ItemName::of(&both, ItemKey::Barcode), Some(barcode.clone()));
    let without = item(None, Some("4006381333931"));
    assert_eq!(ItemName::of(&without, ItemKey::Sku), Some(barcode.clone()));
    assert_eq!(ItemName::of(&item(Some("4711"), None), ItemKey::Barcode), Some(sku.clone()));
    assert!(sku.is(Some("4711"), None) && !sku.is(Some("4711-B"), None));
    assert!(barcode.is(None, Some("4006381333931")) && barcode.is(None, Some("04006381333931")));
    assert!(!barcode.is(None, Some("4006381333932")) && !barcode.is(Some("04006381333931"), None));
    assert_eq!(
        barcode.search(),
        "barcode:\"4006381333931\" OR barcode:\"04006381333931\"",
        "a GTIN is written with 13 digits or with 14"
    );
}

#[test]
fn what_is_searched_stays_within_its_quotation_marks() {
    assert_eq!(quoted(r#"a" OR sku:"b\"#), r#""a\" OR sku:\"b\\""#);
}

proptest! {
    #[test]
    fn shares_add_up_and_pieces_cost_what_they_should(
        total in 0_i64..1_000_000, count in 1_i32..5_000,
        weights in proptest::collection::vec(0_i64..10_000, 1..20),
    ) {
        use crate::connectors::shares::shares;
        use crate::connectors::shopify::map::pieces::pieces;
        let parts = pieces(total, count);
        prop_assert!(parts.len() <= 2);
        prop_assert_eq!(parts.iter().map(|part| part.total()).sum::<i64>(), total);
        prop_assert_eq!(parts.iter().map(|part| part.count).sum::<i32>(), count);
        let shared = shares(total, &weights);
        prop_assert_eq!(shared.iter().sum::<i64>(), total);
        if total <= weights.iter().sum() {
            prop_assert!(shared.iter().zip(&weights).all(|(share, weight)| share <= weight));
        }
    }
}

#[test]
fn a_wait_is_at_least_a_second() {
    use crate::connectors::shopify::client::answer::retry_after;
    assert_eq!(retry_after("2.0"), Some(Duration::from_secs(2)));
    assert_eq!(retry_after("0"), Some(Duration::from_secs(1)));
    assert_eq!(retry_after("soon"), None);
}

/// Shapes as recorded, or as the schema's documentation states them.
#[test]
fn an_answer_proves_what_it_says_and_no_more() {
    use crate::connectors::shopify::client::Answer;
    use crate::connectors::shopify::client::answer::classify;
    use serde_json::json;
    let outcome = |body| classify(&body).outcome;
    let error = |code: &str| json!([{ "message": "said", "extensions": { "code": code } }]);
    let done = json!({ "orderCreate": { "order": null } });
    assert_eq!(outcome(json!({ "data": done })), Answer::Data(done.clone()));
    for (errors, data) in [
        (error("INTERNAL_SERVER_ERROR"), json!(null)),
        (error("TIMEOUT"), json!(null)),
        // It ran, and something of its answer could not be made.
        (error("SOMETHING"), done),
    ] {
        let outcome = outcome(json!({ "errors": errors, "data": data }));
        assert!(matches!(outcome, Answer::Unknown(_)), "{outcome:?}");
    }
    for body in [json!({}), json!({ "data": null }), json!([]), json!("<html>")] {
        assert!(matches!(outcome(body), Answer::Unknown(_)));
    }
    let denied = outcome(json!({ "errors": error("ACCESS_DENIED"), "data": { "orders": null } }));
    assert!(matches!(denied, Answer::Paused { .. }), "{denied:?}");
    let refused = outcome(json!({ "errors": error("INVALID_FIELD_ARGUMENTS"),
        "data": { "inventoryAdjustQuantities": null } }));
    assert!(matches!(refused, Answer::Refused(_)), "{refused:?}");
    let throttled = classify(&json!({ "errors": error("THROTTLED"), "extensions": { "cost": {
        "requestedQueryCost": 120, "actualQueryCost": null, "throttleStatus": {
            "maximumAvailable": 2000.0, "currentlyAvailable": 20, "restoreRate": 50.0 } } } }));
    assert_eq!(throttled.outcome, Answer::Throttled(Duration::from_secs(2)));
    assert_eq!(throttled.budget.map(|budget| budget.available), Some(20));
    let untold = outcome(json!({ "errors": error("THROTTLED") }));
    assert_eq!(untold, Answer::Throttled(Duration::from_secs(1)));
}
