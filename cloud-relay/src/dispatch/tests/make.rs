//! Deliveries, times and rules as the tests of dispatch need them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use protocol::chain::Sequence;
use protocol::id::DeviceId;

use crate::connectors::{Class, Mode, Planned, TargetRef};
use crate::dispatch::lane::{Open, Rules};
use crate::store::model::{Bundle, Delivery, DeliveryId, DeliveryState};

/// A moment so many seconds after the first.
pub(in crate::dispatch) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(in crate::dispatch) fn rules() -> Rules {
    Rules {
        call_timeout: Duration::from_secs(30),
        settle_time: Duration::from_secs(120),
        bundle_max: 3,
        repeat_window: Duration::from_secs(24 * 3_600),
        original_wait: SignedDuration::from_hours(96),
        find_before_retry: true,
    }
}

pub(in crate::dispatch) fn id(number: i64) -> DeliveryId {
    DeliveryId { lane_id: 1, number }
}

pub(in crate::dispatch) fn reference(name: &str) -> TargetRef {
    TargetRef { id: format!("id-{name}"), name: name.to_owned(), detail: serde_json::Value::Null }
}

/// A delivery that is due since the first moment.
pub(in crate::dispatch) fn delivery(number: i64, mode: Mode) -> Delivery {
    Delivery {
        id: id(number),
        device: DeviceId::new("d1").unwrap(),
        epoch: protocol::bytes::Bytes([1; 16]),
        sequence: Sequence(u64::try_from(number).unwrap()),
        natural_key: format!("key-{number}"),
        record: record(number),
        planned: Planned {
            class: Class::Receipts,
            action: "order.create".to_owned(),
            part: 0,
            mode,
            depends_on: Vec::new(),
            amount: None,
        },
        state: DeliveryState::Due { at: at(0) },
        attempts: 0,
        created_at: at(0),
    }
}

/// The record of a small sale.
pub(crate) fn record(number: i64) -> Vec<u8> {
    let event = format!(
        r#"{{"specversion":"1.0","id":"0192f0c1-0000-7000-8000-{number:012}",
        "source":"/stores/0042/registers/2","type":"storekeep.transaction.v1",
        "subject":"0042/2/2026-11-23/{number:06}","time":"2026-11-23T17:04:11+01:00",
        "datacontenttype":"application/json","dataschema":"storekeep:transaction:v1",
        "data":{{"kind":"sale","store":"0042","register":"2","businessDate":"2026-11-23",
        "receipt":"{number:06}","startedAt":"2026-11-23T17:03:40+01:00",
        "completedAt":"2026-11-23T17:04:11+01:00","currency":"EUR",
        "lines":[{{"line":1,"kind":"item","item":{{"sku":"4711"}},"quantity":"1",
        "unitPrice":"1.49","extended":149,"total":149}}],
        "total":{{"amount":149,"direction":"in"}},
        "tenders":[{{"tender":1,"kind":"cash","purpose":"payment","amount":149}}]}}}}"#
    );
    protocol::record::seal(&event, &protocol::record::Findings::default(), at(0))
}

pub(in crate::dispatch) fn open(number: i64, mode: Mode, state: DeliveryState) -> Open {
    let delivery = Delivery { state, ..delivery(number, mode) };
    Open { delivery, occurred_at: at(number), counted_at: None }
}

pub(in crate::dispatch) fn due(seconds: i64) -> DeliveryState {
    DeliveryState::Due { at: at(seconds) }
}

pub(in crate::dispatch) fn bundle(members: &[i64], key: u128) -> Bundle {
    Bundle {
        key: uuid::Uuid::from_u128(key),
        body: "body".to_owned(),
        members: members.iter().map(|number| id(*number)).collect(),
        first_sent_at: None,
        deadline: None,
        due_at: at(0),
        attempts: 0,
    }
}
