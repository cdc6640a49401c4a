//! News come down within the poll that waits for them.

use std::time::Duration;

use protocol::downlink::DownlinkBody;
use protocol::progress::ProgressState;

use super::make::{Agent, Bench, at, signing_key};
use crate::connectors::ExceptionClass;
use crate::seams::Seams;
use crate::store::model::{DeliveryState, Resolution, ResolutionKind, Transition};

/// Stands in for a hang; nothing waits this long.
const DEADLINE: Duration = Duration::from_secs(20);

/// Makes the first delivery an exception, as dispatch does.
async fn refuse_first(bench: &Bench) {
    let lease = jiff::SignedDuration::from_secs(30);
    let claim = bench.store.claim_lane("test", at(0), lease).await.unwrap().unwrap();
    let delivery = bench.store.open_deliveries(&claim, 1).await.unwrap().remove(0);
    let (class, reason) = (ExceptionClass::UnknownItem, "4711 is unknown".to_owned());
    let state = DeliveryState::Exception { class, reason, since: at(0) };
    let step = Transition { id: delivery.id, state, said: "no".to_owned(), now: at(0) };
    bench.store.finish(&claim, &[step]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_poll_is_woken_by_news() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=1);
    agent.relay(&bench).await;
    assert!(agent.poll(&bench, 0, 0).await.items.is_empty());
    let waiting = tokio::time::timeout(DEADLINE, agent.poll(&bench, 0, 25));
    let (page, ()) = tokio::join!(waiting, refuse_first(&bench));
    let page = page.expect("the poll is woken");
    let [item] = page.items.as_slice() else { panic!("{page:?}") };
    let DownlinkBody::Progress(progress) = &item.body else { panic!("{item:?}") };
    assert_eq!(progress.state, ProgressState::Exception);
    assert!(agent.poll(&bench, item.cursor, 0).await.items.is_empty(), "the cursor goes on");
    let by = "finance".to_owned();
    let id = bench.deliveries().await[0].id;
    let kind = ResolutionKind::NotToBePosted;
    let note = "a test".to_owned();
    let resolution = Resolution { kind, by, note, reference: None, at: at(1) };
    bench.store.resolve(id, resolution).await.unwrap();
    assert_eq!(agent.poll(&bench, item.cursor, 25).await.items.len(), 1);
}

#[tokio::test]
async fn a_poll_says_when_nothing_is_unsent() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=1);
    agent.relay(&bench).await;
    bench.set_time(60);
    agent.poll(&bench, 0, 0).await;
    let device = bench.store.device(&agent.device).await.unwrap().unwrap();
    assert_eq!((device.level_at, device.seen_at), (Some(at(60)), Some(at(60))));
    agent.sell(2..=2);
    bench.set_time(120);
    agent.poll(&bench, 0, 0).await;
    let device = bench.store.device(&agent.device).await.unwrap().unwrap();
    assert_eq!(device.level_at, Some(at(60)), "a sale is unsent");
}

#[tokio::test]
async fn only_the_session_that_is_current_is_told_anything() {
    let bench = Bench::new(Seams::default());
    let agent = bench.agent("one").await;
    let ticket = agent.ticket.unwrap();
    let other = "00".repeat(16);
    assert_eq!(agent.ask(&bench, &format!("ticket={other}")).await.code(), "SK0027");
    assert_eq!(agent.ask(&bench, "after=1").await.code(), "SK0030");
    assert_eq!(agent.ask(&bench, &format!("after=x&ticket={ticket}")).await.code(), "SK0030");
    let mut thief = Agent::new(signing_key());
    thief.device = agent.device.clone();
    assert_eq!(thief.ask(&bench, &format!("ticket={ticket}")).await.code(), "SK0021");
}

#[tokio::test]
async fn a_stopping_relay_ends_its_polls() {
    let bench = Bench::new(Seams::default());
    let agent = bench.agent("one").await;
    let waiting = tokio::time::timeout(DEADLINE, agent.poll(&bench, 0, 25));
    let (page, _former) = tokio::join!(waiting, async { bench.stop.send_replace(true) });
    assert!(page.expect("the poll ends").items.is_empty());
}
