//! A relay whose store is put back to an older state.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agent::seams::Seams;
use cloud_relay::connectors::ExceptionClass;
use cloud_relay::seams::Telling;
use cloud_relay::store::model::DeliveryState;
use jiff::SignedDuration;
use tempfile::TempDir;

use crate::host::Host;
use crate::relay::{Book, Relay};
use crate::time::Time;

const RELAYS: usize = 20;

/// What lies in a folder at this moment.
fn image(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

async fn sells(relay: &Relay, hosts: &mut [Host], count: usize) {
    for host in hosts {
        for _ in 0..count {
            host.sell().await;
        }
        relay.time.pass(Duration::from_secs(30));
        host.speaks(relay).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_restored_relays_get_back_what_they_lost_and_post_nothing_twice() {
    for number in 0..RELAYS {
        let prunes = number % 4 == 0;
        let folder = tempfile::tempdir().unwrap();
        let (time, book) = (Time::new(), Book::default());
        let relay = Relay::open(folder.path(), &time, &book, Telling::Apart);
        let mut hosts = Vec::new();
        for store in ["0042", "0043"] {
            hosts.push(Host::enrolled(&relay, store, &Seams::default()).await);
        }
        sells(&relay, &mut hosts, 1 + number % 3).await;
        relay.dispatch().await;
        let backup = image(folder.path());
        sells(&relay, &mut hosts, 2 + number % 5).await;
        relay.dispatch().await;
        // The hosts hear what stands in the shop.
        sells(&relay, &mut hosts, 1).await;
        if prunes {
            for host in &hosts {
                let all = time.now() + SignedDuration::from_hours(24);
                assert!(host.journal().prune(all, 500).await.unwrap() > 0);
            }
        }
        drop(relay);
        let relay = Relay::open(backup.path(), &time, &book, Telling::Apart);
        if number % 2 == 1 {
            let again = hosts.drain(..).map(Host::restarted).collect();
            hosts = again;
        }
        for _ in 0..4 {
            sells(&relay, &mut hosts, 1).await;
        }
        relay.dispatch().await;
        let deliveries = relay.deliveries().await;
        let gaps = deliveries.iter().filter(|delivery| {
            matches!(&delivery.state, DeliveryState::Exception { class, .. }
                if *class == ExceptionClass::UnknownOutcome)
        });
        assert_eq!(gaps.count(), if prunes { hosts.len() } else { 0 }, "relay {number}");
        for host in &hosts {
            assert_eq!((host.held, relay.held(&host.device).await), (None, None), "{number}");
            assert!(host.is_level(), "relay {number}: {host:?} has unsent sales");
            // The last sale before the loss was never posted: if its content is gone, it is a
            // person's to settle, and it is never posted twice.
            let never = host.sold.iter().filter(|sale| book.count(&sale.natural_key) == 0).count();
            assert_eq!(never, usize::from(prunes), "relay {number}");
            assert!(host.sold.iter().all(|sale| book.count(&sale.natural_key) <= 1), "{number}");
        }
    }
}
