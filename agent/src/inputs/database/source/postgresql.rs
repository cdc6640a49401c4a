//! PostgreSQL: one read-only snapshot for each look.
//!
//! Readers hold up no writers there. Statements go by the simple protocol, whose answers are text.

use async_trait::async_trait;
use futures_util::{StreamExt, pin_mut};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::server::Address;
use super::{Answer, STATEMENT_MAX, Session, Source, SourceError};

/// The snapshot in which a look reads; times in the form that ISO 8601 has.
const BEGIN: &str = "SET datestyle = 'ISO, YMD'; SET extra_float_digits = 1; \
                     SET default_transaction_read_only = on; \
                     BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// A server.
#[derive(Debug)]
pub(super) struct Postgresql(pub(super) Address);

#[async_trait]
impl Source for Postgresql {
    async fn open(&self) -> Result<Box<dyn Session>, SourceError> {
        let Address { host, port, database, user, password } = &self.0;
        let mut config = Config::new();
        config.host(host).port(*port).dbname(database).user(user).connect_timeout(STATEMENT_MAX);
        config.application_name("storekeep-agent");
        let timeout_ms = STATEMENT_MAX.as_millis();
        config.options(format!("-c statement_timeout={timeout_ms} -c lock_timeout=2000"));
        if let Some(password) = password {
            config.password(password.expose());
        }
        let (client, connection) = config.connect(NoTls).await.map_err(|error| of(&error))?;
        let connection = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to the POS's database ended");
            }
        });
        client.batch_execute(BEGIN).await.map_err(|error| of(&error))?;
        Ok(Box::new(Reading { client, connection }))
    }
}

struct Reading {
    client: Client,
    connection: JoinHandle<()>,
}

#[async_trait]
impl Session for Reading {
    async fn query(&mut self, sql: &str, rows_max: usize) -> Result<Answer, SourceError> {
        let messages = self.client.simple_query_raw(sql).await.map_err(|error| of(&error))?;
        pin_mut!(messages);
        let mut answer = Answer::default();
        while let Some(message) = messages.next().await {
            match message.map_err(|error| of(&error))? {
                SimpleQueryMessage::RowDescription(columns) => {
                    answer.columns =
                        columns.iter().map(|column| column.name().to_owned()).collect();
                }
                SimpleQueryMessage::Row(row) => {
                    if answer.rows.len() == rows_max {
                        return Err(SourceError::too_many(rows_max));
                    }
                    let cells =
                        (0..row.len()).map(|index| row.get(index).unwrap_or_default().to_owned());
                    answer.rows.push(cells.collect());
                }
                _ => {}
            }
        }
        Ok(answer)
    }

    async fn close(self: Box<Self>) -> Result<(), SourceError> {
        let Self { client, connection } = *self;
        // The connection ends with its client, and the transaction with the connection.
        drop(client);
        connection.await.map_err(SourceError::unreachable)
    }
}

fn of(error: &tokio_postgres::Error) -> SourceError {
    let Some(said) = error.as_db_error() else { return SourceError::unreachable(causes(error)) };
    // Classes of SQLSTATE that say something about what was asked or who asks (PostgreSQL manual,
    // appendix A): 28 authorisation, 3D no such database, 42 syntax, names and rights, 22 data.
    let code = said.code().code();
    match ["28", "3D", "42", "22", "25"].iter().any(|class| code.starts_with(class)) {
        true => SourceError::refused(format!("{} (SQLSTATE {code})", said.message())),
        false => SourceError::unreachable(format!("{} (SQLSTATE {code})", said.message())),
    }
}

/// An error with its causes, of which the driver names none by itself.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
