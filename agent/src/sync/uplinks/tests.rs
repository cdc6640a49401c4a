//! Several ways to one relay: what happens when one fails, and what a budget holds back.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use futures_util::FutureExt;
use protocol::bytes::Bytes;
use protocol::chain::{Position, Sequence};

use super::*;
use crate::config::{HttpsConfig, Metered, Period, UplinkConfig};
use crate::health::Link;
use crate::seams::Seams;
use crate::sync::tests::{Simulated, Store, gone, sequences};

/// A way to the relay that can be cut.
#[derive(Debug, Default)]
struct Cable {
    is_cut: AtomicBool,
    /// Polls that began.
    polls: AtomicU32,
}

impl Cable {
    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

struct Wire(Arc<Cable>, Arc<Simulated>);

impl Wire {
    fn carries(&self) -> Result<&Simulated, Failure> {
        if self.0.is_cut.load(Ordering::SeqCst) { Err(gone()) } else { Ok(&self.1) }
    }
}

impl Uplink for Wire {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        self.carries()?.open_session(statement).await
    }

    async fn send(&self, batch: &Packed) -> Result<BatchAnswer, Failure> {
        self.carries()?.send(batch).await
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        self.0.polls.fetch_add(1, Ordering::SeqCst);
        self.carries()?.poll(poll).await
    }
}

/// The ways to a relay, by whether they are metered with a budget of a megabyte.
async fn ways(
    store: &Store,
    relay: &Arc<Simulated>,
    metered: &[bool],
) -> (Arc<Uplinks<Wire>>, Vec<Arc<Cable>>) {
    let (mut lines, mut cables) = (Vec::new(), Vec::new());
    for (number, is_metered) in metered.iter().enumerate() {
        let (cable, relay) = (Arc::new(Cable::default()), Arc::clone(relay));
        cables.push(Arc::clone(&cable));
        let url = format!("https://{number}.example.com").parse().unwrap();
        let budget = Metered { mb: NonZeroU32::MIN, per: Period::Day };
        let metered = is_metered.then_some(budget);
        let config = UplinkConfig::Https(HttpsConfig { metered, ..HttpsConfig::at(url) });
        let make = move || Ok::<_, std::io::Error>(Wire(Arc::clone(&cable), Arc::clone(&relay)));
        lines.push(Line::new(&config, make));
    }
    let uplinks = Uplinks::open(store.parts.clone(), lines).await.unwrap();
    (Arc::new(uplinks), cables)
}

fn standings(store: &Store) -> Vec<UplinkStanding> {
    let state = store.parts.health.state(store.parts.seams.reading());
    state.uplinks.into_iter().map(|uplink| uplink.standing).collect()
}

fn failed() -> UplinkStanding {
    UplinkStanding::Failed { reason: gone().reason().clone() }
}

#[tokio::test]
async fn a_way_that_fails_is_followed_by_the_next_within_the_same_session() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    let (uplinks, cables) = ways(&store, &relay, &[false, false]).await;
    store
        .while_syncing(&uplinks, async {
            store.sell(1).await;
            store.until_acknowledged(1).await;
            assert_eq!(standings(&store), [UplinkStanding::InUse, UplinkStanding::NotTried]);
            let sessions = relay.relay.lock().unwrap().sessions;
            cables[0].cut(true);
            store.sell(2).await;
            store.until_acknowledged(2).await;
            assert_eq!(standings(&store), [failed(), UplinkStanding::InUse]);
            assert_eq!(relay.relay.lock().unwrap().sessions, sessions, "the session goes on");
            let link = store.parts.health.state(store.parts.seams.reading()).link;
            assert!(link.is_online(), "{link:?}");
        })
        .await;
    assert_eq!(relay.relay.lock().unwrap().taken, sequences(1..=2));
}

/// The control: without another way the same cut is an outage.
#[tokio::test]
async fn the_only_way_that_fails_is_an_outage_until_it_is_back() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    let (uplinks, cables) = ways(&store, &relay, &[false]).await;
    store
        .while_syncing(&uplinks, async {
            store.sell(1).await;
            store.until_acknowledged(1).await;
            cables[0].cut(true);
            store.sell(2).await;
            store.until_link(|link| matches!(link, Link::Offline { .. })).await;
            assert_eq!(store.parts.journal.acknowledged().sequence, Sequence(1));
            assert_eq!(standings(&store), [failed()]);
            cables[0].cut(false);
            store.until_acknowledged(2).await;
        })
        .await;
    assert_eq!(relay.relay.lock().unwrap().taken, sequences(1..=2));
}

