//! What PostgreSQL costs without us: batches of rows in one statement (`unnest`, the fastest way
//! known), each committed and synced, over several connections.
//!
//! Does nothing else with a sale.

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::sales::{Which, dealt};
use crate::timing::{now, rate};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The database, without the table
    #[arg(long)]
    url: String,
    /// Connections at the same time
    #[arg(long)]
    connections: usize,
    /// Rows in one statement
    #[arg(long)]
    rows: usize,
    #[command(flatten)]
    sales: Which,
}

#[tokio::main]
pub(crate) async fn run(options: &Options) -> Result<Value> {
    let sales = options.sales.read()?;
    let count = sales.len();
    let table = "CREATE TABLE bare (number bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, body bytea NOT NULL)";
    connect(&options.url).await?.batch_execute(table).await.context("make the table")?;
    let numbered: Vec<_> = (1_i64..).zip(sales).collect();
    let batches: Vec<_> = numbered.chunks(options.rows).map(<[_]>::to_vec).collect();
    let mut hands = JoinSet::new();
    let mut connected = Vec::new();
    for hand in dealt(batches, options.connections) {
        connected.push((Arc::new(connect(&options.url).await?), hand));
    }
    let begun = now();
    for (client, hand) in connected {
        hands.spawn(async move {
            for batch in hand {
                insert(&client, &batch).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = hands.join_next().await {
        ended.context("await a connection")??;
    }
    Ok(rate(count, begun.elapsed()))
}

async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("connect")?;
    tokio::spawn(connection);
    Ok(client)
}

async fn insert(client: &tokio_postgres::Client, batch: &[(i64, String)]) -> Result<()> {
    let numbers: Vec<i64> = batch.iter().map(|(number, _)| *number).collect();
    let id = |(number, _): &(i64, String)| {
        Uuid::from_u64_pair(u64::try_from(*number).unwrap_or_default(), 0)
    };
    let ids: Vec<Uuid> = batch.iter().map(id).collect();
    let bodies: Vec<&[u8]> = batch.iter().map(|(_, sale)| sale.as_bytes()).collect();
    let sql = "INSERT INTO bare (number, id, body)
               SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[]) ON CONFLICT DO NOTHING";
    client.execute(sql, &[&numbers, &ids, &bodies]).await.context("insert a batch")?;
    Ok(())
}
