//! The way to the relay: is it reached, does somebody open the encryption on the way, and does the
//! host's clock agree with its answer.
//!
//! Asks once, without a word about the store. A certificate that cannot be believed is noted and
//! accepted for this one question, because whoever presents it is what is to be found out; nothing
//! secret is asked or told.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::{Client, Proxy, Url};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::{Check, issuer};
use crate::problem::{Code, in_full};

/// For one answer over a slow line.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// From here on certificates and the order of counts and sales begin to suffer, as the agent sees
/// it too (SK0047).
const SKEW_SECONDS_MAX: i64 = 5 * 60;

/// Where the relay is, and whom to believe that it is it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its address.
    pub url: Url,
    /// Certificates (PEM) to trust besides those of the operating system.
    pub ca_file: Option<PathBuf>,
}

/// What the relay, or whoever is in its place, answered.
struct Answer {
    /// What its `Date` header says, and what the host's clock said then.
    time: Option<(Timestamp, Timestamp)>,
    /// What was noted of its certificate; none if it can be believed.
    doubt: Option<Doubt>,
}

#[derive(Debug, Clone)]
struct Doubt {
    error: rustls::Error,
    issuer: String,
}

/// Asks the relay, and says what its answer shows.
pub(super) fn check(
    relay: &Relay,
    proxy: Option<&str>,
    clock: &dyn Fn() -> Timestamp,
) -> Vec<Check> {
    let direct = ask(relay, None, clock);
    match (&direct, proxy) {
        (Err(_), Some(proxy)) => match ask(relay, Some(proxy), clock) {
            Ok(answer) => {
                let mut checks = vec![Check::notice(
                    "proxy",
                    format!("the relay is reached through the proxy {proxy} only"),
                    format!(
                        "name it to the installer, so that the service knows it: --proxy {proxy}"
                    ),
                )];
                checks.extend(judge(relay, &answer));
                checks
            }
            Err(_) => vec![unreachable(relay, &direct)],
        },
        (Err(_), None) => vec![unreachable(relay, &direct)],
        (Ok(answer), _) => judge(relay, answer),
    }
}

fn unreachable(relay: &Relay, asked: &Result<Answer, String>) -> Check {
    let reason = asked.as_ref().err().map_or("", String::as_str);
    Check::bad(
        "relay",
        Code::Unreachable,
        format!("ask {}: {reason}", relay.url),
        "let the host reach that address (firewall, DNS, --proxy); until then sales wait on this \
         host, and nothing is lost",
    )
}

fn judge(relay: &Relay, answer: &Answer) -> Vec<Check> {
    let mut checks =
        vec![Check::good("relay", format!("{} answers", relay.url)), trust(relay, answer)];
    checks.push(match answer.time {
        Some((theirs, ours)) => clocks(theirs, ours),
        None => Check::notice(
            "clock",
            "the answer names no time to compare with",
            "compare the host's clock with another one by hand",
        ),
    });
    checks
}

/// Whether the certificate is the relay's.
fn trust(relay: &Relay, answer: &Answer) -> Check {
    const NAME: &str = "encryption";
    let Some(Doubt { error, issuer }) = &answer.doubt else {
        return match relay.url.scheme() {
            "https" => Check::good(NAME, "the relay's certificate can be believed"),
            _ => Check::notice(NAME, "none", "use https:// for a relay on another host"),
        };
    };
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Check::bad(
            NAME,
            Code::Unreachable,
            format!("the relay's certificate is not valid at this time: {error}"),
            "put the host's clock right; if it is right, have the certificate renewed",
        ),
        _ => Check::bad(
            NAME,
            Code::Intercepted,
            format!(
                "the certificate for {} comes from `{issuer}`, whom this host does not know \
                 ({error}): a proxy or a virus scanner opens the connection, or the relay has an \
                 authority of its own",
                relay.url.host_str().unwrap_or_default()
            ),
            "let this address through unopened; or name that authority's certificate with --ca-file",
        ),
    }
}

/// Whether the clocks agree.
fn clocks(theirs: Timestamp, ours: Timestamp) -> Check {
    const NAME: &str = "clock";
    let seconds = ours.as_second().saturating_sub(theirs.as_second());
    let found = match seconds {
        ..0 => format!("{} s behind the relay's", seconds.unsigned_abs()),
        0.. => format!("{seconds} s ahead of the relay's"),
    };
    match seconds.abs() <= SKEW_SECONDS_MAX {
        true => Check::good(NAME, found),
        false => Check::bad(
            NAME,
            Code::Clock,
            found,
            "let the host keep its time (systemd-timesyncd or chrony); the agent sells on, and goes \
             by the relay's time",
        ),
    }
}

fn ask(
    relay: &Relay,
    proxy: Option<&str>,
    clock: &dyn Fn() -> Timestamp,
) -> Result<Answer, String> {
    let noted = Arc::new(Mutex::new(None));
    let client = client(relay, proxy, Arc::clone(&noted))?;
    let url = relay.url.join("healthz").map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let answered = runtime.block_on(async { client.get(url).send().await });
    let now = clock();
    let answer = answered.map_err(|error| in_full(&error))?;
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
    let theirs = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let doubt = noted.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Answer { time: theirs.map(|theirs| (theirs, now)), doubt })
}

fn client(
    relay: &Relay,
    proxy: Option<&str>,
    noted: Arc<Mutex<Option<Doubt>>>,
) -> Result<Client, String> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Noting { inner: believed(relay, &provider)?, algorithms, noted };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let mut builder = Client::builder()
        .user_agent(concat!("storekeep-setup/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(config)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_TIMEOUT)
        .no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(Proxy::all(proxy).map_err(|error| in_full(&error))?);
    }
    builder.build().map_err(|error| in_full(&error))
}

/// Whom this host believes, and the named authority; nobody, where a host has no authorities.
fn believed(relay: &Relay, provider: &Arc<CryptoProvider>) -> Result<Option<Verifier>, String> {
    let extra = match &relay.ca_file {
        None => Vec::new(),
        Some(file) => {
            let read = |error| format!("read the certificates in `{}`: {error}", file.display());
            let extra = CertificateDer::pem_file_iter(file).map_err(read)?;
            extra.collect::<Result<Vec<_>, _>>().map_err(read)?
        }
    };
    let named = !extra.is_empty();
    match Verifier::new_with_extra_roots(extra, Arc::clone(provider)) {
        Ok(verifier) => Ok(Some(verifier)),
        Err(error) if named => Err(format!("use the certificates of --ca-file: {error}")),
        Err(_no_authorities) => Ok(None),
    }
}

/// Judges a certificate as the agent would, notes a doubt, and goes on.
#[derive(Debug)]
struct Noting {
    inner: Option<Verifier>,
    algorithms: WebPkiSupportedAlgorithms,
    noted: Arc<Mutex<Option<Doubt>>>,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = match &self.inner {
            Some(inner) => inner
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        if let Err(error) = judged {
            let issuer =
                issuer::of(end_entity).unwrap_or_else(|| "nobody that it names".to_owned());
            let doubt = Some(Doubt { error, issuer });
            *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = doubt;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
