//! The commands as they are typed, against an agent and a relay in this process.

use clap::CommandFactory;
use serde_json::Value;

use super::*;
use crate::files;
use crate::run::tests::relay::{Relay, TOKEN};
use crate::run::tests::{Store, free_address};

/// Runs a command line and returns how it ended and what it printed.
async fn typed(store: &Store, line: &str) -> Result<(Exit, String), CommandError> {
    let config = store.folder.path().join("agent.toml");
    files::write_private(&config, store.config_text().as_bytes()).unwrap();
    let data_dir = store.folder.path().join("data");
    let places = [
        "--config".to_owned(),
        config.display().to_string(),
        "--data-dir".to_owned(),
        data_dir.display().to_string(),
    ];
    let words = line.split_whitespace().map(ToOwned::to_owned);
    let cli =
        Cli::try_parse_from(["storekeep-agent".to_owned()].into_iter().chain(words).chain(places));
    let mut out = Vec::new();
    let exit = execute(cli.unwrap(), Environment::default(), &mut out).await?;
    Ok((exit, String::from_utf8(out).unwrap()))
}

async fn done(store: &Store, line: &str) -> String {
    match typed(store, line).await {
        Ok((Exit::Done, out)) => out,
        other => panic!("{line}: {other:?}"),
    }
}

