//! Carries a SQLite store over into an empty database.
//!
//! One transaction: either everything stands there, its counts and chain heads compared with the
//! file's, or nothing does, and the command is simply given again. The file is held alone and only
//! read. Does not decide which of the two is served afterwards.

mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::pin;

use deadpool_postgres::{Client, Transaction};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use self::tables::{NUMBERED, TABLES, Table};
use super::codec::{Fault, text, wrong_state};
use super::days::Day;
use crate::store::sqlite::open_alone;

/// Rows that wait between file and database at most: enough to keep both busy.
const ROWS_WAITING_MAX: usize = 256;

/// One row on its way.
type Cells = Vec<Box<dyn ToSql + Sync + Send>>;

/// What was carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Carried {
    /// Rows by table.
    pub tables: Vec<(&'static str, u64)>,
    /// Journals (epochs) whose chain heads were compared.
    pub heads: usize,
}

impl Carried {
    /// How many rows a table got.
    #[must_use]
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows)
    }
}

pub(super) async fn carry(client: &mut Client, file: &Path, day: Day) -> Result<Carried, Fault> {
    let file = file.to_owned();
    let mut source = blocking(move || Ok(open_alone(&file)?)).await?;
    let transaction = client.transaction().await?;
    // Nobody enrols meanwhile, and a second migration waits and then finds the database used.
    let prepared = "SET LOCAL statement_timeout = 0;
                    SET LOCAL idle_in_transaction_session_timeout = 0;
                    LOCK TABLE devices, tokens, lanes IN EXCLUSIVE MODE;";
    transaction.batch_execute(prepared).await?;
    let query = "SELECT EXISTS (SELECT FROM devices) OR EXISTS (SELECT FROM tokens)
                   OR EXISTS (SELECT FROM targets)";
    if transaction.query_one(query, &[]).await?.try_get(0)? {
        return Err(wrong_state("the database", "PostgreSQL", "not empty"));
    }
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let rows;
        (source, rows) = carry_table(&transaction, source, table, day).await?;
        tables.push((table.name, rows));
    }
    go_on_numbering(&transaction, day).await?;
    // The file is held until all is committed.
    let (heads, _source) = blocking(move || Ok((heads_in_file(&source)?, source))).await?;
    compare(&transaction, &tables, &heads).await?;
    transaction.commit().await?;
    Ok(Carried { tables, heads: heads.len() })
}

async fn blocking<T: Send + 'static>(
    task: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(task).await;
    done.map_err(|error| Fault::Database(Box::new(error)))?
}

/// Reads on a thread of its own and writes what comes; gives the file back with the count.
async fn carry_table(
    transaction: &Transaction<'_>,
    source: Connection,
    table: Table,
    day: Day,
) -> Result<(Connection, u64), Fault> {
    let Table { name, columns, query } = table;
    let statement = transaction.prepare(&format!("SELECT {columns} FROM {name}")).await?;
    let types: Vec<Type> =
        statement.columns().iter().map(|column| column.type_().clone()).collect();
    let query = query.replace(":row", &day.begin().to_string()).replace(":day", &day.0.to_string());
    let (sender, mut rows) = mpsc::channel::<Cells>(ROWS_WAITING_MAX);
    let kinds = types.clone();
    let reading = tokio::task::spawn_blocking(move || {
        read(&source, &query, &kinds, &sender).map(|()| source)
    });
    let sink = transaction.copy_in(&format!("COPY {name} ({columns}) FROM STDIN BINARY")).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    while let Some(row) = rows.recv().await {
        let cells: Vec<&(dyn ToSql + Sync)> =
            row.iter().map(|cell| -> &(dyn ToSql + Sync) { cell.as_ref() }).collect();
        writer.as_mut().write(&cells).await?;
    }
    let source = reading.await.map_err(|error| Fault::Database(Box::new(error)))??;
    let written = writer.finish().await?;
    Ok((source, written))
}

fn read(
    source: &Connection,
    query: &str,
    types: &[Type],
    sender: &mpsc::Sender<Cells>,
) -> Result<(), Fault> {
    let mut select = source.prepare(query).map_err(unread)?;
    let mut rows = select.query([]).map_err(unread)?;
    while let Some(row) = rows.next().map_err(unread)? {
        let cells = types
            .iter()
            .enumerate()
            .map(|(index, kind)| cell(row.get_ref(index).map_err(unread)?, kind));
        if sender.blocking_send(cells.collect::<Result<_, _>>()?).is_err() {
            // The writer failed and says why.
            return Ok(());
        }
    }
    Ok(())
}

fn unread(error: rusqlite::Error) -> Fault {
    Fault::Database(Box::new(error))
}

