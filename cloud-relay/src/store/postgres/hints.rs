//! Hints between replicas: LISTEN and NOTIFY on a connection of their own.
//!
//! What a commit has to tell is said after it, in a statement of its own: a NOTIFY within the
//! transaction would hold a lock of the whole database through the commit, and so line up the
//! commits of all replicas. Nothing depends on a hint: one that is lost costs the time until a
//! waiter looks again by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use protocol::id::DeviceId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Notification};

use super::open::Connector;
use super::transaction::Hint;
use crate::store::wake::Wakes;

/// The channel that all replicas listen on.
const CHANNEL: &str = "storekeep_relay";

/// The hint that some lane is due; every other payload names a device with news.
const WORK: &str = "!work";

/// Commits whose hints wait to be said; beyond this they are dropped.
const QUEUE_MAX: usize = 1_024;

/// How long after a lost connection the next one is tried.
const RECONNECT_AFTER: Duration = Duration::from_secs(2);

/// Says and hears hints until it is dropped.
#[derive(Debug)]
pub(super) struct Hints {
    said: mpsc::Sender<Hint>,
    task: JoinHandle<()>,
}

impl Hints {
    pub(super) fn start(connector: Connector, wakes: Arc<Wakes>) -> Self {
        let (said, to_say) = mpsc::channel(QUEUE_MAX);
        Self { said, task: tokio::spawn(keep_talking(connector, to_say, wakes)) }
    }

    /// Says what a commit has to tell, without waiting.
    pub(super) fn say(&self, hint: Hint) {
        if (hint.work || !hint.devices.is_empty()) && self.said.try_send(hint).is_err() {
            tracing::debug!("a hint to other replicas was dropped; they look by themselves");
        }
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_talking(connector: Connector, mut to_say: mpsc::Receiver<Hint>, wakes: Arc<Wakes>) {
    loop {
        match talk(&connector, &mut to_say, &wakes).await {
            Ok(false) => return,
            Ok(true) => tracing::warn!("the database ended the connection for hints"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "hints between replicas stopped; they are tried again");
            }
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}

/// Returns whether to connect again: the server closed the connection, and not the store.
async fn talk(
    connector: &Connector,
    to_say: &mut mpsc::Receiver<Hint>,
    wakes: &Wakes,
) -> Result<bool, tokio_postgres::Error> {
    let (client, mut connection) = connector.config.connect(connector.tls.clone()).await?;
    let mut heard = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    let speak = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        while let Some(hint) = to_say.recv().await {
            let mut payloads: BTreeSet<String> = payloads(&hint);
            while let Ok(more) = to_say.try_recv() {
                payloads.extend(self::payloads(&more));
            }
            notify(&client, &payloads.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(false)
    };
    let listen = async {
        while let Some(message) = heard.next().await {
            if let AsyncMessage::Notification(notification) = message? {
                wake(wakes, &notification);
            }
        }
        Ok(true)
    };
    tokio::select! { spoken = speak => spoken, heard = listen => heard }
}

fn payloads(hint: &Hint) -> BTreeSet<String> {
    let work = hint.work.then(|| WORK.to_owned());
    hint.devices.iter().map(ToString::to_string).chain(work).collect()
}

async fn notify(client: &Client, payloads: &[String]) -> Result<(), tokio_postgres::Error> {
    let statement = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload";
    client.execute(statement, &[&CHANNEL, &payloads]).await?;
    Ok(())
}

/// A process hears its own hints as well; a waiter that was woken by the commit looks once more.
fn wake(wakes: &Wakes, notification: &Notification) {
    match notification.payload() {
        WORK => wakes.work_arrived(),
        device => match DeviceId::new(device) {
            Ok(device) => wakes.news_arrived(&device),
            Err(error) => tracing::debug!(%error, "a hint named no device"),
        },
    }
}
