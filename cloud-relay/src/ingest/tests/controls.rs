//! The faults that a harness may set break what they say they break.

use std::time::Duration;

use protocol::batch::BatchAnswer;
use protocol::chain::Position;

use super::make::Bench;
use crate::ingest::policy::Waits;
use crate::seams::Seams;
use crate::store::model::Dedupe;

fn acknowledging_first(fault_commit: Duration) -> Bench {
    let seams = Seams { acknowledge_before_commit: true, ..Seams::default() };
    Bench::with(seams, Waits { fault_commit, ..Waits::default() })
}

#[tokio::test]
async fn with_acknowledge_before_commit_the_word_is_given_before_the_row_is_there() {
    // As if the relay were killed in between: the commit never comes.
    let bench = acknowledging_first(Duration::MAX);
    let mut agent = bench.agent("one").await;
    agent.sell(1..=2);
    assert_eq!(agent.relay(&bench).await, agent.head());
    assert!(bench.deliveries().await.is_empty(), "acknowledged, and lost");
    let head = bench.store.head(&agent.device, agent.epoch).await.unwrap();
    assert_eq!(head, Some(Position::START));
}

#[tokio::test]
async fn with_acknowledge_before_commit_the_next_batch_follows_the_late_commit() {
    let bench = acknowledging_first(Duration::from_millis(1));
    let mut agent = bench.agent("one").await;
    agent.sell(1..=2);
    agent.relay(&bench).await;
    agent.sell(3..=3);
    let next = agent.batch(2, 1);
    assert!(matches!(agent.send(&bench, &next).await.read(), BatchAnswer::Acknowledgement(_)));
    assert!(bench.deliveries().await.len() >= 2, "the first batch is there by now");
}

#[tokio::test]
async fn without_deduplication_a_repeated_batch_doubles_what_it_calls_for() {
    let bench = Bench::new(Seams { dedupe: Dedupe::Off, ..Seams::default() });
    let mut agent = bench.agent("one").await;
    agent.sell(1..=2);
    agent.relay(&bench).await;
    agent.relay(&bench).await;
    assert_eq!(bench.deliveries().await.len(), 4);
}
