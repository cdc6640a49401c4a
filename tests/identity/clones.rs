//! A disk image that runs at a second till.

use std::time::Duration;

use agent::seams::Seams;
use cloud_relay::seams::Telling;
use protocol::handshake::HoldReason;

use crate::host::Host;
use crate::relay::{Book, Relay};
use crate::time::Time;

const CLONES: usize = 100;

/// Within which a clone is found while both sell.
const FOUND_WITHIN: Duration = Duration::from_secs(120);

/// Between two looks at everybody.
const TICK: Duration = Duration::from_secs(5);

/// Ticks within which a host has heard of what a person decided, and has sent everything.
const SETTLED_TICKS: usize = 40;

/// What became of an original and its copy until a person looked.
#[derive(Debug)]
struct Fate {
    one: Host,
    two: Host,
    /// How long both had been selling when both were told; none if one never was.
    told_after: Option<Duration>,
    /// Entries of both counted as the device's, and nobody had decided so.
    merged: bool,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("device", &self.device).field("held", &self.held).finish()
    }
}

/// A store whose disk is copied: the copy may have sold less than the original by the time it
/// starts, may have been taken with unsent sales, and of a host that was started again since.
async fn copied(relay: &Relay, number: usize) -> Fate {
    let mut one = Host::enrolled(relay, &format!("c{number:03}"), &Seams::default()).await;
    for _ in 0..3 + number % 4 {
        one.sell().await;
    }
    one.speaks(relay).await;
    if number.is_multiple_of(5) {
        one.sell().await;
    }
    let image = one.image();
    if number.is_multiple_of(2) {
        for _ in 0..=number % 3 {
            one.sell().await;
        }
        one.speaks(relay).await;
    }
    if number % 3 == 1 {
        one = one.restarted();
    }
    let mut two = one.copied(image, 2);
    // Some copies hear from the relay before their first sale, some only later.
    if number % 4 < 3 {
        two.speaks(relay).await;
    }
    let began = relay.time.moment();
    let (mut told_after, mut merged) = (None, false);
    while told_after.is_none() && relay.time.moment() - began <= FOUND_WITHIN {
        for host in [&mut one, &mut two] {
            host.sell().await;
            host.speaks(relay).await;
        }
        merged |= is_merged(relay, &one).await;
        if one.held.is_some() && two.held.is_some() {
            told_after = Some(relay.time.moment() - began);
        }
        relay.time.pass(TICK);
    }
    Fate { one, two, told_after, merged }
}

/// Nobody decided anything yet, so no more than the first journal may count.
async fn is_merged(relay: &Relay, host: &Host) -> bool {
    let story = relay.story(&host.device).await;
    story.epochs.iter().filter(|epoch| epoch.begun).count() > 1
}

/// A person keeps the one that goes on from what the relay holds; the other enrols anew.
async fn settled(relay: &Relay, fate: Fate) -> [Host; 2] {
    let Fate { mut one, mut two, .. } = fate;
    let device = one.device.clone();
    let keep = |host: &Host| Some(host.instance());
    let now = relay.time.now();
    if relay.store.release_device(&device, keep(&one), now).await.is_err() {
        relay.store.release_device(&device, keep(&two), now).await.unwrap();
    }
    for _ in 0..SETTLED_TICKS {
        relay.time.pass(TICK);
        for host in [&mut one, &mut two] {
            host.sell().await;
            host.speaks(relay).await;
        }
        if one.displaced || two.displaced {
            break;
        }
    }
    assert!(one.displaced ^ two.displaced, "one of the two keeps the name");
    if one.displaced {
        one = one.enrols_anew(relay).await;
    } else {
        two = two.enrols_anew(relay).await;
    }
    for _ in 0..SETTLED_TICKS {
        relay.time.pass(TICK);
        one.speaks(relay).await;
        two.speaks(relay).await;
        if one.is_level() && two.is_level() {
            break;
        }
    }
    [one, two]
}

async fn posted_once(relay: &Relay, hosts: &[Host]) {
    relay.dispatch().await;
    for host in hosts {
        assert!(host.is_level(), "{host:?} has unsent sales");
        for sale in &host.sold {
            assert_eq!(relay.book.count(&sale.natural_key), 1, "{}", sale.natural_key);
        }
    }
}

/// So many clones, one after the other.
pub(crate) async fn found_kept_apart_and_settled(relay: &Relay, count: usize) {
    let mut slowest = Duration::ZERO;
    for number in 0..count {
        let mut fate = copied(relay, number).await;
        assert!(!fate.merged, "clone {number}: {fate:?}");
        let told_after = fate.told_after.unwrap_or_else(|| panic!("clone {number}: {fate:?}"));
        slowest = slowest.max(told_after);
        // One that sold less is held like a restored backup at first, and not released while the
        // other one lives.
        if relay.held(&fate.one.device).await == Some(HoldReason::Behind) {
            for _ in 0..24 {
                relay.time.pass(Duration::from_secs(30));
                fate.one.speaks(relay).await;
                fate.two.speaks(relay).await;
                assert!(!is_merged(relay, &fate.one).await, "clone {number}: {fate:?}");
            }
            let held = relay.held(&fate.one.device).await;
            assert_eq!(held, Some(HoldReason::Clone), "clone {number}");
        }
        let hosts = settled(relay, fate).await;
        posted_once(relay, &hosts).await;
    }
    println!("{count} clones: all found, the slowest after {} s", slowest.as_secs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clones_are_found_kept_apart_and_settled_without_losing_or_doubling_a_sale() {
    let folder = tempfile::tempdir().unwrap();
    let (time, book) = (Time::new(), Book::default());
    let relay = Relay::open(folder.path(), &time, &book, Telling::Apart);
    found_kept_apart_and_settled(&relay, CLONES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_without_telling_hosts_apart_a_clone_is_merged_silently() {
    let folder = tempfile::tempdir().unwrap();
    let (time, book) = (Time::new(), Book::default());
    let relay = Relay::open(folder.path(), &time, &book, Telling::Nobody);
    let mut merged = 0;
    for number in 0..CLONES / 10 {
        merged += usize::from(copied(&relay, number).await.merged);
    }
    assert!(merged > 0, "the story above would have noticed");
}
