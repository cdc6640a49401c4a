//! What people read about exceptions.

use protocol::id::EventId;
use protocol::money::Currency;

use super::*;
use crate::connectors::{Class, ExceptionClass, Mode};
use crate::store::model::{DeliveryState, DeliveryView, Lane};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn view(number: i64, minor: i64, currency: &str) -> DeliveryView {
    let class = ExceptionClass::UnknownItem;
    DeliveryView {
        id: DeliveryId { lane_id: 12, number },
        lane: Lane {
            store: StoreId::new("0042").unwrap(),
            target: TargetId::new("shop").unwrap(),
            class: Class::Receipts,
        },
        event_id: EventId(uuid::Uuid::from_u128(1)),
        natural_key: "key".to_owned(),
        action: "order.create".to_owned(),
        mode: Mode::Document,
        state: DeliveryState::Exception { class, reason: "4711 is unknown".into(), since: at(0) },
        amount: Some(Money::new(minor, Currency::new(currency).unwrap())),
        attempts: 1,
        created_at: at(0),
        history: Vec::new(),
    }
}

#[test]
fn amounts_at_risk_are_summed_by_currency() {
    let found = [view(1, 149, "EUR"), view(2, 51, "EUR"), view(3, -700, "JPY")];
    let sums: Vec<_> = at_risk(&found).iter().map(ToString::to_string).collect();
    assert_eq!(sums, ["2.00 EUR", "700 JPY"]);
}

#[test]
fn a_row_names_class_code_age_amount_place_reason_and_the_next_command() {
    let view = view(345, 149, "EUR");
    let row = Case::of(&view, at(7_200)).unwrap();
    let mut out = Vec::new();
    print_row(&row, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    for part in ["12-345", "SK0060", "unknown_item", "2 h", "1.49 EUR", "0042", "shop", "4711"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(row.next.contains("exceptions retry 12-345"), "{}", row.next);
}

#[test]
fn ages_are_told_in_their_largest_unit() {
    assert_eq!([age(59), age(60), age(7_199), age(172_800)], ["59 s", "1 m", "1 h", "2 d"]);
}
