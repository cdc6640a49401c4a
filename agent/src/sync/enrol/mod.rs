//! Makes the device known to the relay, once: the token, the request, the answer that is kept.
//!
//! The relay's key is taken from the first answer, over TLS, and every later answer has to carry
//! its signature. The answer is kept in the journal together with the device key that it is
//! about, so that a device whose key was lost enrols anew. Makes no tokens.

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use journal::Journal;
use protocol::enrolment::{EnrolmentAnswer, EnrolmentRequest};
use protocol::handshake::PROTOCOL_VERSION;
use protocol::id::{Code as Word, StoreId};
use protocol::problem::Code;
use protocol::sign::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::driver::agent_version;
use super::policy::{Ladder, RETRY_AFTER_MAX, delay};
use super::uplink::Failure;
use super::{Membership, Parts, down, https, journal_failed, pause, random};
use crate::config::secret::{ENROLMENT_TOKEN_VARIABLE, SecretError};
use crate::config::{Config, HttpsConfig, Secret};
use crate::files;
use crate::health::Reason;
use crate::identity::DeviceKey;

/// The note in the journal that keeps the enrolment.
const ENROLMENT_NOTE: &str = "enrolment";

/// Between two looks for a token while there is none: a person waits for it.
const TOKEN_LOOK_INTERVAL: Duration = Duration::from_secs(3);

/// An enrolment as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// The key that the relay knows the device by.
    public_key: VerifyingKey,
    /// What the relay answered.
    answer: EnrolmentAnswer,
}

/// The enrolment that is kept for this key; none before the first contact.
///
/// # Errors
/// The journal cannot be read, or what it keeps is not an enrolment.
pub async fn kept(journal: &Journal, key: &DeviceKey) -> Result<Option<EnrolmentAnswer>, Failure> {
    let note = journal.note(ENROLMENT_NOTE).await.map_err(|error| journal_failed(&error))?;
    let Some(note) = note else { return Ok(None) };
    let kept: Kept = serde_json::from_slice(&note).map_err(|error| journal_failed(&error))?;
    Ok((kept.public_key == key.verifying_key()).then_some(kept.answer))
}

/// Asks the relay once, and keeps its answer.
///
/// # Errors
/// There is no answer that counts, or it cannot be kept.
pub async fn ask(
    journal: &Journal,
    store: &StoreId,
    relay: &HttpsConfig,
    key: &DeviceKey,
    token: &Secret,
) -> Result<EnrolmentAnswer, Failure> {
    let request = request(store, key, token)?;
    let signing = key.signing();
    let answer = https::enrol(relay, &signing, &request).await?;
    let kept = Kept { public_key: key.verifying_key(), answer };
    let note = serde_json::to_vec(&kept).expect("an enrolment is plain data");
    let written = journal.put_note(ENROLMENT_NOTE, &note).await;
    written.map_err(|error| journal_failed(&error))?;
    Ok(kept.answer)
}

fn request(store: &StoreId, key: &DeviceKey, token: &Secret) -> Result<EnrolmentRequest, Failure> {
    let token = Word::new(token.expose()).map_err(|_| {
        let text = "the enrolment token is not one that a relay made";
        Failure::Refused(Reason::new(Code::BadToken, text))
    })?;
    Ok(EnrolmentRequest {
        protocol_version: PROTOCOL_VERSION,
        token,
        store: store.clone(),
        public_key: key.verifying_key(),
        agent_version: agent_version(),
    })
}

