//! The relay's ingest without a socket: signed batches are unpacked, verified, understood, planned
//! for a target and committed (inbox, outbox and head in one), from several devices at the same
//! time; then the same batches come again.
//!
//! The store is what the configuration names. Calls no target and posts nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use cloud_relay::Seams;
use cloud_relay::ingest::policy::Waits;
use cloud_relay::ingest::{Ingest, IngestParts, router};
use cloud_relay::keys::{Keys, WhenMissing};
use cloud_relay::run::{open_store, targets_of};
use cloud_relay::store::SharedStore;
use cloud_relay::store::model::{NewDevice, NewToken, SessionChange};
use jiff::{SignedDuration, Timestamp};
use protocol::batch::{Batch, Entry};
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position};
use protocol::compress;
use protocol::envelope::Draft;
use protocol::handshake::judge::SessionRow;
use protocol::id::{Code, DeviceId, EventId, StoreId};
use protocol::record::{self, Findings};
use protocol::sign::{SIGNATURE_HEADER, SigningKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;
use uuid::Uuid;

use crate::sales::{Which, dealt};
use crate::timing::{now, rate};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The relay's configuration
    #[arg(long)]
    config: PathBuf,
    /// The relay's data folder
    #[arg(long)]
    data_dir: PathBuf,
    /// Devices that send at the same time
    #[arg(long)]
    devices: usize,
    /// Entries in a batch
    #[arg(long)]
    rows: usize,
    #[command(flatten)]
    sales: Which,
}

/// A batch as it is sent.
#[derive(Clone)]
struct Message {
    path: String,
    signature: String,
    packed: Vec<u8>,
}

#[tokio::main]
pub(crate) async fn run(options: &Options) -> Result<Value> {
    let config = cloud_relay::config::check(&options.config).context("read the configuration")?;
    let store = open_store(&config, &options.data_dir).await?;
    let keys = Keys::open(&options.data_dir, WhenMissing::Make, &SystemRandom::new())?;
    let (_stop, stopping) = watch::channel(false);
    let ingest = Ingest::new(IngestParts {
        store: Arc::clone(&store),
        keys: Arc::new(keys),
        targets: targets_of(&config)?,
        tenant: config.tenant.clone(),
        seams: Seams::default(),
        waits: Waits::default(),
        stopping,
    });
    let router = router(ingest);
    let sales = options.sales.read()?;
    let count = sales.len();
    let mut devices = Vec::new();
    for (number, hand) in dealt(sales, options.devices).into_iter().enumerate() {
        let device = Sender::enrol(&store, number).await?;
        let (messages, end) = device.batches(&hand, options.rows)?;
        devices.push((device, messages, end));
    }
    let messages: Vec<_> = devices.iter().map(|(_, messages, _)| messages.clone()).collect();
    let fresh = send_all(&router, messages.clone()).await?;
    let again = send_all(&router, messages).await?;
    for (device, _, end) in &devices {
        let head = store.head(&device.device, device.epoch).await.context("ask for a head")?;
        ensure!(head == Some(*end), "{} stands at {head:?} and not at {end:?}", device.device);
    }
    let mut figures = rate(count, fresh);
    figures["duplicates_per_s"] = rate(count, again)["per_s"].clone();
    let bytes: usize =
        devices.iter().flat_map(|(_, sent, _)| sent).map(|message| message.packed.len()).sum();
    figures["packed_bytes"] = json!(bytes);
    Ok(figures)
}

