//! What can be asked: progress, status, metrics, the page, the contract.

use protocol::problem::Code as ProblemCode;
use protocol::progress::{Progress, ProgressState};

use super::*;
use crate::health::Reason;

async fn progress(agent: &Agent, state: ProgressState) {
    let journal = &agent.parts.journal;
    let entry = journal.latest(journal::Filter::All, None, 1).await.unwrap().remove(0);
    journal.acknowledge(journal.head(), agent.parts.seams.now()).await.unwrap();
    let item = Progress {
        epoch: entry.epoch,
        sequence: entry.sequence,
        event_id: entry.event_id,
        target: "shop".parse().unwrap(),
        state,
        reference: None,
        detail: None,
        at: agent.parts.seams.now(),
    };
    journal.record_progress(vec![item], 1).await.unwrap();
}

#[tokio::test]
async fn an_event_is_followed_from_this_disk_to_each_target() {
    let agent = Agent::new();
    let id = agent.post_event(&sale("1")).await.json()["id"].clone();
    let path = format!("/v1/events/{}", id.as_str().unwrap());
    let first = agent.read(&path).await.json();
    assert_eq!((&first["state"], &first["sequence"]), (&json!("journaled"), &json!(1)));
    assert_eq!(first["targets"], json!([]));
    progress(&agent, ProgressState::Applied).await;
    let later = agent.read(&path).await.json();
    assert_eq!(later["state"], "relayed");
    assert_eq!(later["targets"][0]["target"], "shop");
    assert_eq!(later["targets"][0]["state"], "applied");
}

#[tokio::test]
async fn a_receipt_shows_everything_under_its_number() {
    let agent = Agent::new();
    agent.post_event(&sale("A/1 x")).await;
    agent.post_event(&changed(sale("A/1 x"), "/data/cashier", json!("c-9"))).await;
    let answer = agent.read("/v1/receipts/2/2026-11-23/A%2F1%20x").await;
    let events = answer.json()["events"].as_array().unwrap().clone();
    assert_eq!(events.len(), 2, "{}", answer.body);
    assert_eq!(events[1]["conflictOf"], events[0]["id"]);
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let agent = Agent::new();
    for path in [
        "/v1/events/1",
        "/v1/events/00000000-0000-0000-0000-000000000000",
        "/v1/receipts/2/2026-11-23/1",
        "/v1/receipts/2/today/1",
        "/v1/receipts/a%20b/2026-11-23/1",
        "/v1",
        "/v1/events",
    ] {
        assert_eq!(agent.read(path).await.code(), "SK0010", "{path}");
    }
}

#[tokio::test]
async fn the_status_says_in_one_sentence_and_in_figures_how_things_stand() {
    let agent = Agent::new();
    agent.post_event(&json!([sale("1"), sale("2"), sale("2"), {}])).await;
    let since = "2026-11-23T15:00:00Z".parse().unwrap();
    let reason = Reason::new(ProblemCode::RelayUnreachable, "no route");
    agent.parts.health.set_link(Link::Offline { since, reason });
    agent.set_clock("2026-11-23T17:14:00Z");
    let status = agent.read("/v1/status").await.json();
    assert_eq!(
        status["sentence"],
        "Selling offline for 2 h 14 m; 2 sales safe on this machine; nothing to do."
    );
    assert_eq!(status["store"], "0042");
    assert_eq!(status["journal"]["unsent"], 2);
    assert_eq!(status["journal"]["oldestUnsentAt"], "2026-11-23T17:00:00Z");
    assert_eq!(status["relay"]["link"]["kind"], "offline");
    let since_start = json!({
        "journaled": 2, "replayed": 1, "conflicts": 0, "refused": 1, "notCommitted": 0,
        "training": {}
    });
    assert_eq!(status["sinceStart"], since_start);
}

#[tokio::test]
async fn a_full_disk_goes_before_everything_until_there_is_room() {
    let Agent { parts, folder, .. } = Agent::new();
    let shared = Shared { parts };
    let cause = Arc::new(std::io::Error::other("no space"));
    shared.parts.intake.tally().failed(&journal::AppendError::DiskFull(cause));
    let status = status::read(&shared).await.unwrap();
    assert!(status.sentence.starts_with("The disk is full: new sales are refused"));
    assert_eq!((status.journal.disk_full, status.since_start.not_committed), (true, 1));
    let position = shared.parts.journal.head();
    shared.parts.intake.tally().appended(&journal::Appended::New { position });
    let status = status::read(&shared).await.unwrap();
    assert!(status.sentence.starts_with("Selling"), "{}", status.sentence);
    drop(folder);
}

#[tokio::test]
async fn the_metrics_are_prometheus_text_with_units_in_the_names() {
    let agent = Agent::new();
    agent.post_event(&sale("1")).await;
    agent.measure("2026-11-23T17:00:01Z");
    agent.set_clock("2026-11-23T17:01:30Z");
    let answer = agent.read("/metrics").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; version=0.0.4");
    for line in [
        "storekeep_agent_events_total{outcome=\"journaled\"} 1",
        "storekeep_agent_unsent_entries 1",
        "storekeep_agent_oldest_unsent_seconds 90",
        "storekeep_agent_relay_online 0",
        "storekeep_agent_clock_skew_milliseconds -89000",
        "storekeep_agent_clock_even 0",
    ] {
        assert!(answer.body.lines().any(|l| l == line), "{line} in\n{}", answer.body);
    }
    for line in answer.body.lines() {
        assert!(line.starts_with("# ") || line.split(' ').count() == 2, "{line}");
    }
}

