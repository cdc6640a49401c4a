//! SQLite: a file that another program writes.
//!
//! Opened for reading only and for each look anew. In WAL mode a reader holds up no writer; in the
//! older mode a writer's commit waits for the end of a read, which is why a look is short and a
//! busy file is left alone until the next one. The file is never taken for unchangeable, because it
//! is not.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags};
use tokio::time::timeout;

use super::{Answer, STATEMENT_MAX, Session, Source, SourceError};

/// How long a look waits for a writer before it leaves the file alone.
const BUSY_WAIT: Duration = Duration::from_millis(250);

/// A file.
#[derive(Debug)]
pub(super) struct Sqlite {
    pub(super) file: PathBuf,
}

#[async_trait]
impl Source for Sqlite {
    async fn open(&self) -> Result<Box<dyn Session>, SourceError> {
        let file = self.file.clone();
        let connection = blocking(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&file, flags).map_err(|e| of(&e))?;
            connection.busy_timeout(BUSY_WAIT).map_err(|e| of(&e))?;
            connection.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(|e| of(&e))?;
            Ok(connection)
        });
        let connection = connection.await?;
        let interrupt = connection.get_interrupt_handle();
        Ok(Box::new(Reading { connection: Arc::new(Mutex::new(connection)), interrupt }))
    }
}

/// A read transaction; SQLite takes its snapshot with the first statement.
struct Reading {
    connection: Arc<Mutex<Connection>>,
    interrupt: InterruptHandle,
}

#[async_trait]
impl Session for Reading {
    async fn query(&mut self, sql: &str, rows_max: usize) -> Result<Answer, SourceError> {
        let (connection, sql) = (Arc::clone(&self.connection), sql.to_owned());
        let mut asked = pin!(blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            query(&connection, &sql, rows_max)
        }));
        if let Ok(answer) = timeout(STATEMENT_MAX, &mut asked).await {
            return answer;
        }
        // What is interrupted ends at once, and the file is free again.
        self.interrupt.interrupt();
        asked.await
    }

    async fn close(self: Box<Self>) -> Result<(), SourceError> {
        // With the connection ends its transaction; closing a file may wait for the disk.
        blocking(move || {
            drop(self);
            Ok(())
        })
        .await
    }
}

fn query(connection: &Connection, sql: &str, rows_max: usize) -> Result<Answer, SourceError> {
    let mut statement = connection.prepare(sql).map_err(|e| of(&e))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let count = columns.len();
    let mut found = statement.query([]).map_err(|e| of(&e))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(|e| of(&e))? {
        if rows.len() == rows_max {
            return Err(SourceError::too_many(rows_max));
        }
        let cells = (0..count).map(|index| row.get_ref(index).map(text));
        rows.push(cells.collect::<Result<Vec<_>, _>>().map_err(|e| of(&e))?);
    }
    Ok(Answer { columns, rows })
}

/// A value as text: a float in the shortest form that reads back as the same float.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

fn of(error: &rusqlite::Error) -> SourceError {
    let code = error.sqlite_error_code();
    match code {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::SchemaChanged
            | ErrorCode::OperationInterrupted
            | ErrorCode::PermissionDenied,
        ) => SourceError::unreachable(error),
        _ => SourceError::refused(error.to_string()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| SourceError::unreachable(format!("the read was broken off: {error}")))?
}
