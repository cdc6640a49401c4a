//! The databases: one read-only transaction at a time, and every cell as text.
//!
//! A [`Source`] opens a [`Session`] for each look and closes it after: a POS that restarts its
//! database, replaces its file or needs it for itself finds nobody in the way. Texts come as the
//! database itself writes them, so that no type has to be known and no number passes through a
//! float. Does not know what is asked.

#[cfg(feature = "database-servers")]
mod mysql;
#[cfg(feature = "database-servers")]
mod postgresql;
#[cfg(feature = "database-servers")]
mod server;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::config::{Server, Settings, refuse};
use crate::inputs::mapping::Cell;
use crate::inputs::registry::SettingsError;

/// How long one statement may take: a page reads some hundred rows by an index.
const STATEMENT_MAX: Duration = Duration::from_secs(20);

/// A database.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// Connects and begins a read-only transaction.
    async fn open(&self) -> Result<Box<dyn Session>, SourceError>;
}

/// A read-only transaction.
#[async_trait]
pub(super) trait Session: Send {
    /// Asks one statement.
    async fn query(&mut self, sql: &str, rows_max: usize) -> Result<Answer, SourceError>;

    /// Ends the transaction and the connection.
    async fn close(self: Box<Self>) -> Result<(), SourceError>;
}

/// What a statement was answered with.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) columns: Vec<String>,
    /// Each row's cells; what is NULL is empty.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// Why a database does not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// It cannot be reached, is busy or broke off: the same again may be answered.
    #[error("{0}")]
    Unreachable(String),
    /// It understands and refuses: the pack, the user or the database has to change.
    #[error("{0}")]
    Refused(String),
}

impl SourceError {
    pub(super) fn refused(detail: impl Into<String>) -> Self {
        Self::Refused(detail.into())
    }

    fn unreachable(cause: impl std::fmt::Display) -> Self {
        Self::Unreachable(cause.to_string())
    }

    fn too_many(rows_max: usize) -> Self {
        Self::Refused(format!("a query has more than {rows_max} rows; see its bounds in the pack"))
    }
}

/// The source of an input.
pub(super) fn of_settings(settings: &Settings) -> Result<Arc<dyn Source>, SettingsError> {
    match settings.server {
        Server::Sqlite => {
            let file = settings.file.clone().ok_or_else(|| {
                refuse("file", "is needed for SQLite", "add `file = \"/var/pos/pos.db\"`")
            })?;
            Ok(Arc::new(sqlite::Sqlite { file }))
        }
        #[cfg(not(feature = "database-servers"))]
        server => {
            let reason = format!("this build of the agent does not read `{}`", server.name());
            let next = "install the build with the drivers of database servers";
            Err(refuse("server", reason, next))
        }
        #[cfg(feature = "database-servers")]
        Server::Postgresql => {
            Ok(Arc::new(postgresql::Postgresql(server::of_settings(settings, 5432)?)))
        }
        #[cfg(feature = "database-servers")]
        Server::Mysql => Ok(Arc::new(mysql::Mysql(server::of_settings(settings, 3306)?))),
    }
}
