//! Settings, moments and refusals are read as they are meant.

use std::time::Duration;

use proptest::prelude::{prop_assert, proptest};
use reqwest::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{LEAST, calls, document, event, plain};
use crate::connectors::ExceptionClass;
use crate::connectors::erpnext::client::answer::Refusal;
use crate::connectors::erpnext::client::{Answer, classify};
use crate::connectors::erpnext::config::{Settings, SiteAddress};
use crate::connectors::erpnext::map::amounts::decimal;

#[test]
fn settings_have_defaults_and_refuse_what_they_do_not_know() {
    let read = plain();
    assert_eq!((read.settle_seconds.get(), read.call_timeout_seconds.get()), (150, 30));
    assert_eq!((read.key_field.as_str(), read.quantity_places), ("storekeep_key", 3));
    for wrong in ["stoers = {}", "settle_seconds = 0", "stock_mover = \"pos\""] {
        let text = format!("site = \"https://a.b\"\napi_key = \"k\"\n{wrong}\n{LEAST}");
        assert!(toml::from_str::<Settings>(&text).is_err(), "{wrong}");
    }
}

#[test]
fn the_schema_tells_every_key_with_a_description() {
    let schema = schemars::schema_for!(Settings).to_value();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), 20);
    for (name, property) in properties {
        assert!(property["description"].is_string(), "{name}");
    }
}