#[tokio::test]
async fn the_pulse_beats_while_the_journal_can_be_used() {
    let answer = Agent::new().read("/healthz").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "status": "ok" })));
}

#[tokio::test]
async fn the_page_shows_the_sentence_and_the_last_receipts_and_nothing_more() {
    let agent = Agent::new();
    let empty = agent.read("/").await;
    assert!(empty.body.contains("Nothing was sold through this machine yet"));
    let event = changed(sale("000187"), "/data/cashier", json!("c-17"));
    agent.post_event(&event).await;
    let page = agent.read("/").await;
    for text in [
        "1 sale safe on this machine",
        "<td>000187</td><td>sale</td><td>17:04</td><td class=\"money\">4.47 EUR</td>",
        "<td>safe on this machine</td>",
    ] {
        assert!(page.body.contains(text), "{text} in\n{}", page.body);
    }
    for secret in [TOKEN, "c-17", "Pencil", "4711"] {
        assert!(!page.body.contains(secret), "{secret}");
    }
    progress(&agent, ProgressState::Exception).await;
    let page = agent.read("/").await;
    assert!(
        page.body.contains("class=\"person\"") && page.body.contains("needs a person for shop")
    );
}

#[tokio::test]
async fn the_page_escapes_what_a_pos_wrote() {
    let agent = Agent::new();
    agent.post_event(&sale("<script>alert(1)</script>")).await;
    let page = agent.read("/").await;
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_script() {
    let page = Agent::new().read("/").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.body.matches("<script").count(), 1, "none within the page");
    assert!(!page.body.contains("style="));
}

#[tokio::test]
async fn the_page_shows_what_has_no_receipt_too() {
    let agent = Agent::new();
    let till = json!({
        "type": "storekeep.till.v1",
        "data": {
            "kind": "paid_out", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": "000188", "occurredAt": "2026-11-23T09:15:00+01:00",
            "currency": "EUR", "amount": 1500
        }
    });
    let stock = json!({
        "type": "storekeep.stock.v1",
        "data": {
            "kind": "adjustment", "store": "0042", "document": "ADJ-1",
            "businessDate": "2026-11-23", "occurredAt": "2026-11-23T09:20:00+01:00",
            "lines": [{ "line": 1, "item": { "sku": "1" }, "change": "-2" }]
        }
    });
    assert_eq!(agent.post_event(&json!([till, stock])).await.status, StatusCode::CREATED);
    let page = agent.read("/").await.body;
    assert!(
        page.contains(
            "<td>000188</td><td>paid out</td><td>09:15</td><td class=\"money\">15.00 EUR"
        )
    );
    assert!(
        page.contains("<td>ADJ-1</td><td>adjustment</td><td>09:20</td><td class=\"money\"></td>")
    );
}

#[tokio::test]
async fn what_an_input_could_not_read_is_shown_by_number() {
    let name = "till".parse::<crate::config::InputName>().unwrap();
    let agent = Agent::with(|config| {
        config.inputs.insert(name, toml::Table::new());
    });
    let kept = crate::inputs::kept::Kept {
        number: 0,
        printed_at: Timestamp::UNIX_EPOCH,
        problem: Problem::new(Code::ReceiptUnreadable, "no total was found in it"),
        lines: vec!["Bon 1".to_owned()],
        is_masked: false,
        pictures: Vec::new(),
    };
    crate::inputs::kept::keep(&agent.parts.journal, "till", kept).await.unwrap();
    let list: Value = serde_json::from_str(&agent.read("/v1/inputs/till/kept").await.body).unwrap();
    assert_eq!(list["kept"][0]["number"], 1);
    let one: Value =
        serde_json::from_str(&agent.read("/v1/inputs/till/kept/1").await.body).unwrap();
    assert_eq!(one["lines"][0], "Bon 1");
    for path in ["/v1/inputs/other/kept", "/v1/inputs/till/kept/2", "/v1/inputs/till/kept/x"] {
        assert_eq!(agent.read(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_committed_contract_is_fresh() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/agent-openapi.json");
    let answer = Agent::new().read("/openapi.json").await;
    let fresh = openapi::text();
    assert_eq!(answer.body, fresh);
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == fresh,
        "it is stale: cargo run -p agent --example openapi > docs/api/agent-openapi.json"
    );
}

#[tokio::test]
async fn every_reference_of_the_contract_leads_somewhere() {
    let document: Value = serde_json::from_str(&openapi::text()).unwrap();
    let mut pending = vec![&document];
    let mut count = 0;
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    let pointer = target.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{target}");
                    count += 1;
                }
                pending.extend(fields.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    assert!(count > 50, "{count}");
}

#[tokio::test]
async fn every_code_of_the_local_api_has_its_page() {
    for number in 1..=13 {
        let code = ProblemCode::from_number(&format!("SK{number:04}")).unwrap();
        let file = format!("{}/../docs/errors/{code}.md", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&file).unwrap_or_default();
        let title = format!("# {code}: {}", code.title());
        assert!(page.starts_with(&title), "{file} begins with `{title}`");
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_like_everything_else() {
    let agent = Agent::new();
    for path in ["/v1/journal/%ff", "/v1/events/%ff", "/v1/receipts/%ff/2026-11-23/1"] {
        assert_eq!(agent.read(path).await.code(), "SK0030", "{path}");
    }
}
