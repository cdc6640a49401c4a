//! What systemd hears, and what it does not hear of an agent that stands still.

use std::sync::{Arc, Mutex};

use super::*;
use crate::run::tests::{Store, free_address};

/// A manager whose words are kept.
fn listening() -> (Manager, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&heard);
    let tell = move |states: &[NotifyState<'_>]| {
        keep.lock().unwrap().extend(states.iter().map(ToString::to_string));
        Ok(())
    };
    (Manager { tell: Some(Box::new(tell)), interval: ROUND_INTERVAL }, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_answers_is_ready_once_and_alive_with_its_sentence() {
    let store = Store::new(free_address().await);
    let agent = store.start().await;
    let (manager, heard) = listening();
    let (place, config) = store.place();
    assert!(manager.round(&place, &config, false).await);
    assert!(manager.round(&place, &config, true).await);
    manager.stopping();
    agent.stop().await;
    let heard = heard.lock().unwrap();
    assert_eq!(heard[..2], ["READY=1", "WATCHDOG=1"]);
    assert!(heard[2].starts_with("STATUS=Selling"), "{heard:?}");
    assert_eq!((heard[3].as_str(), heard[5].as_str()), ("WATCHDOG=1", "STOPPING=1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_answers_nobody_is_neither_ready_nor_alive() {
    let store = Store::new(free_address().await);
    store.start().await.stop().await;
    let (manager, heard) = listening();
    let (place, config) = store.place();
    assert!(!manager.round(&place, &config, false).await);
    assert_eq!(*heard.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn an_agent_that_salvages_its_journal_is_alive() {
    let store = Store::new(free_address().await);
    let (manager, heard) = listening();
    let (place, config) = store.place();
    let (phase, phases) = watch::channel(Phase::Opening);
    let hears = async {
        while !heard.lock().unwrap().iter().any(|word| word == "WATCHDOG=1") {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        never = manager.tend(&place, &config, phases) => match never {},
        () = hears => {}
    }
    drop(phase);
    assert!(!heard.lock().unwrap().iter().any(|word| word == "READY=1"));
}
