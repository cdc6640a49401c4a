//! From an address to connections: TLS, bounds on time, a pool.
//!
//! TLS is rustls with ring. Where the address asks for it (`sslmode=require`), the server's
//! certificate and name are always checked, against the system's authorities or those of a file.
//! Reads neither configuration nor environment.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::codec::Fault;
use crate::http::install_tls_provider;
use crate::secret::Secret;

/// Connections of one process: more than the cores of a database can use do not make it faster.
const CONNECTIONS_MAX: usize = 16;

/// How long a connection may take, or one that is free be waited for: a database that needs
/// longer is not reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the server keeps to for every connection. A replica that hangs or lost its network within
/// a transaction holds its store's lock at most a minute; no statement needs as long. Statements
/// are short and many: compiling one that looks into many partitions costs more than it saves.
const SERVER_OPTIONS: &str = "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s \
                               -c lock_timeout=30s -c client_min_messages=warning -c jit=off";

/// How to reach a database.
#[derive(Debug, Clone)]
pub struct Address {
    /// `postgresql://user@host/database`, without a password.
    pub url: String,
    /// The password, if the server asks for one.
    pub password: Option<Secret>,
    /// Certificates (PEM) of the authorities that the server's is checked against, in place of
    /// the system's.
    pub authorities: Option<PathBuf>,
}

/// An address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Not of the form `postgresql://user@host/database`.
    #[error("read the database's address")]
    Url(#[source] tokio_postgres::Error),
    /// A password stands in it, where it would be shown.
    #[error("the database's address holds a password")]
    Password,
    /// The authorities' file cannot be used.
    #[error("read the authorities in `{path}`", path = .file.display())]
    Authorities {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system's authorities cannot be used.
    #[error("read the system's trusted authorities")]
    Tls(#[source] rustls::Error),
}

/// Checks an address without its password.
///
/// # Errors
/// It is not of the form `postgresql://user@host/database`, or a password stands in it.
pub fn parse(url: &str) -> Result<Config, AddressError> {
    let config = Config::from_str(url).map_err(AddressError::Url)?;
    if config.get_password().is_some() {
        return Err(AddressError::Password);
    }
    Ok(config)
}

/// What connections are made of.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

/// Checks the address and reads what TLS needs; connects to nothing.
pub(super) fn connector(address: &Address) -> Result<Connector, AddressError> {
    let mut config = parse(&address.url)?;
    if let Some(password) = &address.password {
        config.password(password.expose());
    }
    let options = match config.get_options() {
        Some(own) => format!("{SERVER_OPTIONS} {own}"),
        None => SERVER_OPTIONS.to_owned(),
    };
    config.options(options).application_name("storekeep-relay").connect_timeout(CONNECT_TIMEOUT);
    Ok(Connector { config, tls: MakeRustlsConnect::new(tls(address)?) })
}

fn tls(address: &Address) -> Result<ClientConfig, AddressError> {
    install_tls_provider();
    let builder = ClientConfig::builder();
    let Some(file) = &address.authorities else {
        let verified = builder.with_platform_verifier().map_err(AddressError::Tls)?;
        return Ok(verified.with_no_client_auth());
    };
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| AddressError::Authorities {
        file: file.clone(),
        source,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(error.into()))? {
        let certificate = certificate.map_err(|error| failed(error.into()))?;
        roots.add(certificate).map_err(|error| failed(error.into()))?;
    }
    if roots.is_empty() {
        return Err(failed("it holds no certificate".into()));
    }
    Ok(builder.with_root_certificates(Arc::new(roots)).with_no_client_auth())
}

/// A pool; connects when a connection is first needed.
pub(super) fn pool(connector: &Connector) -> Result<Pool, Fault> {
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(connector.config.clone(), connector.tls.clone(), fast);
    Pool::builder(manager)
        .max_size(CONNECTIONS_MAX)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT))
        .build()
        .map_err(|error| Fault::Database(Box::new(error)))
}