/// Each device sends its batches, one after another; how long all of it took.
async fn send_all(router: &Router, devices: Vec<Vec<Message>>) -> Result<Duration> {
    let mut sending = JoinSet::new();
    let begun = now();
    for messages in devices {
        let router = router.clone();
        sending.spawn(async move {
            for message in messages {
                send(&router, message).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = sending.join_next().await {
        ended.context("await a device")??;
    }
    Ok(begun.elapsed())
}

async fn send(router: &Router, message: Message) -> Result<()> {
    let request = Request::post(&message.path)
        .header(SIGNATURE_HEADER, message.signature)
        .header("content-type", "application/json")
        .header("content-encoding", compress::CONTENT_ENCODING)
        .body(Body::from(message.packed))
        .context("write a request")?;
    let answer = router.clone().oneshot(request).await.context("hand a batch over")?;
    let status = answer.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    let body =
        axum::body::to_bytes(answer.into_body(), 64 * 1024).await.context("read a problem")?;
    anyhow::bail!("hand a batch over: {status} {}", String::from_utf8_lossy(&body))
}

/// A device that the relay knows.
struct Sender {
    device: DeviceId,
    epoch: Epoch,
    key: SigningKey,
}

impl Sender {
    async fn enrol(store: &SharedStore, number: usize) -> Result<Self> {
        let random = SystemRandom::new();
        let pkcs8 = SigningKey::generate(&random).context("make a device's key")?;
        let key = SigningKey::from_pkcs8(&pkcs8).context("use a device's key")?;
        let mut drawn = [0; 32];
        random.fill(&mut drawn).map_err(|_| anyhow!("draw a token"))?;
        let label = format!("device-{number}");
        let now = at(0)?;
        let token = NewToken {
            label: Code::new(&label).context("name a token")?,
            hash: Bytes(drawn),
            store: None,
            uses: 1,
            created_at: now,
            expires_at: now.saturating_add(SignedDuration::from_hours(1))?,
        };
        store.add_token(token).await.context("add a token")?;
        let device = DeviceId::new(&label).context("name a device")?;
        let new = NewDevice {
            device: device.clone(),
            store: StoreId::new("0042").context("name a store")?,
            public_key: key.verifying_key(),
            token_hash: Bytes(drawn),
            agent_version: "1".to_owned(),
            now,
        };
        store.enrol(new).await.context("enrol a device")?.context("enrol a device")?;
        let epoch = Bytes::from_slice(&drawn[..16]).context("draw an epoch")?;
        let row = SessionRow { ticket: epoch, instance: epoch, attempt: 1 };
        let change = SessionChange {
            device: device.clone(),
            epoch,
            begin: Some(None),
            current: Some(row),
            challenge: None,
            instance: row.instance,
            hold: None,
            copy: None,
            agent_version: "1".to_owned(),
            now,
        };
        store.record_session(change).await.context("begin a session")?;
        Ok(Self { device, epoch, key })
    }

    /// All sales as signed batches, and the position at their end.
    fn batches(&self, sales: &[String], rows: usize) -> Result<(Vec<Message>, Position)> {
        let mut position = Position::START;
        let mut messages = Vec::new();
        for sales in sales.chunks(rows) {
            let before = position;
            let mut entries = Vec::with_capacity(sales.len());
            for sale in sales {
                let sequence = position.sequence.next();
                let record = self.record(sale, sequence.0)?;
                position = position.extended(self.epoch, record.as_bytes());
                entries.push(Entry { sequence, record });
            }
            let batch = Batch {
                device: self.device.clone(),
                epoch: self.epoch,
                first_sequence: before.sequence.next(),
                previous_chain_hash: before.chain_hash,
                head_sequence: position.sequence,
                absent: None,
                resent: None,
                entries,
            };
            let json = serde_json::to_vec(&batch).context("write a batch")?;
            messages.push(Message {
                path: format!("/v1/devices/{}/batches", self.device),
                signature: self.key.sign(&json).to_string(),
                packed: compress::pack_batch(&json),
            });
        }
        Ok((messages, position))
    }

    /// The record that an agent would have made of a sale.
    fn record(&self, sale: &str, sequence: u64) -> Result<String> {
        let draft = Draft::parse(sale.as_bytes()).context("understand a sale")?;
        let mut random = [0; 10];
        random.copy_from_slice(&self.epoch.0[..10]);
        random[2..].copy_from_slice(&sequence.to_be_bytes());
        let moment = at(i64::try_from(sequence).context("tell the time")?)?;
        let millis = u64::try_from(moment.as_millisecond()).context("tell the time")?;
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let id = draft.id.unwrap_or(EventId(Uuid::from_bytes(*id.as_bytes())));
        let event = draft.into_event(id).to_json();
        let record = record::seal(&event, &Findings::default(), moment);
        String::from_utf8(record).context("write a record")
    }
}

/// So many milliseconds into a fixed day.
fn at(millis: i64) -> Result<Timestamp> {
    Ok(Timestamp::from_millisecond(1_795_000_000_000 + millis)?)
}
