//! Bytes on a connection to the relay, signed by a device that says whatever it likes, or from
//! somebody who has the operators' token: nothing makes the relay fail, no device is answered without
//! its key, and what is acknowledged is held.

use protocol::batch::BatchAnswer;
use protocol::sign::{SIGNATURE_HEADER, verify};

use crate::fuzzing::fixtures::http::{Answer, exchange};
use crate::fuzzing::fixtures::relay::{Bench, DEVICE, OPERATOR, TICKET};
use crate::fuzzing::fixtures::signing::{self, SIGNED};
use crate::fuzzing::fixtures::{runtime, wire};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target =
    Target { name: "ingest", run, form: Form::Http, words: WORDS, inputs_per_round: 200, seeds };

pub(super) const WORDS: &[&str] = &[
    "\r\n",
    "GET ",
    "POST ",
    "storekeep-signature: signed\r\n",
    "content-encoding: packed\r\n",
    "content-encoding: zstd\r\n",
    "transfer-encoding: chunked\r\n",
    "/v1/devices/d-1/sessions",
    "/v1/devices/d-1/batches",
    "/v1/devices/d-1/downlink",
    "?after=0&wait=25",
    "&head=0",
    "&ticket=88888888888888888888888888888888",
    "rewound",
    "salvaged",
    "predecessor",
    "pruned",
    "inherited",
    "absent",
    "resent",
    "applied",
    "11111111111111111111111111111111",
    "0000000000000000000000000000000000000000000000000000000000000000",
];

/// What the addresses of ingest begin with.
const INGEST: &str = "/v1/devices";

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let bench = Bench::new();
    let request = signing::request(input, &bench.device_key);
    runtime().block_on(async {
        let answers = exchange(bench.router(), &request).await;
        for answer in &answers {
            check(&bench, input, answer).await;
        }
    });
}

async fn check(bench: &Bench, input: &[u8], answer: &Answer) {
    let Answer { path, status, headers, body } = answer;
    if !path.starts_with(INGEST) {
        return;
    }
    let is_success = status.is_success();
    assert!(!is_success || signing::is_asked_for(input), "nobody is answered without a signature");
    let Some(signature) = headers.get(SIGNATURE_HEADER) else {
        // An address that ingest does not have is refused in front of it.
        assert!(!is_success, "every answer of ingest is signed");
        return;
    };
    let signature = signature.to_str().ok().and_then(|text| text.parse().ok());
    let signature = signature.expect("a signature that can be read");
    assert!(verify(bench.relay_key, body, signature).is_ok(), "an answer is signed by the relay");
    if !is_success {
        return;
    }
    if let Ok(BatchAnswer::Acknowledgement(stated)) = serde_json::from_slice(body) {
        held(bench, &stated).await;
    }
}

/// What is acknowledged stands in the store.
pub(super) async fn held(bench: &Bench, stated: &protocol::batch::Acknowledgement) {
    let held = bench.store.head(&stated.device, stated.epoch).await.expect("read the store");
    assert_eq!(held, Some(stated.position()), "what is acknowledged is held");
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let batch = mended(&wire("batch"));
    let statement = mended(&wire("statement"));
    let enrolment = wire("enrolment-request");
    let device = format!("/v1/devices/{DEVICE}");
    let poll = format!("{device}/downlink?after=0&wait=1&head=0&ticket={TICKET}");
    vec![
        ("batch".to_owned(), post(&format!("{device}/batches"), &batch, true)),
        ("session".to_owned(), post(&format!("{device}/sessions"), &statement, false)),
        ("enrolment".to_owned(), post("/v1/devices", &enrolment, false)),
        ("poll".to_owned(), get(&poll)),
        ("poll-at-the-end".to_owned(), get(&poll.replace("after=0", "after=18446744073709551615"))),
        (
            "two".to_owned(),
            [
                post(&format!("{device}/sessions"), &statement, false),
                get("/v1/devices/nobody/downlink"),
            ]
            .concat(),
        ),
        ("status".to_owned(), operator("GET", "/api/v1/status", "")),
        ("exceptions".to_owned(), operator("GET", "/api/v1/exceptions?store=0042&limit=10", "")),
        ("receipt".to_owned(), operator("GET", RECEIPT, "")),
        (
            "event".to_owned(),
            operator("GET", "/api/v1/events/0192f0c1-7a00-7000-8000-00000000000e", ""),
        ),
        ("metrics".to_owned(), operator("GET", "/metrics", "")),
        ("resolve".to_owned(), operator("POST", "/api/v1/exceptions/1/resolve", RESOLUTION)),
        (
            "retry".to_owned(),
            operator("POST", "/api/v1/exceptions/1/retry", "{\"by\":\"finance\"}"),
        ),
    ]
}

const RECEIPT: &str =
    "/api/v1/receipts?key=storekeep.transaction.v1/0042/2/2026-11-23/000200/sale/0";

const RESOLUTION: &str = r#"{"by":"finance","note":"counted","as":"posted_by_hand"}"#;

fn operator(method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {OPERATOR}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    head.into_bytes()
}

/// A frozen document as this device would say it.
pub(super) fn mended(document: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(document.to_vec()).expect("JSON is text");
    text.replace("0042-7f3a", DEVICE).into_bytes()
}

fn get(path: &str) -> Vec<u8> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: relay\r\n{SIGNATURE_HEADER}: {SIGNED}\r\n");
    format!("{head}\r\n").into_bytes()
}

fn post(path: &str, body: &[u8], is_packed: bool) -> Vec<u8> {
    let length = body.len();
    let packed = if is_packed { "content-encoding: packed\r\n" } else { "" };
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: relay\r\n{packed}{SIGNATURE_HEADER}: {SIGNED}\r\n\
         content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