#[tokio::test]
async fn an_outage_of_all_ways_ends_with_the_first_that_is_back() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    let (uplinks, cables) = ways(&store, &relay, &[false, false]).await;
    cables.iter().for_each(|cable| cable.cut(true));
    store
        .while_syncing(&uplinks, async {
            store.sell(1).await;
            store.until_link(|link| matches!(link, Link::Offline { .. })).await;
            cables[1].cut(false);
            store.until_acknowledged(1).await;
            assert_eq!(standings(&store), [failed(), UplinkStanding::InUse]);
        })
        .await;
}

#[tokio::test]
async fn a_way_that_cannot_be_set_up_keeps_no_other_one_back() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    let broken =
        UplinkConfig::Https(HttpsConfig::at("https://broken.example.com".parse().unwrap()));
    let good = UplinkConfig::Https(HttpsConfig::at("https://good.example.com".parse().unwrap()));
    let cable = Arc::new(Cable::default());
    let wire = {
        let (cable, relay) = (Arc::clone(&cable), Arc::clone(&relay));
        move || Ok::<_, std::io::Error>(Wire(Arc::clone(&cable), Arc::clone(&relay)))
    };
    let lines = vec![
        Line::new(&broken, || Err(std::io::Error::other("no certificates"))),
        Line::new(&good, wire),
    ];
    let uplinks = Arc::new(Uplinks::open(store.parts.clone(), lines).await.unwrap());
    store.sell(1).await;
    store.while_syncing(&uplinks, store.until_acknowledged(1)).await;
    let [UplinkStanding::Failed { reason }, UplinkStanding::InUse] = &standings(&store)[..] else {
        panic!("{:?}", standings(&store));
    };
    assert_eq!((reason.code, reason.text.as_str()), (Code::Configuration, "no certificates"));
}

fn packed(bytes: usize) -> Packed {
    let json = b"{}".to_vec();
    Packed { json, packed: vec![0; bytes], end: Position::START, entries: 1 }
}

fn poll() -> Poll {
    Poll { after: 0, head: Sequence(0), ticket: Bytes([5; 16]), wait_seconds: 0 }
}

#[tokio::test]
async fn over_a_spent_line_receipts_go_gathered_and_news_wait() {
    let time = Arc::new(AtomicU64::new(0));
    let hand = Arc::clone(&time);
    let steady = Arc::new(move || Duration::from_secs(hand.load(Ordering::SeqCst)));
    let store = Store::new(Seams { steady, ..Seams::default() });
    let relay = Simulated::new();
    let (uplinks, cables) = ways(&store, &relay, &[true]).await;
    assert!(uplinks.until_batch_may_go().now_or_never().is_some());
    // What the relay makes of it does not matter: the bytes went up.
    cables[0].cut(true);
    uplinks.count(0, |meter, _| meter.received(1_000_000)).await.unwrap();
    assert!(uplinks.until_batch_may_go().now_or_never().is_some(), "the first goes at once");
    assert!(uplinks.send(&packed(100)).await.is_err());
    assert!(uplinks.until_batch_may_go().now_or_never().is_none());
    assert!(uplinks.poll(poll()).now_or_never().is_none());
    assert_eq!(cables[0].polls.load(Ordering::SeqCst), 0, "news wait");
    time.fetch_add(SPENT_PAUSE.as_secs(), Ordering::SeqCst);
    assert!(uplinks.until_batch_may_go().now_or_never().is_some());
}

#[tokio::test]
async fn what_a_line_has_used_survives_a_restart() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    let (uplinks, _cables) = ways(&store, &relay, &[true]).await;
    uplinks.count(0, |meter, _| meter.received(700_000)).await.unwrap();
    drop(uplinks);
    let (_uplinks, _cables) = ways(&store, &relay, &[true]).await;
    let state = store.parts.health.state(store.parts.seams.reading());
    let used = state.uplinks[0].metered.unwrap();
    assert!(used.used_bytes >= 743_750, "{used:?}");
    assert_eq!(used.level, Level::Near, "with what is durable ahead");
}