#[test]
fn a_site_is_reached_by_https_but_on_loopback() {
    let address = |text: &str| SiteAddress::try_from(text.to_owned());
    for good in ["http://127.0.0.1:8080", "http://[::1]:80", "https://erp.example.com"] {
        assert!(address(good).is_ok(), "{good}");
    }
    for bad in [
        "http://erp.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "https://erp.example.com/app",
        "https://user:word@erp.example.com",
        "ftp://127.0.0.1",
        "erp.example.com",
        "",
    ] {
        assert!(address(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_secret_is_named_once_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let mut settings = plain();
    assert_eq!(settings.authorization().unwrap_err().key, "api_secret_file");
    settings.api_secret_file = Some(file.clone());
    assert_eq!(settings.authorization().unwrap_err().key, "api_secret_file");
    std::io::Write::write_all(&mut std::fs::File::create(&file).unwrap(), b"s3cret\n").unwrap();
    let header = settings.authorization().unwrap();
    assert_eq!(header.expose(), "token site-key:s3cret");
    assert!(!format!("{header:?}").contains("s3cret"));
    settings.api_secret_env = Some("X".to_owned());
    assert_eq!(settings.authorization().unwrap_err().key, "api_secret_env");
}

#[test]
fn a_sale_stands_on_its_trading_day_whatever_the_clock_says() {
    for (time, moment) in [
        ("2026-11-23T17:04:11+01:00", ("2026-11-23", "17:04:11")),
        ("2026-11-24T00:20:00+01:00", ("2026-11-23", "23:59:59")),
        ("2026-11-22T23:59:00+01:00", ("2026-11-23", "00:00:00")),
    ] {
        let mut event = event("sale_with_discount");
        event.time = time.parse().unwrap();
        let document = document(&calls(&event, &plain())[0], &plain());
        let body = &document.body;
        assert_eq!(
            (body["posting_date"].as_str(), body["posting_time"].as_str()),
            (Some(moment.0), Some(moment.1))
        );
    }
}

/// A refusal as Frappe writes it.
fn refusal(kind: &str, message: &str) -> Value {
    let shown = json!({ "message": message, "indicator": "red" }).to_string();
    json!({ "exc_type": kind, "exception": format!("frappe.exceptions.{kind}: {message}"),
        "_server_messages": json!([shown]).to_string() })
}

#[test]
fn a_refusal_has_the_class_of_its_exception_whatever_its_status() {
    for (kind, said, class) in [
        ("DoesNotExistError", "Item 4711 not found", ExceptionClass::UnknownItem),
        ("LinkValidationError", "Could not find Row #1: Item: 9", ExceptionClass::UnknownItem),
        (
            "LinkValidationError",
            "Could not find Row #1: Warehouse: X",
            ExceptionClass::UnknownLocation,
        ),
        (
            "LinkValidationError",
            "Could not find Return Against: S-1",
            ExceptionClass::MissingOriginal,
        ),
        ("ValidationError", "Invalid Return Against: S-1", ExceptionClass::MissingOriginal),
        (
            "ClosedAccountingPeriod",
            "within the closed Accounting Period",
            ExceptionClass::ClosedPeriod,
        ),
        ("FiscalYearError", "not in any active Fiscal Year", ExceptionClass::ClosedPeriod),
        ("StockFreezeError", "Stock transactions before 1-1", ExceptionClass::ClosedPeriod),
        (
            "ValidationError",
            "You are not authorized to add or update entries before <b>1-1</b>",
            ExceptionClass::ClosedPeriod,
        ),
        ("NegativeStockError", "1 unit of Item 4711 needed", ExceptionClass::NegativeStock),
        ("StockOverReturnError", "Cannot return more than 1", ExceptionClass::OverReturn),
        ("ValidationError", "Item 4711 is disabled", ExceptionClass::UnknownItem),
        ("MandatoryError", "Customer", ExceptionClass::Rejected),
    ] {
        let read = Refusal::read(&refusal(kind, said)).unwrap();
        assert_eq!(read.class(), class, "{read}");
        assert!(!read.to_string().contains('<'));
    }
}

#[test]
fn an_answer_proves_what_it_says_and_no_more() {
    let told = |status: u16, body: Option<&Value>| {
        classify(StatusCode::from_u16(status).unwrap(), None, body)
    };
    assert_eq!(told(200, Some(&json!({ "data": 1 }))), Answer::Data(json!(1)));
    for status in [200, 500, 502, 504, 408] {
        assert!(matches!(told(status, None), Answer::Unknown(_)), "{status}");
    }
    for status in [401, 403] {
        assert!(matches!(told(status, None), Answer::Paused { .. }), "{status}");
    }
    assert!(matches!(told(503, None), Answer::Retry { .. }));
    assert_eq!(told(429, None), Answer::Throttled(Duration::from_secs(30)));
    let stopped = refusal("SessionStopped", "");
    assert!(matches!(told(503, Some(&stopped)), Answer::Paused { .. }));
    let deadlock = refusal("QueryDeadlockError", "Deadlock found");
    assert!(matches!(told(500, Some(&deadlock)), Answer::Retry { .. }));
    for (status, kind) in [(417, "ValidationError"), (500, "TypeError"), (404, "DoesNotExistError")]
    {
        assert!(matches!(told(status, Some(&refusal(kind, "x"))), Answer::Refused(_)), "{kind}");
    }
    assert!(matches!(told(422, None), Answer::Refused(_)));
}

#[test]
fn numbers_are_read_however_python_writes_them() {
    for (text, wanted) in
        [("5.45", "5.45"), ("1200.0", "1200"), ("1e-06", "0.000001"), ("null", "0")]
    {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(decimal(&value), Some(wanted.parse::<Decimal>().unwrap()), "{text}");
    }
}

proptest! {
    #[test]
    fn a_moment_is_recognised_with_and_without_its_zeros(hour in 0_i8..24, minute in 0_i8..60) {
        let mut event = event("sale_with_discount");
        event.time = format!("2026-11-23T{hour:02}:{minute:02}:07+01:00").parse().unwrap();
        let document = document(&calls(&event, &plain())[0], &plain());
        let mut shown = document.body.clone();
        shown["grand_total"] = serde_json::from_str("6.37").unwrap();
        shown["change_amount"] = serde_json::from_str("3.63").unwrap();
        shown["posting_time"] = format!("{hour}:{minute:02}:07.000000").into();
        prop_assert!(document.expected.compare(&shown).is_ok());
        shown["posting_time"] = format!("{hour}:{minute:02}:08").into();
        let (class, _) = document.expected.compare(&shown).unwrap_err();
        prop_assert!(class == ExceptionClass::MovedDate);
    }
}