/// A value of the file as the column takes it.
fn cell(value: ValueRef<'_>, kind: &Type) -> Result<Box<dyn ToSql + Sync + Send>, Fault> {
    let damaged = || Fault::Database(format!("the file holds no {kind} where one stands").into());
    Ok(match (value, kind) {
        (ValueRef::Null, kind) if *kind == Type::INT8 => Box::new(None::<i64>),
        (ValueRef::Null, kind) if *kind == Type::BYTEA => Box::new(None::<Vec<u8>>),
        (ValueRef::Null, _) => Box::new(None::<String>),
        (ValueRef::Integer(number), kind) if *kind == Type::BOOL => Box::new(number != 0),
        (ValueRef::Integer(number), kind) if *kind == Type::INT8 => Box::new(number),
        (ValueRef::Text(said), kind) if *kind == Type::TEXT => {
            Box::new(text(std::str::from_utf8(said).map_err(|_| damaged())?))
        }
        (ValueRef::Blob(bytes), kind) if *kind == Type::BYTEA => Box::new(bytes.to_vec()),
        (ValueRef::Blob(bytes), kind) if *kind == Type::UUID => {
            Box::new(Uuid::from_slice(bytes).map_err(|_| damaged())?)
        }
        _ => return Err(damaged()),
    })
}

/// New rows are numbered after those that were carried over.
async fn go_on_numbering(transaction: &Transaction<'_>, day: Day) -> Result<(), Fault> {
    for (table, column) in NUMBERED {
        let statement = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'),
                           (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
        );
        transaction.query_one(&statement, &[]).await?;
    }
    let statement = "SELECT setval('row_serial', 1 + greatest(
                       (SELECT coalesce(max(inbox_row), $1) FROM inbox),
                       (SELECT coalesce(max(page_row), $1) FROM pages)) - $1, false)";
    transaction.query_one(statement, &[&day.begin()]).await?;
    Ok(())
}

/// A journal's head: what the epoch says, how many entries are held, and the last one's hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    device: String,
    epoch: Vec<u8>,
    sequence: i64,
    hash: Vec<u8>,
    entries: i64,
    last_hash: Option<Vec<u8>>,
}

fn heads_in_file(source: &Connection) -> Result<BTreeSet<Head>, Fault> {
    let query = "SELECT device, epoch, head_sequence, head_hash,
                   (SELECT count(*) FROM inbox i WHERE i.epoch_row = e.epoch_row),
                   (SELECT chain_hash FROM inbox i
                    WHERE i.epoch_row = e.epoch_row AND sequence = head_sequence)
                 FROM epochs e JOIN devices USING (device_row)";
    let mut select = source.prepare(query).map_err(unread)?;
    let heads = select.query_map([], |row| {
        Ok(Head {
            device: row.get(0)?,
            epoch: row.get(1)?,
            sequence: row.get(2)?,
            hash: row.get(3)?,
            entries: row.get(4)?,
            last_hash: row.get(5)?,
        })
    });
    heads.map_err(unread)?.collect::<Result<_, _>>().map_err(unread)
}

/// Refuses what arrived if it is not what stands in the file, or if a journal's head is not its
/// last entry there.
async fn compare(
    transaction: &Transaction<'_>,
    tables: &[(&'static str, u64)],
    heads: &BTreeSet<Head>,
) -> Result<(), Fault> {
    for (table, rows) in tables {
        let query = format!("SELECT count(*) FROM {table}");
        let counted: i64 = transaction.query_one(&query, &[]).await?.try_get(0)?;
        if u64::try_from(counted) != Ok(*rows) {
            let state = format!("in the file with {rows} rows and arrived with {counted}");
            return Err(wrong_state("table", *table, &state));
        }
    }
    let query = "SELECT device, epoch, head_sequence, head_hash,
                   (SELECT count(*) FROM inbox i
                    WHERE i.store_id = e.store_id AND i.epoch_row = e.epoch_row),
                   (SELECT chain_hash FROM inbox i
                    WHERE i.store_id = e.store_id AND i.epoch_row = e.epoch_row
                      AND sequence = head_sequence)
                 FROM epochs e";
    let mut arrived = BTreeSet::new();
    for row in transaction.query(query, &[]).await? {
        arrived.insert(Head {
            device: row.try_get(0)?,
            epoch: row.try_get(1)?,
            sequence: row.try_get(2)?,
            hash: row.try_get(3)?,
            entries: row.try_get(4)?,
            last_hash: row.try_get(5)?,
        });
    }
    if let Some(head) = heads.symmetric_difference(&arrived).next() {
        return Err(wrong_state(
            "the journal of device",
            &head.device,
            "not the same on both sides",
        ));
    }
    let broken = |head: &&Head| {
        head.entries != head.sequence
            || (head.sequence > 0 && head.last_hash.as_ref() != Some(&head.hash))
    };
    match heads.iter().find(broken) {
        Some(head) => {
            let state = "not whole in the file: its head is not its last entry";
            Err(wrong_state("the journal of device", &head.device, state))
        }
        None => Ok(()),
    }
}
