//! How a connection to a broker is set up: account, TLS, sizes, and a session that ends with it.
//!
//! The broker keeps no session for us and the client library none either (each connection begins
//! with a client of its own): what was under way when a connection broke is settled by the next
//! handshake, and nothing old is ever sent again behind its back. Does not connect.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::v5::LastWill;
use rumqttc::{TlsConfiguration, Transport};
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::BrokerUrl;

/// Where the broker is and who we are to it.
#[derive(Clone)]
pub struct Account {
    /// The broker.
    pub url: BrokerUrl,
    /// Name and password, for a broker that asks for them.
    pub credentials: Option<Credentials>,
    /// Certificates (PEM) to trust besides those of the operating system.
    pub ca_file: Option<PathBuf>,
}

/// Name and password. Never shown.
#[derive(Clone)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// What one side wants of its connection.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// The name under which the broker knows the connection; a second one under it ends the first.
    pub client_id: String,
    /// Bytes of the largest packet that is taken.
    pub packet_bytes_max: u32,
    /// Messages that the broker may send before the first of them is confirmed.
    pub receive_max: u16,
    /// Our own messages that the broker has not confirmed.
    pub unconfirmed_max: u16,
    /// Between two signs of life on an idle connection, at least 5 s.
    pub keep_alive: Duration,
    /// For connecting, TLS and the broker's welcome together.
    pub connect_timeout: Duration,
    /// Whether each message is confirmed by hand, after it was dealt with.
    pub confirms_by_hand: bool,
    /// What the broker says for us when the connection ends without a word.
    pub last_will: Option<LastWill>,
}

/// Why a connection cannot even be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configured file cannot be read.
    #[error("read the certificates in `{file}`", file = .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The configured file holds no certificates.
    #[error("`{file}` does not hold certificates (PEM)", file = .file.display())]
    Shape {
        /// The file.
        file: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("set up TLS")]
    Tls(#[source] rustls::Error),
}

/// The client library's options. Read anew for each connection, so that a certificate that was
/// replaced counts from the next one on.
///
/// # Errors
/// The certificates cannot be read, or TLS cannot be set up.
pub fn options(account: &Account, wishes: Wishes) -> Result<MqttOptions, SetupError> {
    let url = &account.url;
    let mut options = MqttOptions::new(wishes.client_id, url.host(), url.port());
    if url.is_encrypted() {
        let tls = TlsConfiguration::Rustls(Arc::new(tls(account)?));
        options.set_transport(Transport::Tls(tls));
    }
    if let Some(Credentials { username, password }) = &account.credentials {
        options.set_credentials(username, password);
    }
    options
        .set_clean_start(true)
        .set_keep_alive(wishes.keep_alive)
        .set_connection_timeout(wishes.connect_timeout.as_secs().max(1))
        .set_max_packet_size(Some(wishes.packet_bytes_max))
        .set_receive_maximum(Some(wishes.receive_max))
        .set_outgoing_inflight_upper_limit(wishes.unconfirmed_max)
        .set_manual_acks(wishes.confirms_by_hand);
    let mut network = options.network_options();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(wishes.connect_timeout.as_secs().max(1));
    options.set_network_options(network);
    if let Some(will) = wishes.last_will {
        options.set_last_will(will);
    }
    Ok(options)
}

/// The operating system's certificates, and the configured ones besides.
fn tls(account: &Account) -> Result<ClientConfig, SetupError> {
    let provider = CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(ring::default_provider()));
    let extra = account.ca_file.clone().map(certificates).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider));
    let verifier = Arc::new(verifier.map_err(SetupError::Tls)?);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn certificates(file: PathBuf) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let pem = match std::fs::read(&file) {
        Ok(pem) => pem,
        Err(source) => return Err(SetupError::Read { file, source }),
    };
    match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(SetupError::Shape { file }),
    }
}
