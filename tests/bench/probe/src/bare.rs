//! What SQLite costs without us: a row with a key, an identity and the sale's bytes, in WAL mode,
//! each commit synced (`synchronous=FULL`).
//!
//! One caller inserts and commits by itself. Several wait for one thread that commits whatever
//! waits, as a group commit does. Does nothing else with a sale.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::sales::{Which, dealt};
use crate::timing::{latencies, now};

/// Rows that share a commit at most, as in the journal.
const GROUP_MAX: usize = 500;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The database, which must not be there yet
    #[arg(long)]
    file: PathBuf,
    /// Encrypts it (SQLCipher with a raw key)
    #[arg(long)]
    encrypted: bool,
    /// Callers that each wait for their commit
    #[arg(long, default_value_t = 1)]
    callers: usize,
    /// Rows that one caller inserts at once
    #[arg(long, default_value_t = 1)]
    rows: usize,
    #[command(flatten)]
    sales: Which,
}

/// A row, and whoever waits for it.
type Waiting = (u64, String, Sender<()>);

pub(crate) fn run(options: &Options) -> Result<Value> {
    let sales = options.sales.read()?;
    let connection = open(&options.file, options.encrypted)?;
    match options.callers {
        1 => alone(connection, &sales, options.rows),
        callers => together(connection, sales, callers),
    }
}

fn open(file: &Path, encrypted: bool) -> Result<Connection> {
    let connection = Connection::open(file).context("make the database")?;
    if encrypted {
        let key = "2b".repeat(32);
        connection.execute_batch(&format!("PRAGMA key = \"x'{key}'\"")).context("set the key")?;
    }
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE rows (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, body BLOB NOT NULL)",
        )
        .context("make the table")?;
    Ok(connection)
}

fn alone(mut connection: Connection, sales: &[String], rows: usize) -> Result<Value> {
    let mut each = Vec::with_capacity(sales.len());
    let begun = now();
    let mut number = 0;
    for sales in sales.chunks(rows) {
        let begun = now();
        let numbered = sales.iter().map(|sale| {
            number += 1;
            (number, sale.as_str())
        });
        insert(&mut connection, numbered)?;
        each.push(begun.elapsed());
    }
    let elapsed = begun.elapsed();
    let mut figures = latencies(each, elapsed);
    figures["per_s"] = crate::timing::rate(sales.len(), elapsed)["per_s"].clone();
    Ok(figures)
}

fn insert<'a>(
    connection: &mut Connection,
    rows: impl IntoIterator<Item = (u64, &'a str)>,
) -> Result<()> {
    let transaction = connection.transaction().context("begin")?;
    let mut insert = transaction
        .prepare_cached("INSERT INTO rows (number, id, body) VALUES (?1, ?2, ?3)")
        .context("prepare the insert")?;
    for (number, sale) in rows {
        let id = uuid::Uuid::from_u128(u128::from(number));
        let number = i64::try_from(number).context("number a row")?;
        insert.execute(params![number, id.as_bytes(), sale.as_bytes()]).context("insert")?;
    }
    drop(insert);
    transaction.commit().context("commit")
}

fn together(connection: Connection, sales: Vec<String>, callers: usize) -> Result<Value> {
    let count = sales.len();
    let (rows, queue) = sync_channel(callers);
    let numbered = (1_u64..).zip(sales).collect();
    let begun = now();
    let writer = thread::spawn(move || write(connection, &queue));
    let callers: Vec<_> = dealt(numbered, callers)
        .into_iter()
        .map(|hand| {
            let rows = rows.clone();
            thread::spawn(move || call(hand, &rows))
        })
        .collect();
    drop(rows);
    let mut each = Vec::with_capacity(count);
    for caller in callers {
        each.extend(caller.join().map_err(|_| anyhow!("a caller panicked"))??);
    }
    writer.join().map_err(|_| anyhow!("the writer panicked"))??;
    Ok(latencies(each, begun.elapsed()))
}

fn call(hand: Vec<(u64, String)>, rows: &SyncSender<Waiting>) -> Result<Vec<Duration>> {
    let (answer, answered) = channel();
    let mut each = Vec::with_capacity(hand.len());
    for (number, sale) in hand {
        let begun = now();
        rows.send((number, sale, answer.clone())).context("hand a row over")?;
        answered.recv().context("wait for the commit")?;
        each.push(begun.elapsed());
    }
    Ok(each)
}

fn write(mut connection: Connection, queue: &Receiver<Waiting>) -> Result<()> {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP_MAX - 1));
        insert(&mut connection, group.iter().map(|(number, sale, _)| (*number, sale.as_str())))?;
        for (_, _, answer) in group {
            answer.send(()).context("answer a caller")?;
        }
    }
    Ok(())
}
