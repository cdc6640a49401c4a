//! What becomes of an event that a POS posts, and each way in which it can be refused.

use futures_util::stream;
use protocol::enrolment::EnrolmentAnswer;
use protocol::limits::{EVENTS_PER_REQUEST_MAX, LINES_MAX, REQUEST_BYTES_MAX};
use protocol::personal::OpeningKey;
use protocol::sign::SigningKey;

use super::*;

#[tokio::test]
async fn a_sale_is_answered_with_its_place_in_the_journal() {
    let agent = Agent::new();
    let answer = agent.post_event(&sale("1")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let (json, head) = (answer.json(), agent.parts.journal.head());
    assert_eq!(json["sequence"], 1);
    assert_eq!(json["state"], "journaled");
    assert_eq!(json["epoch"], "07".repeat(16));
    assert_eq!(head.sequence.0, 1, "it is on disk when it is answered");
    let id = json["id"].as_str().unwrap();
    assert_eq!(answer.headers[header::LOCATION], format!("/v1/events/{id}"));
}

#[tokio::test]
async fn a_replay_is_answered_as_before() {
    let agent = Agent::new();
    let first = agent.post_event(&sale("1")).await;
    let again = agent.post_event(&sale("1")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json(), first.json());
    assert_eq!(agent.parts.journal.head().sequence.0, 1);
}

#[tokio::test]
async fn other_content_under_a_known_receipt_is_kept_and_named() {
    let agent = Agent::new();
    let first = agent.post_event(&sale("1")).await.json();
    let other = changed(sale("1"), "/data/cashier", json!("c-9"));
    let conflict = agent.post_event(&other).await;
    assert_eq!(conflict.status, StatusCode::CREATED);
    assert_eq!(conflict.json()["conflictOf"], first["id"]);
    assert_eq!(conflict.json()["sequence"], 2);
    let again = agent.post_event(&other).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, conflict.json()));
}

#[tokio::test]
async fn practice_is_counted_and_leaves_no_trace_in_the_journal() {
    let agent = Agent::new();
    let event = changed(sale("1"), "/data/flags", json!(["training"]));
    let answer = agent.post_event(&event).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "state": "training" })));
    assert_eq!(agent.parts.journal.head().sequence.0, 0);
    let status = agent.read("/v1/status").await.json();
    assert_eq!(status["sinceStart"]["training"], json!({ "2": 1 }));
}

#[tokio::test]
async fn an_array_is_settled_item_by_item_in_order() {
    let agent = Agent::new();
    agent.post_event(&sale("1")).await;
    let card = changed(sale("3"), "/data/cashier", json!("4111111111111111"));
    let events = json!([sale("1"), sale("2"), card, sale("4"), 7]);
    let answer = agent.post_event(&events).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    let items = answer.json();
    let statuses: Vec<_> = items.as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, [200, 201, 422, 201, 422]);
    assert_eq!(items[1]["sequence"], 2);
    assert_eq!(items[2]["code"], "SK0003");
    assert_eq!(items[2]["path"], "data.cashier");
    assert_eq!(items[3]["sequence"], 3, "a refused item leaves no gap");
}

#[tokio::test]
async fn an_array_of_one_mind_has_one_status() {
    let agent = Agent::new();
    let events = json!([sale("1"), sale("2")]);
    assert_eq!(agent.post_event(&events).await.status, StatusCode::CREATED);
    assert_eq!(agent.post_event(&events).await.status, StatusCode::OK);
    let refused = agent.post_event(&json!([{}, {}])).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let empty = agent.post_event(&json!([])).await;
    assert_eq!((empty.status, empty.json()), (StatusCode::OK, json!([])));
}

