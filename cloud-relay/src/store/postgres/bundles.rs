//! Bundles: the exact bytes of a coalesced call, from before it is sent until it is settled.
//!
//! A lane has at most one. It is settled, and its row gone, as soon as no delivery is tied to it
//! any more. Does not know what a body says.

use tokio_postgres::Row;
use uuid::Uuid;

use super::codec::{
    Fault, json, micros, signed, time, time_option, to_json, unsigned, value, wrong_state,
};
use super::deliveries::{Place, outbox_row, set_state};
use super::lanes::check_fence;
use super::transaction::Transaction;
use crate::store::columns::SETTLED;
use crate::store::model::{Bundle, Claim, DeliveryId, DeliveryState};

/// Stores a bundle, or what changed of it since: when it was sent and is due again.
pub(super) async fn put(on: &Transaction<'_>, claim: &Claim, bundle: &Bundle) -> Result<(), Fault> {
    check_fence(on, claim).await?;
    let query = "SELECT key FROM bundles WHERE store_id = $1 AND lane_id = $2";
    let found = on.row(query, &[&claim.lane.store.as_str(), &claim.lane_id]).await?;
    match found.map(|row| value::<Uuid>(&row, 0)).transpose()? {
        Some(key) if key == bundle.key => update(on, claim, bundle).await,
        Some(key) => Err(wrong_state("bundle", &key, "not settled; the lane can have no other")),
        None => insert(on, claim, bundle).await,
    }
}

async fn insert(on: &Transaction<'_>, claim: &Claim, bundle: &Bundle) -> Result<(), Fault> {
    let numbers: Vec<i64> = bundle.members.iter().map(|member| member.number).collect();
    on.run(
        "INSERT INTO bundles (store_id, lane_id, key, body, members, tied, first_sent_at,
           deadline, due_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &claim.lane.store.as_str(),
            &claim.lane_id,
            &bundle.key,
            &bundle.body,
            &to_json(&numbers)?,
            &signed(numbers.len())?,
            &bundle.first_sent_at.map(micros),
            &bundle.deadline.map(micros),
            &micros(bundle.due_at),
            &i64::from(bundle.attempts),
        ],
    )
    .await?;
    for number in numbers {
        let id = DeliveryId { lane_id: claim.lane_id, number };
        let place = Place { store: &claim.lane.store, id };
        let before = outbox_row(on, place).await?;
        if before.state_number >= SETTLED {
            return Err(wrong_state("delivery", &id, "settled already"));
        }
        set_state(on, place, &before, &DeliveryState::Bundled { key: bundle.key }).await?;
    }
    Ok(())
}

/// The body and the members never change: what is repeated is repeated byte for byte.
async fn update(on: &Transaction<'_>, claim: &Claim, bundle: &Bundle) -> Result<(), Fault> {
    on.run(
        "UPDATE bundles SET first_sent_at = coalesce(first_sent_at, $3), deadline = $4,
           due_at = $5, attempts = $6 WHERE store_id = $1 AND lane_id = $2",
        &[
            &claim.lane.store.as_str(),
            &claim.lane_id,
            &bundle.first_sent_at.map(micros),
            &bundle.deadline.map(micros),
            &micros(bundle.due_at),
            &i64::from(bundle.attempts),
        ],
    )
    .await?;
    Ok(())
}

/// Notes that a delivery left its bundle.
pub(super) async fn untie(
    on: &Transaction<'_>,
    place: Place<'_>,
    before: &DeliveryState,
    after: &DeliveryState,
) -> Result<(), Fault> {
    let DeliveryState::Bundled { key } = before else { return Ok(()) };
    if before == after {
        return Ok(());
    }
    let (store, lane_id) = (place.store.as_str(), place.id.lane_id);
    for statement in [
        "UPDATE bundles SET tied = tied - 1 WHERE store_id = $1 AND lane_id = $2 AND key = $3",
        "DELETE FROM bundles WHERE store_id = $1 AND lane_id = $2 AND key = $3 AND tied <= 0",
    ] {
        on.run(statement, &[&store, &lane_id, key]).await?;
    }
    Ok(())
}

/// The lane's bundle that is not settled.
pub(super) async fn open(on: &Transaction<'_>, claim: &Claim) -> Result<Option<Bundle>, Fault> {
    let query = "SELECT key, body, members, first_sent_at, deadline, due_at, attempts
                 FROM bundles WHERE store_id = $1 AND lane_id = $2";
    let found = on.row(query, &[&claim.lane.store.as_str(), &claim.lane_id]).await?;
    let member = |number| DeliveryId { lane_id: claim.lane_id, number };
    let bundle = |row: &Row| {
        Ok(Bundle {
            key: value(row, 0)?,
            body: value(row, 1)?,
            members: json::<Vec<i64>>(row, 2)?.into_iter().map(member).collect(),
            first_sent_at: time_option(row, 3)?,
            deadline: time_option(row, 4)?,
            due_at: time(row, 5)?,
            attempts: unsigned(row, 6)?,
        })
    };
    found.as_ref().map(bundle).transpose()
}
