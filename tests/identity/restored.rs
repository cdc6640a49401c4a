//! A host whose disk is put back to an older state.

use std::time::Duration;

use agent::seams::Seams;
use cloud_relay::seams::Telling;
use protocol::handshake::HoldReason;

use crate::host::{Host, Sale};
use crate::relay::{Book, Relay};
use crate::time::Time;

const RESTORED: usize = 100;

/// Longer than the silence that is waited for, in steps of half a minute.
const SILENCE_STEPS: usize = 24;

/// How a backup comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It lacks sales that were relayed.
    Behind,
    /// It lacks nothing.
    Level,
    /// It lacks relayed sales, and sold others before it spoke with the relay.
    SoldMeanwhile,
    /// It lacks relayed sales, and the same backup is put back once more later.
    Twice,
}

const WAYS: [Way; 4] = [Way::Behind, Way::Level, Way::SoldMeanwhile, Way::Twice];

/// Sells and speaks for longer than the former instance has to be silent.
async fn waits(relay: &Relay, host: &mut Host) {
    for step in 0..SILENCE_STEPS {
        relay.time.pass(Duration::from_secs(30));
        if step.is_multiple_of(6) {
            host.sell().await;
        }
        host.speaks(relay).await;
    }
}

/// What a folder or a database has of the sales that were lost is read again.
async fn reads_again(host: &Host, lost: &[Sale]) {
    for sale in lost {
        host.journal_sale(sale).await;
    }
}

async fn restored(relay: &Relay, number: usize) -> (Vec<Sale>, Host) {
    let way = WAYS[number % WAYS.len()];
    let mut one = Host::enrolled(relay, &format!("r{number:03}"), &Seams::default()).await;
    for _ in 0..2 + number % 5 {
        one.sell().await;
    }
    one.speaks(relay).await;
    let early = (way != Way::Level).then(|| (one.image(), one.image(), one.sold.len()));
    for _ in 0..=number % 3 {
        one.sell().await;
    }
    one.speaks(relay).await;
    let (image, again, kept) = early.unwrap_or_else(|| (one.image(), one.image(), one.sold.len()));
    let mut two = one.copied(image, 1);
    let sold = std::mem::take(&mut one.sold);
    // The host whose disk it was is gone.
    drop(one);
    let lost = sold[kept..].to_vec();
    let missing = u64::try_from(lost.len()).unwrap();
    match way {
        Way::Level => {
            two.speaks(relay).await;
            assert_eq!((two.held, relay.held(&two.device).await), (None, None), "no alarm");
        }
        Way::Behind | Way::Twice => {
            two.speaks(relay).await;
            assert_eq!(two.held, Some(HoldReason::Behind), "{number}");
            let rewound =
                two.health().changes().borrow().rewound.clone().expect("the gap is shown");
            assert_eq!(rewound.lost, missing);
            assert!(two.journal().identity().predecessor.is_some(), "a new epoch");
            waits(relay, &mut two).await;
            assert_eq!((two.held, relay.held(&two.device).await), (None, None), "{number}");
            reads_again(&two, &lost).await;
        }
        Way::SoldMeanwhile => {
            two.sell().await;
            two.speaks(relay).await;
            assert_eq!(two.held, Some(HoldReason::Fork), "{number}");
            two.sell().await;
            waits(relay, &mut two).await;
            assert_eq!(two.held, Some(HoldReason::Fork), "only a person ends it");
            let now = relay.time.now();
            relay.store.release_device(&two.device, None, now).await.unwrap();
            waits(relay, &mut two).await;
            assert!(two.displaced, "it gets a name of its own");
            two = two.enrols_anew(relay).await;
            reads_again(&two, &lost).await;
        }
    }
    two.sell().await;
    two.speaks(relay).await;
    if way == Way::Twice {
        // The same backup once more: it knows nothing of the epoch that has begun since.
        let mut three = two.copied(again, 1);
        let mut sold_since = std::mem::take(&mut two.sold);
        drop(two);
        three.speaks(relay).await;
        assert_eq!(three.held, Some(HoldReason::Behind), "{number}");
        waits(relay, &mut three).await;
        assert_eq!(three.held, None, "{number}");
        reads_again(&three, &sold_since).await;
        three.sold.append(&mut sold_since);
        two = three;
    }
    relay.time.pass(Duration::from_secs(60));
    two.speaks(relay).await;
    (sold, two)
}

/// So many restored hosts, one after the other.
pub(crate) async fn sell_on(relay: &Relay, count: usize) {
    for number in 0..count {
        let (before, host) = restored(relay, number).await;
        relay.dispatch().await;
        assert!(host.is_level(), "{number}: {host:?} has unsent sales");
        for sale in before.iter().chain(&host.sold) {
            assert_eq!(relay.book.count(&sale.natural_key), 1, "{number}: {}", sale.natural_key);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_restored_hosts_sell_on_and_no_sale_is_lost_or_posted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (time, book) = (Time::new(), Book::default());
    let relay = Relay::open(folder.path(), &time, &book, Telling::Apart);
    sell_on(&relay, RESTORED).await;
}