async fn json(store: &Store, line: &str) -> Value {
    serde_json::from_str(&done(store, line).await).unwrap()
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_journaled_reads_the_same_from_the_agent_and_from_the_file() {
    let store = Store::new(free_address().await);
    let agent = store.start().await;
    let (_, first) = agent.sell("000001").await;
    agent.sell("000002").await;
    let id = first["id"].as_str().unwrap().to_owned();
    let lines = [
        "journal ls --json".to_owned(),
        "journal ls --count 1 --which unsent --json".to_owned(),
        "journal ls --which conflicts --json".to_owned(),
        "journal show 2 --json".to_owned(),
        format!("journal show {id} --json"),
        "journal verify --json".to_owned(),
        "find 2/2026-11-23/000001 --json".to_owned(),
        "find 0002 --json".to_owned(),
        format!("find {id} --json"),
    ];
    let mut running = Vec::new();
    for line in &lines {
        running.push(json(&store, line).await);
    }
    agent.stop().await;
    for (line, running) in lines.iter().zip(&running) {
        assert_eq!(json(&store, line).await, *running, "{line}");
    }
    let exported = done(&store, "journal export").await;
    let exported: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported.len(), 2);
    let record: Value = serde_json::from_str(exported[1]["record"].as_str().unwrap()).unwrap();
    assert_eq!(record["event"]["data"]["receipt"], "000002");
    let stats = json(&store, "journal stats --json").await;
    assert_eq!((&stats["entries"], &stats["unsent"]), (&Value::from(2), &Value::from(2)));
    assert_eq!(running[0]["entries"].as_array().unwrap().len(), 2);
    assert_eq!(running[1]["entries"][0]["sequence"], 2);
    assert_eq!(running[3]["record"]["event"]["data"]["receipt"], "000002");
    assert_eq!(running[4]["progress"]["sequence"], 1);
    assert_eq!(running[5], serde_json::json!({ "entries": 2, "records": 2 }));
    assert_eq!(running[6]["events"][0]["id"], id);
    assert_eq!(running[7]["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_can_be_tried_by_a_kind_that_the_configuration_lacks() {
    let store = Store::new(free_address().await);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/inputs/poslog/testdata/strict.xml");
    let line = format!("input test {file} --kind poslog --profile strict");
    let said = done(&store, &line).await;
    assert!(said.contains("335 EUR (minor units)"), "{said}");
    assert!(said.contains("RetailTransaction/Customer/Name/Name"), "not understood: {said}");
    let sum = "6 events (0 of them do not add up), 1 practice, 1 skipped, 0 refused\n";
    assert!(said.ends_with(sum), "{said}");
    let shown = done(&store, &format!("{line} --json")).await;
    let first: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"]["data"]["total"]["amount"], 335);
    assert_eq!(first["notUnderstood"][0], "RetailTransaction/LineItem@EntryMethod");
    for line in [format!("input test {file}"), format!("input test tills {file}")] {
        let error = typed(&store, &line).await.unwrap_err();
        assert_eq!(error.exit, Exit::Usage, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_can_be_read_on() {
    let store = Store::new(free_address().await);
    let agent = store.start().await;
    for receipt in ["000001", "000002", "000003"] {
        agent.sell(receipt).await;
    }
    let first = json(&store, "journal ls --count 2 --json").await;
    let next = first["next"].as_str().unwrap();
    let second = json(&store, &format!("journal ls --count 2 --json --before {next}")).await;
    assert_eq!(second["entries"][0]["sequence"], 1);
    assert_eq!(second.get("next"), None);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_is_one_sentence_first() {
    let relay = Relay::new();
    let (address, _serving) = relay.serve("127.0.0.1:0").await;
    let store = Store::new(address);
    let agent = store.start().await;
    agent.sell("000001").await;
    agent.until(|status| status["journal"]["unsent"] == 0).await;
    let out = done(&store, "status").await;
    assert!(out.starts_with("Selling online; everything is relayed; nothing to do.\n"), "{out}");
    assert_eq!(json(&store, "status --json").await["device"], "d-1");
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_agent_the_status_is_not_reachable_and_names_the_next_command() {
    let store = Store::new(free_address().await);
    let error = typed(&store, "status").await.unwrap_err();
    assert_eq!(error.exit, Exit::NotReachable);
    let shown = error.to_string();
    assert!(shown.lines().last().unwrap().starts_with("next: "), "{shown}");
    assert!(shown.contains("storekeep-agent run"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_found_missing() {
    let store = Store::new(free_address().await);
    let error = typed(&store, "journal ls").await.unwrap_err();
    assert_eq!(error.exit, Exit::Refused, "no journal is begun by looking");
    assert!(!store.folder.path().join("data").exists());
    store.start().await.stop().await;
    for line in ["find 000009", "journal show 7"] {
        let error = typed(&store, line).await.unwrap_err();
        assert_eq!(error.exit, Exit::Found, "{line}");
        assert!(error.to_string().contains("\nnext: "), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_enrols_without_an_agent_and_only_once() {
    let relay = Relay::new();
    let (address, _serving) = relay.serve("127.0.0.1:0").await;
    let store = Store::new(address);
    let token = store.folder.path().join("token");
    let line = format!("enroll --json --token-file {}", token.display());
    files::write_private(&token, b"used up\n").unwrap();
    let error = typed(&store, &line).await.unwrap_err();
    assert_eq!((error.exit, error.problem.code.as_str()), (Exit::Refused, "SK0026"));
    files::write_private(&token, TOKEN.as_bytes()).unwrap();
    assert_eq!(json(&store, &line).await["device"], "d-1");
    assert_eq!(json(&store, &line).await["device"], "d-1");
    assert_eq!(relay.devices(), 1);

    // A relay that was built anew does not know the device.
    let again = format!("{line} --again");
    assert_eq!(json(&store, &again).await["device"], "d-2");
    let agent = store.start().await;
    let error = typed(&store, &again).await.unwrap_err();
    assert_eq!((error.exit, error.problem.code.as_str()), (Exit::Refused, "SK0045"));
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_agent_enrols_with_the_token_that_is_left_for_it() {
    let relay = Relay::new();
    let (address, _serving) = relay.serve("127.0.0.1:0").await;
    let store = Store { token: "", ..Store::new(address) };
    let agent = store.start().await;
    agent.sell("000001").await;
    agent.until(|status| status["relay"]["link"]["kind"] == "not_enrolled").await;
    let token = store.folder.path().join("token");
    files::write_private(&token, TOKEN.as_bytes()).unwrap();
    let line = format!("enroll --token-file {}", token.display());
    assert_eq!(done(&store, &line).await, "this device is enrolled as d-1\n");
    relay.until_held(1).await;
    assert!(!store.folder.path().join("data/enrolment.token").exists(), "it is used up");
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_says_what_to_fill_in_and_a_wrong_key_is_found() {
    let store = Store::new(free_address().await);
    assert!(done(&store, "config sample").await.contains("#listen = "));
    let schema: Value = serde_json::from_str(&done(&store, "config schema").await).unwrap();
    assert_eq!(schema["properties"]["store"]["type"], "string");
    assert!(done(&store, "config check").await.contains("store 0042"));
    let store = Store::new("no address at all");
    let error = typed(&store, "config check").await.unwrap_err();
    assert_eq!((error.exit, error.problem.code.as_str()), (Exit::Found, "SK0041"));
    let error = typed(&store, "status").await.unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_lost_its_tail_is_verified_and_opened_by_no_command() {
    let store = Store::new(free_address().await);
    let folder = store.folder.path().join("data");
    let (file, older) = (folder.join("journal.db"), folder.join("older"));
    let agent = store.start().await;
    agent.sell("000001").await;
    agent.stop().await;
    std::fs::copy(&file, &older).unwrap();
    let agent = store.start().await;
    agent.sell("000002").await;
    agent.stop().await;
    std::fs::rename(&older, &file).unwrap();
    let (exit, out) = typed(&store, "journal verify --json").await.unwrap();
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &found["fault"]["sequence"]), (Exit::Found, &Value::from(2)));
    let refused = typed(&store, "journal ls").await.unwrap_err();
    assert_eq!((refused.exit, refused.problem.code.as_str()), (Exit::Refused, "SK0048"));
}
