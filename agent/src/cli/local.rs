//! Asks the running agent over its local API.
//!
//! Finds it through the configuration and the token file, as a POS does. Does not start one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use protocol::problem::{Code, Problem};
use reqwest::header::{AUTHORIZATION, HOST};
use reqwest::{Client, Response};
use serde::de::DeserializeOwned;

use super::Place;
use super::error::{CommandError, Exit};
use crate::config::{Config, Secret};
use crate::sync::https;

/// For the agent's answer: it reads from its own disk.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// For a connection to this very host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The way to the running agent.
#[derive(Debug)]
pub(crate) struct LocalApi {
    client: Client,
    address: SocketAddr,
    host: String,
    token: Secret,
}

/// Why the agent does not answer.
#[derive(Debug)]
pub(crate) enum LocalError {
    /// Nothing listens there.
    NotRunning,
    /// Something is wrong with the token, the answer or the way.
    Failed(CommandError),
}

impl LocalApi {
    /// The way to the agent of a configuration.
    ///
    /// # Errors
    /// There is no token, which every agent makes at its first start.
    pub(crate) fn new(place: &Place, config: &Config) -> Result<Self, LocalError> {
        let token = match &place.host.local_api_token {
            Some(token) => token.clone(),
            None => {
                let file = place.host.data_dir.local_api_token(config);
                match Secret::from_file(&file) {
                    Ok(token) => token,
                    Err(_) if !file.exists() => return Err(LocalError::NotRunning),
                    Err(error) => return Err(LocalError::Failed(unreadable(&error))),
                }
            }
        };
        let client =
            https::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).tls_certs_only([]).build();
        let client = client.map_err(|error| LocalError::Failed(failed(&error.to_string())))?;
        let address = reachable(listens(place, config));
        Ok(Self { client, address, host: host(config, address), token })
    }

    /// Where it listens.
    #[must_use]
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for something.
    ///
    /// # Errors
    /// The agent does not run, refuses, or answers something else.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, LocalError> {
        let response = self.ask(path, ANSWER_TIMEOUT).await?;
        response.json().await.map_err(|error| LocalError::Failed(failed(&error.to_string())))
    }

    /// Asks for something that is read bit by bit.
    ///
    /// # Errors
    /// The agent does not run or refuses.
    pub(crate) async fn stream(
        &self,
        path: &str,
        timeout: Duration,
    ) -> Result<Response, LocalError> {
        self.ask(path, timeout).await
    }

    async fn ask(&self, path: &str, timeout: Duration) -> Result<Response, LocalError> {
        let request = self
            .client
            .get(format!("http://{}{path}", self.address))
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {}", self.token.expose()))
            .timeout(timeout);
        let response = request.send().await.map_err(|error| match error.is_connect() {
            true => LocalError::NotRunning,
            false => LocalError::Failed(failed(&error.to_string())),
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let problem = response.json::<Problem>().await.map_err(|_| {
            let detail = format!(
                "what listens on {} is not this agent (HTTP {})",
                self.address,
                status.as_u16()
            );
            LocalError::Failed(failed(&detail))
        })?;
        Err(LocalError::Failed(CommandError::refused(problem)))
    }
}

impl LocalError {
    /// The same for a command that needs the agent.
    #[must_use]
    pub(crate) fn for_command(self) -> CommandError {
        match self {
            Self::NotRunning => CommandError::new(
                Exit::NotReachable,
                Code::NotFound,
                "ask the agent: none runs here",
                "start it with `storekeep-agent run`, or name its files with --config and --data-dir",
            ),
            Self::Failed(error) => error,
        }
    }
}

/// The configured address, or the one that the agent was given if any port would do.
fn listens(place: &Place, config: &Config) -> SocketAddr {
    let configured = config.local_api.listen;
    if configured.port() != 0 {
        return configured;
    }
    let given = std::fs::read_to_string(place.host.data_dir.local_api_address());
    // Without it no agent was started here, which connecting to port 0 says as well.
    given.map_or(configured, |given| given.trim().parse().unwrap_or(configured))
}

/// An agent that listens on every address is reached through the loopback one.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip().is_unspecified() {
        true => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port()),
        false => listen,
    }
}

/// A name that the agent is called by: its address if that is allowed, else one that is.
fn host(config: &Config, address: SocketAddr) -> String {
    let own = address.ip().to_string();
    let allowed = &config.local_api.allowed_hosts;
    let name = allowed.iter().find(|name| name.as_str() == own).or_else(|| allowed.first());
    let name = name.map_or(own.as_str(), |name| name.as_str());
    format!("{name}:{}", address.port())
}

fn failed(detail: &str) -> CommandError {
    let next = "run `storekeep-agent doctor`, which looks at what listens there";
    CommandError::new(Exit::NotReachable, Code::Internal, format!("ask the agent: {detail}"), next)
}

fn unreadable(error: &crate::config::secret::SecretError) -> CommandError {
    let detail = match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    let next = "run the command as the user whom the agent runs as";
    CommandError::new(Exit::Refused, Code::Unauthorised, detail, next)
}