#[tokio::test]
async fn a_sale_and_its_bare_post_void_may_come_in_one_request() {
    let agent = Agent::new();
    let post_void = json!({
        "type": "storekeep.transaction.v1", "time": "2026-11-23T17:10:00+01:00",
        "data": {
            "kind": "post_void", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": "2", "currency": "EUR",
            "original": {
                "store": "0042", "register": "2", "businessDate": "2026-11-23", "receipt": "1"
            }
        }
    });
    let alone = agent.post_event(&post_void).await;
    assert_eq!(alone.problem().path.as_deref(), Some("data.original"));
    let both = json!([sale("1"), post_void]);
    assert_eq!(agent.post_event(&both).await.status, StatusCode::CREATED);
    let again = agent.post_event(&both).await;
    assert_eq!(
        again.status,
        StatusCode::OK,
        "now the journal has the original too: {}",
        again.body
    );
    let entries = agent.parts.journal.latest(journal::Filter::All, None, 1).await.unwrap();
    let record = String::from_utf8(entries[0].record.clone().unwrap()).unwrap();
    assert!(record.contains(r#""total":{"amount":447,"direction":"out"}"#), "{record}");
}

#[tokio::test]
async fn personal_fields_are_sealed_once_the_host_is_enrolled() {
    let agent = Agent::new();
    let event = changed(sale("1"), "/data/personal", json!({ "email": "a@example.com" }));
    assert_eq!(agent.post_event(&event).await.problem().path.as_deref(), Some("data.personal"));
    let pkcs8 = SigningKey::generate(&ring::rand::SystemRandom::new()).unwrap();
    let key = SigningKey::from_pkcs8(&pkcs8).unwrap();
    let answer = EnrolmentAnswer {
        device: "till-host-1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        relay_key: key.verifying_key(),
        sealing_key: OpeningKey::from_seed(&[2; 32]).sealing_key(),
    };
    agent.sealing.send_replace(Some(answer));
    assert_eq!(agent.post_event(&event).await.status, StatusCode::CREATED);
    assert_eq!(agent.read("/v1/status").await.json()["device"], "till-host-1");
}

#[tokio::test]
async fn the_fault_that_a_harness_asks_for_answers_before_the_commit() {
    let Agent { parts, folder, .. } = Agent::new();
    let seams = Seams { answer_before_commit: true, ..parts.seams.clone() };
    let router = router(Parts { seams, ..parts.clone() });
    let mut head = parts.journal.head_changes();
    let post = request(Method::POST, "/v1/events")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(sale("1").to_string()));
    let response = router.oneshot(post.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    head.wait_for(|head| head.sequence.0 == 1).await.unwrap();
    drop(folder);
}

/// The code and path with which a body is refused.
async fn refused(body: impl Into<Body>) -> (String, String) {
    let problem = Agent::new().post(body).await.problem();
    (problem.code, problem.path.unwrap_or_default())
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let cases: [&[u8]; 6] = [b"", b"{", b"[{}", b"sale", b"{\"type\":\"\xff\"}", b"[1,]"];
    for body in cases {
        assert_eq!(refused(body).await.0, "SK0001", "{body:?}");
    }
    let deep = "[".repeat(40) + &"]".repeat(40);
    let answer = Agent::new().post(format!(r#"{{"type":{deep}}}"#)).await;
    assert_eq!(answer.code(), "SK0001");
}

#[tokio::test]
async fn a_wrong_field_is_named_by_its_place() {
    let wrong = |pointer: &str, value: Value| changed(sale("1"), pointer, value).to_string();
    let twice = sale("1").to_string().replace(r#""receipt":"1""#, r#""receipt":"1","receipt":"2""#);
    let cases = [
        (wrong("/data/lines/0/total", json!(4.47)), "data.lines[0].total"),
        (wrong("/data/lines/0/quantity", json!(3)), "data.lines[0].quantity"),
        (wrong("/data/total/amount", json!(-1)), "data.total.amount"),
        (wrong("/data/colour", json!("red")), "data.colour"),
        (wrong("/data/businessDate", json!("23.11.2026")), "data.businessDate"),
        (wrong("/data/tenders/0/kind", json!("gold")), "data.tenders[0].kind"),
        (wrong("/type", json!("storekeep.sale.v1")), "type"),
        (wrong("/id", json!("1")), "id"),
        (twice, "data"),
        ("{}".to_owned(), ""),
    ];
    for (body, path) in cases {
        let (code, place) = refused(body.clone()).await;
        assert_eq!(code, "SK0002", "{body}");
        assert!(place.starts_with(path), "{place} for {path}: {body}");
    }
}

#[tokio::test]
async fn more_than_a_request_may_hold_is_refused() {
    let many: Vec<_> = (0..=EVENTS_PER_REQUEST_MAX).map(|n| json!(n)).collect();
    let problem = Agent::new().post(Value::from(many).to_string()).await.problem();
    assert_eq!(problem.code, "SK0005");
    assert!(problem.detail.contains("501 events"), "{problem}");

    assert_eq!(refused(vec![b' '; REQUEST_BYTES_MAX + 1]).await.0, "SK0005");
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
    assert_eq!(refused(Body::from_stream(endless)).await.0, "SK0005", "not read to its end");

    let mut long = sale("1");
    let line = long["data"]["lines"][0].clone();
    long["data"]["lines"] = (0..100_000).map(|_| line.clone()).collect();
    assert_eq!(refused(long.to_string()).await.0, "SK0005");
    let short = json!({
        "line": 1, "kind": "fee", "quantity": "1", "unitPrice": "0", "extended": 0, "total": 0
    });
    long["data"]["lines"] = (0..=LINES_MAX).map(|_| short.clone()).collect();
    let (code, path) = refused(long.to_string()).await;
    assert_eq!(code, "SK0002");
    assert!(path.starts_with("data.lines"), "{path}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let chunks = [Ok("{".to_owned()), Err(std::io::Error::other("gone"))];
    assert_eq!(refused(Body::from_stream(stream::iter(chunks))).await.0, "SK0030");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_hangs_is_not_waited_for() {
    let hangs = stream::pending::<Result<String, std::io::Error>>();
    assert_eq!(refused(Body::from_stream(hangs)).await.0, "SK0030");
}

#[tokio::test]
async fn a_known_id_under_another_receipt_is_refused() {
    let agent = Agent::new();
    let id = json!("0192f0c1-7a00-7000-8000-000000000001");
    agent.post_event(&changed(sale("1"), "/id", id.clone())).await;
    let problem = agent.post_event(&changed(sale("2"), "/id", id)).await.problem();
    assert_eq!((problem.code.as_str(), problem.status), ("SK0004", 409));
    assert!(problem.detail.contains("transaction/0042/2/2026-11-23/1/sale/0"), "{problem}");
}

#[tokio::test]
async fn what_this_host_does_not_serve_is_refused() {
    let agent = Agent::new();
    let other = changed(sale("1"), "/data/store", json!("0043"));
    assert_eq!(agent.post_event(&other).await.code(), "SK0011");
    let future = changed(sale("1"), "/data/businessDate", json!("2026-12-24"));
    assert_eq!(agent.post_event(&future).await.code(), "SK0012");
    agent.set_clock("2026-12-23T12:00:00Z");
    assert_eq!(agent.post_event(&future).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_clock_that_jumps_back_ten_years_takes_every_sale_in_order_and_says_so() {
    let agent = Agent::new();
    agent.measure("2026-11-23T17:00:00Z");
    let before = agent.post_event(&sale("1")).await.json();
    agent.set_clock("2016-11-23T17:00:00Z");
    let after = agent.post_event(&sale("2")).await;
    assert_eq!(after.status, StatusCode::CREATED);
    let after = after.json();
    assert_eq!((&before["sequence"], &after["sequence"]), (&json!(1), &json!(2)));
    assert_eq!(before["epoch"], after["epoch"]);
    let entry = agent.read("/v1/journal/2").await.json().to_string();
    assert!(entry.contains("\"trusted\":false"), "{entry}");
    let sentence = agent.read("/v1/status").await.json()["sentence"].to_string();
    assert!(sentence.contains("The clock of this machine is 3652 d"), "{sentence}");
}

#[tokio::test]
async fn only_json_is_taken() {
    let agent = Agent::new();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let post = request(Method::POST, "/v1/events")
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(sale("1").to_string()));
        assert_eq!(agent.answer(post.unwrap()).await.code(), "SK0013", "{content_type}");
    }
    let post = request(Method::POST, "/v1/events")
        .header(header::CONTENT_TYPE, "application/CloudEvents+json; charset=utf-8")
        .body(Body::from(sale("1").to_string()));
    assert_eq!(agent.answer(post.unwrap()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_failure_of_the_journal_is_told_with_what_to_do() {
    use crate::inputs::intake::append_problem;
    let id = protocol::id::EventId(uuid::Uuid::nil());
    let cause = || Arc::new(std::io::Error::other("no space"));
    let cases = [
        (journal::AppendError::NotCommitted(cause()), "SK0006", 503),
        (journal::AppendError::DiskFull(cause()), "SK0007", 507),
        (journal::AppendError::Closed, "SK0006", 503),
        (journal::AppendError::TooLarge { bytes: 2, bytes_max: 1 }, "SK0005", 413),
    ];
    for (error, code, status) in cases {
        let problem = append_problem(id, &error);
        assert_eq!((problem.code.as_str(), problem.status), (code, status));
        assert!(problem.next.is_some());
    }
}

#[tokio::test]
async fn problem_documents_look_as_they_are_documented() {
    let agent = Agent::new();
    agent.post_event(&changed(sale("1"), "/id", json!(uuid::Uuid::nil()))).await;
    let cases = [
        ("malformed-json", "{".to_owned()),
        ("invalid-event", changed(sale("1"), "/data/lines/0/total", json!(4.47)).to_string()),
        ("card-data", changed(sale("1"), "/data/cashier", json!("4111111111111111")).to_string()),
        ("id-reused", changed(sale("2"), "/id", json!(uuid::Uuid::nil())).to_string()),
        ("unknown-store", changed(sale("1"), "/data/store", json!("7")).to_string()),
        (
            "future-business-date",
            changed(sale("1"), "/data/businessDate", json!("2027-01-01")).to_string(),
        ),
    ];
    for (name, body) in cases {
        let answer = agent.post(body).await;
        insta::assert_json_snapshot!(name, answer.problem());
    }
}
