//! What the doctor says of a store that is well, and of what can be wrong.

use super::*;
use crate::run::tests::relay::Relay;
use crate::run::tests::{Store, free_address};
use crate::run::{DataDir, Host};
use crate::seams::Seams;

fn place(store: &Store) -> Place {
    let config_file = store.folder.path().join("agent.toml");
    crate::files::write_private(&config_file, store.config_text().as_bytes()).unwrap();
    let host = Host {
        data_dir: DataDir::new(store.folder.path().join("data")),
        local_api_token: None,
        enrolment_token: None,
        pkcs11_pin: None,
        credentials: None,
    };
    Place { config_file, host, seams: Seams::default() }
}

fn verdicts(checks: &[Check]) -> Vec<(&'static str, Verdict)> {
    checks.iter().map(|check| (check.name, check.verdict)).collect()
}

fn bad(checks: &[Check]) -> Vec<&'static str> {
    let bad = checks.iter().filter(|check| check.verdict == Verdict::Bad);
    bad.map(|check| check.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_well_has_nothing_bad_running_or_stopped() {
    let relay = Relay::new();
    let (address, _serving) = relay.serve("127.0.0.1:0").await;
    let store = Store::new(address);
    let place = place(&store);
    let agent = store.start().await;
    agent.sell("000001").await;
    agent.until(|status| status["journal"]["unsent"] == 0).await;
    let running = check(&place).await;
    agent.stop().await;
    let stopped = check(&place).await;
    assert_eq!(bad(&running), Vec::<&str>::new(), "{running:#?}");
    assert_eq!(bad(&stopped), Vec::<&str>::new(), "{stopped:#?}");
    let names: Vec<_> = verdicts(&running).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "configuration",
            "data folder",
            "local API",
            "journal key",
            "journal",
            "disk",
            "relay: name",
            "relay: connection",
            "relay: encryption",
            "relay: answer",
            "ways up",
            "clock",
            "enrolment"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_step_of_the_way_that_fails_is_named_and_no_later_one() {
    let store = Store::new(free_address().await);
    let place = place(&store);
    store.start().await.stop().await;
    let checks = check(&place).await;
    assert_eq!(bad(&checks), ["relay: connection", "enrolment"], "{checks:#?}");
    assert!(!checks.iter().any(|check| check.name == "relay: answer"));
    assert!(checks.iter().all(|check| check.verdict == Verdict::Good || check.fix.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_without_its_key_is_named_with_the_code_that_explains_it() {
    let store = Store::new(free_address().await);
    let place = place(&store);
    store.start().await.stop().await;
    std::fs::remove_file(place.host.data_dir.journal_key()).unwrap();
    let checks = check(&place).await;
    let journal = checks.iter().find(|check| check.name == "journal").unwrap();
    assert_eq!(journal.verdict, Verdict::Bad);
    assert!(journal.found.contains("SK0042"), "{journal:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_another_program_has_is_not_taken_for_the_agent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = crate::config::parse("store = \"0042\"").unwrap();
    config.local_api.listen = listener.local_addr().unwrap();
    let taken = local_api(&config, &Err(LocalError::NotRunning)).await;
    assert_eq!(taken.verdict, Verdict::Bad);
    drop(listener);
    let free = local_api(&config, &Err(LocalError::NotRunning)).await;
    assert_eq!(free.verdict, Verdict::Notice);
}

#[test]
fn each_line_has_its_mark_and_its_fix() {
    let mut out = Vec::new();
    say(&Check::good("clock", "3 ms behind the relay"), &mut out).unwrap();
    say(&Check::bad("disk", "1 MiB free", "free space"), &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out, "√ clock: 3 ms behind the relay\n× disk: 1 MiB free\n  → free space\n");
}