/// Waits until the device is enrolled, and tells the rest of the agent.
pub(super) async fn until_enrolled(
    parts: &Parts,
    config: &Config,
    relay: &HttpsConfig,
    membership: &Membership,
) -> EnrolmentAnswer {
    let mut failures: u32 = 0;
    loop {
        let answer = match kept(&parts.journal, &membership.key).await {
            Ok(Some(answer)) => Ok(Some(answer)),
            Ok(None) => attempt(parts, config, relay, membership).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(Some(answer)) => {
                membership.enrolment.send_replace(Some(answer.clone()));
                return answer;
            }
            Ok(None) => {
                let next = "run `storekeep-agent enroll` with a token from the relay";
                let text = format!("there is no enrolment token; {next}");
                down(parts, Reason::new(Code::NotEnrolled, text));
                pause(TOKEN_LOOK_INTERVAL).await;
            }
            Err(failure) => {
                failures = failures.saturating_add(1);
                down(parts, not_enrolled(failure.reason()));
                let wait = delay(failure.ladder(), failures, random(&parts.seams));
                let wait = wait.max(failure.retry_after().unwrap_or_default()).min(RETRY_AFTER_MAX);
                wait_or_new_token(config, membership, wait).await;
            }
        }
    }
}

/// This host was a copy and its name went to another one: a key of its own takes the place of the
/// common one, so that it enrols under a name of its own.
pub(super) async fn renew(parts: &Parts, membership: &mut Membership) {
    let mut failures: u32 = 0;
    loop {
        match DeviceKey::replace(&membership.key_file, &*parts.seams.random) {
            Ok(key) => {
                membership.key = Arc::new(key);
                tracing::error!(
                    "this host was a copy of another one, which keeps their common name; enrol it \
                     with a token of its own; selling goes on"
                );
                return;
            }
            Err(error) => {
                let reason = Reason::new(Code::NotEnrolled, https::in_one_line(&error));
                down(parts, reason);
                failures = failures.saturating_add(1);
                pause(delay(Ladder::Refused, failures, random(&parts.seams))).await;
            }
        }
    }
}

/// Waits, but no longer than until another token is there than the one that failed.
async fn wait_or_new_token(config: &Config, membership: &Membership, wait: Duration) {
    let failed = token(config, membership);
    let mut left = wait;
    while !left.is_zero() {
        let part = left.min(TOKEN_LOOK_INTERVAL);
        pause(part).await;
        left = left.saturating_sub(part);
        match (token(config, membership), &failed) {
            (Ok(Some(now)), Ok(Some(failed))) if now == *failed => {}
            (Ok(Some(_)), _) => return,
            (Ok(None) | Err(_), _) => {}
        }
    }
}

/// Enrols with a token if there is one.
async fn attempt(
    parts: &Parts,
    config: &Config,
    relay: &HttpsConfig,
    membership: &Membership,
) -> Result<Option<EnrolmentAnswer>, Failure> {
    let Some(token) = token(config, membership).map_err(|error| unreadable(&error))? else {
        return Ok(None);
    };
    let answer = ask(&parts.journal, &parts.store, relay, &membership.key, &token).await?;
    tracing::info!(device = %answer.device, tenant = %answer.tenant, "this device is enrolled");
    if let Err(error) = files::remove_if_there(&membership.token_file) {
        // It was used up and opens nothing any more.
        tracing::warn!(%error, file = %membership.token_file.display(), "the used token stays");
    }
    Ok(Some(answer))
}

/// The token: from the environment, the file of the configuration, or the one that `enroll` left.
fn token(config: &Config, membership: &Membership) -> Result<Option<Secret>, SecretError> {
    if let Some(token) = &membership.token {
        return Ok(Some(token.clone()));
    }
    let left: &PathBuf = &membership.token_file;
    match from_file(left)? {
        Some(token) => Ok(Some(token)),
        None => config.relay.enrolment_token_file.as_deref().map_or(Ok(None), from_file),
    }
}

fn from_file(file: &Path) -> Result<Option<Secret>, SecretError> {
    match Secret::from_file(file) {
        Ok(token) => Ok(Some(token)),
        Err(SecretError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unreadable(error: &SecretError) -> Failure {
    let text = format!("{}; or set {ENROLMENT_TOKEN_VARIABLE}", https::in_one_line(error));
    Failure::Refused(Reason::new(Code::NotEnrolled, text))
}

/// Whatever keeps a device from enrolling, it is not enrolled.
fn not_enrolled(reason: &Reason) -> Reason {
    match reason.code {
        Code::BadToken | Code::NotEnrolled => reason.clone(),
        code => Reason::new(Code::NotEnrolled, format!("{} ({code})", reason.text)),
    }
}
