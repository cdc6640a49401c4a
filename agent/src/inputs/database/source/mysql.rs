//! MySQL and MariaDB: one read-only snapshot for each look.
//!
//! In InnoDB such a read takes no lock. Statements go by the text protocol, whose answers are text.
//! A caching_sha2 password without TLS is sent under the server's RSA key, as MySQL's own clients
//! do.

use async_trait::async_trait;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder, Value};
use tokio::time::timeout;

use super::server::Address;
use super::{Answer, STATEMENT_MAX, Session, Source, SourceError};

/// The snapshot in which a look reads. A DATETIME is the store's wall clock, as the POS
/// wrote it.
const BEGIN: [&str; 4] = [
    // A column of type TIMESTAMP then names one moment, also in the hour that a clock repeats.
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION innodb_lock_wait_timeout = 2",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
];

/// A server.
#[derive(Debug)]
pub(super) struct Mysql(pub(super) Address);

#[async_trait]
impl Source for Mysql {
    async fn open(&self) -> Result<Box<dyn Session>, SourceError> {
        let Address { host, port, database, user, password } = &self.0;
        let options = OptsBuilder::default()
            .tcp_port(*port)
            .db_name(Some(database))
            .user(Some(user))
            .pass(password.as_ref().map(|password| password.expose()))
            // A socket that the server names would be another way than the one configured.
            .prefer_socket(false);
        let options = match host.strip_prefix('/') {
            Some(_) => options.socket(Some(host)),
            None => options.ip_or_hostname(host),
        };
        let mut connection = within(Conn::new(options)).await?;
        for statement in BEGIN {
            within(connection.query_drop(statement)).await?;
        }
        Ok(Box::new(Reading(connection)))
    }
}

struct Reading(Conn);

#[async_trait]
impl Session for Reading {
    async fn query(&mut self, sql: &str, rows_max: usize) -> Result<Answer, SourceError> {
        within(async {
            let mut found = self.0.query_iter(sql).await?;
            let columns = found.columns();
            let columns = columns.iter().flat_map(|columns| columns.iter());
            let columns = columns.map(|column| column.name_str().into_owned()).collect();
            let mut answer = Answer { columns, rows: Vec::new() };
            while let Some(row) = found.next().await? {
                if answer.rows.len() == rows_max {
                    return Ok(Err(SourceError::too_many(rows_max)));
                }
                answer.rows.push(row.unwrap().into_iter().map(text).collect());
            }
            Ok(Ok(answer))
        })
        .await?
    }

    async fn close(self: Box<Self>) -> Result<(), SourceError> {
        within(self.0.disconnect()).await
    }
}

fn text(value: Value) -> String {
    match value {
        Value::NULL => String::new(),
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        // The text protocol has no other; shown as SQL writes it, should a server send one.
        other => other.as_sql(true),
    }
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, SourceError> {
    match timeout(STATEMENT_MAX, work).await {
        Err(_) => Err(SourceError::unreachable("the database does not answer in time")),
        Ok(done) => done.map_err(|error| of(&error)),
    }
}

fn of(error: &Error) -> SourceError {
    let Error::Server(said) = error else { return SourceError::unreachable(error) };
    // Classes of SQLSTATE that say something about what was asked or who asks (MariaDB knowledge
    // base, "SQLSTATE"): 28 authorisation, 42 syntax, names and rights, 22 data, 25 not read-only.
    let refuses = ["28", "42", "22", "25"].iter().any(|class| said.state.starts_with(class));
    let detail = format!("{} (error {})", said.message, said.code);
    if refuses { SourceError::refused(detail) } else { SourceError::unreachable(detail) }
}
