//! The database of this test binary, as the store takes its address.
//!
//! Does not start the server itself: `needs` does, and says where PostgreSQL is not installed that
//! a test was not run.

use std::net::TcpListener;

use deadpool_postgres::tokio_postgres::{Client, NoTls};
use needs::postgres::Cluster as Server;

use super::super::{Address, PostgresStore, WhenEmpty};

/// The cluster of this test binary.
#[derive(Clone, Copy)]
pub(crate) struct Cluster(&'static Server);

/// The cluster of this test binary; none if this host has no PostgreSQL, and then the test is
/// named as not run.
#[track_caller]
pub(crate) fn cluster() -> Option<Cluster> {
    let programs = needs::postgresql()?;
    Some(Cluster(Server::of_this_process(&programs).unwrap()))
}

/// A server of its own that speaks TLS on a loopback port, with a certificate and its key (PEM).
#[track_caller]
pub(crate) fn with_tls(certificate: &str, key: &str) -> Option<(Server, u16)> {
    let programs = needs::postgresql()?;
    // PostgreSQL takes no port 0. Should another take the port meanwhile, the server says so.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c ssl=on \
         -c ssl_cert_file=../server.pem -c ssl_key_file=../server.key"
    );
    let files = [("server.pem", certificate), ("server.key", key)];
    Some((Server::start(&programs, &files, &options).unwrap(), port))
}

impl Cluster {
    /// The address of a new, empty database.
    pub(crate) async fn database(self) -> Address {
        let url = self.0.database().await.unwrap();
        Address { url, password: None, authorities: None }
    }
}

/// A plain connection, for looking behind the seam.
pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(async move { connection.await.unwrap() });
    client
}

/// Opens the store in a database, or makes it.
pub(crate) async fn opened(address: &Address) -> PostgresStore {
    PostgresStore::open(address, WhenEmpty::Make).await.unwrap()
}
