//! Registers whose batches come in at the same time, and a worker that delivers.
//!
//! Whatever the store has committed is told to the rig after the commit; the control tells of a
//! batch before it. Does not stop by itself.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use cloud_relay::connectors::TargetRef;
use cloud_relay::store::SharedStore;
use cloud_relay::store::model::{
    BatchOutcome, Claim, Delivery, DeliveryState, NewDevice, NewToken, SessionChange, Step,
    Transition,
};
use jiff::{SignedDuration, Timestamp};
use protocol::bytes::Bytes;
use protocol::chain::Position;
use protocol::handshake::judge::SessionRow;
use protocol::id::Code;
use tokio::task::JoinSet;

use super::register::{self, REGISTERS, Register};
use crate::rig::life::Birth;
use crate::rig::plan::Subject;
use crate::rig::report::Said;

/// How long the worker may hold a lane: shorter than the time between two lives.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// How long a token admits a register: beyond every life of a series.
const TOKEN_TIME: SignedDuration = SignedDuration::from_hours(10_000);

/// Deliveries that the worker takes at a time; their names fit a line that a pipe takes whole.
const DELIVERIES_AT_ONCE: usize = 40;

/// Takes batches and delivers until the power goes.
pub(crate) async fn live(birth: &Birth) -> Result<()> {
    let store: SharedStore = Arc::new(super::open(&birth.folder)?);
    let now = register::now(birth.life)?;
    let is_hasty = birth.subject == Subject::RelayHasty;
    let mut tasks = JoinSet::new();
    for register in (0..REGISTERS).map(Register) {
        tasks.spawn(send(Arc::clone(&store), register, now, is_hasty));
    }
    tasks.spawn(deliver(store, now));
    match tasks.join_next().await {
        Some(ended) => ended.context("await a register")?,
        None => bail!("there was no register"),
    }
}

async fn send(store: SharedStore, register: Register, now: Timestamp, hasty: bool) -> Result<()> {
    let mut position = begin(&store, register, now).await?;
    loop {
        let batch = register.batch_after(position, now)?;
        let end = batch.entries.last().context("fill a batch")?.position;
        let committed = Said::Committed { register: register.0, end };
        if hasty {
            committed.say().context("tell of a batch too early")?;
        }
        match store.commit_batch(batch).await.context("commit a batch")? {
            BatchOutcome::Committed { end: held, .. } if held == end => {}
            other => bail!("register {} after {position:?}: {other:?}", register.0),
        }
        if !hasty {
            committed.say().context("tell of a batch")?;
        }
        position = end;
    }
}

/// Makes the register known, as far as a life before did not; where its journal stands here.
async fn begin(store: &SharedStore, register: Register, now: Timestamp) -> Result<Position> {
    let (device, epoch) = (register.device()?, register.epoch());
    if store.device(&device).await?.is_none() {
        enrol(store, register, now).await?;
    }
    if let Some(head) = store.head(&device, epoch).await? {
        return Ok(head);
    }
    let row = SessionRow { ticket: Bytes([1; 16]), instance: Bytes([1; 16]), attempt: 1 };
    let change = SessionChange {
        device,
        epoch,
        begin: Some(None),
        current: Some(row),
        challenge: None,
        instance: row.instance,
        hold: None,
        copy: None,
        agent_version: "1.0.0".to_owned(),
        now,
    };
    store.record_session(change).await.context("begin a session")?;
    Ok(Position::START)
}

async fn enrol(store: &SharedStore, register: Register, now: Timestamp) -> Result<()> {
    let (device, hash) = (register.device()?, register.secret());
    let label = Code::new(device.as_str()).context("name a token")?;
    if !store.tokens().await?.iter().any(|token| token.label == label) {
        let token = NewToken {
            label,
            hash,
            store: None,
            uses: 1,
            created_at: now,
            expires_at: now.saturating_add(TOKEN_TIME)?,
        };
        store.add_token(token).await.context("add a token")?;
    }
    let device = NewDevice {
        device,
        store: register::store()?,
        public_key: hash,
        token_hash: hash,
        agent_version: "1.0.0".to_owned(),
        now,
    };
    store.enrol(device).await?.context("enrol a register").map(drop)
}

/// Delivers what is due, whenever there is work.
async fn deliver(store: SharedStore, now: Timestamp) -> Result<()> {
    let mut work = store.wakes().work();
    loop {
        while let Some(claim) = store.claim_lane("worker", now, LEASE).await.context("claim")? {
            deliver_some(&store, &claim, now).await?;
            store.release_lane(&claim, None).await.context("give a lane back")?;
        }
        work.changed().await.context("wait for work")?;
    }
}

async fn deliver_some(store: &SharedStore, claim: &Claim, now: Timestamp) -> Result<()> {
    let open =
        store.open_deliveries(claim, DELIVERIES_AT_ONCE).await.context("look into a lane")?;
    let names = |deliveries: &[Delivery]| deliveries.iter().map(|it| it.id.to_string()).collect();
    let steps: Vec<_> =
        open.iter().map(|it| Step { id: it.id, deadline: claim.lease_until, now }).collect();
    store.begin(claim, &steps).await.context("begin attempts")?;
    Said::Attempted { deliveries: names(&open) }.say().context("tell of attempts")?;
    let done: Vec<_> = open.iter().map(|it| done(it, now)).collect();
    store.finish(claim, &done).await.context("record what came of attempts")?;
    Said::Delivered { deliveries: names(&open) }.say().context("tell of deliveries")
}

fn done(delivery: &Delivery, now: Timestamp) -> Transition {
    let name = delivery.id.to_string();
    let reference = TargetRef { id: format!("id/{name}"), name, detail: serde_json::Value::Null };
    let state = DeliveryState::Done { reference };
    Transition { id: delivery.id, state, said: "created".to_owned(), now }
}
