//! The signed certificate of a store's business date.
//!
//! A document in canonical JSON (RFC 8785) that names the journals' ranges with their chain hash,
//! each Z, the control totals at POS, relay and every target, the bridging items and what was open
//! when it was issued. It is linked by hash to the store's day before and signed with the relay's
//! key, so that a day that is changed, left out or exchanged later is noticed without the relay
//! (`verify`). A certificate is never replaced: a late supplement makes the next version, which names
//! the one before.

#[cfg(test)]
mod tests;
mod verify;

use anyhow::{Context, bail};
use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::id::StoreId;
use protocol::sign::{Signature, SigningKey, VerifyingKey};
use protocol::time::BusinessDate;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::report::{AgentColumn, Closed, DayReport, ReadBack};
use super::{Sources, Targeting, gather};
use crate::store::books::{Books, CertificateRow};

pub use verify::{CertificateError, Linked, Verified, links, verify};

/// What the document calls itself; a later shape calls itself otherwise.
pub const DOCUMENT: &str = "storekeep.day-certificate.v1";

/// Signed before the document, so that a signature of the relay over anything else is none here.
const CONTEXT: &[u8] = b"storekeep.day-certificate.v1\0";

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// [`DOCUMENT`].
    pub document: String,
    /// The first of a day is 1.
    pub version: u32,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The relay's public key.
    pub key: VerifyingKey,
    /// The store's last day before, in its last version then; none for the first one.
    pub previous: Option<Link>,
    /// The version of this day that it supersedes; none for the first.
    pub supersedes: Option<Link>,
    /// The day.
    pub day: DayReport,
}

/// Another certificate of the same store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
    /// Its business date.
    pub business_date: BusinessDate,
    /// Its version.
    pub version: u32,
    /// Its hash.
    pub hash: Bytes<32>,
}

/// The document with its hash and signature, as it is kept and filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The document.
    pub certificate: Certificate,
    /// SHA-256 of its canonical JSON.
    pub hash: Bytes<32>,
    /// Ed25519 over the context and the canonical JSON.
    pub signature: Signature,
}

/// What came of issuing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issued {
    /// A new one.
    New(CertificateRow),
    /// Nothing changed since the last one.
    Unchanged(CertificateRow),
    /// Not yet, for this reason.
    NotYet(String),
}

/// When a certificate is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Once the day is over; what is open then is named in it.
    Over,
    /// Once it is over, the store is level and every target was read.
    Complete,
}

/// Issues the certificate of a store's business date, unless nothing changed since the last one.
///
/// # Errors
/// The store failed, or nothing is known of the day.
pub async fn issue(
    sources: &Sources<'_>,
    key: &SigningKey,
    store: &StoreId,
    date: BusinessDate,
    readiness: Readiness,
) -> anyhow::Result<Issued> {
    let report = gather(sources, store, date, Targeting::Ask).await.context("read the day")?;
    let Some(day) = report else { bail!("certify store {store} on {date}: nothing is held of it") };
    if let Some(reason) = unready(&day, readiness) {
        return Ok(Issued::NotYet(reason));
    }
    let books: &dyn Books = sources.store;
    let versions = books.certificates(store, date).await.context("read its certificates")?;
    let last = versions.into_iter().next_back();
    let supersedes = match &last {
        Some(row) => {
            let sealed = read(row)?;
            if substance(&sealed.certificate.day) == substance(&day) {
                return Ok(Issued::Unchanged(row.clone()));
            }
            Some(link(row, sealed.hash))
        }
        None => None,
    };
    let before = books.certificate_before(store, date).await;
    let previous = match before.context("read the certificate of the day before")? {
        Some(row) => Some(link(&row, read(&row)?.hash)),
        None => None,
    };
    let certificate = Certificate {
        document: DOCUMENT.to_owned(),
        version: last.map_or(1, |row| row.version.saturating_add(1)),
        issued_at: day.made_at,
        key: key.verifying_key(),
        previous,
        supersedes,
        day,
    };
    let row = CertificateRow {
        store: store.clone(),
        business_date: date,
        version: certificate.version,
        issued_at: certificate.issued_at,
        certificate: seal(certificate, key)?,
    };
    // What is kept is what anybody will be able to verify.
    verify(&row.certificate, key.verifying_key()).context("verify what was just signed")?;
    books.add_certificate(row.clone()).await.context("keep the certificate")?;
    Ok(Issued::New(row))
}

/// Why a day is not ready; nothing if it is.
fn unready(day: &DayReport, readiness: Readiness) -> Option<String> {
    if day.closed == Closed::Open {
        return Some("the day is still open".to_owned());
    }
    if readiness == Readiness::Over {
        return None;
    }
    if !day.agent.is_level {
        return Some(format!("the store's agents: {}", day.agent.words));
    }
    let unread = day.targets.iter().find_map(|target| match &target.read {
        ReadBack::Failed(reason) => Some(format!("{}: {reason}", target.target)),
        ReadBack::At(_) | ReadBack::NotAsked => None,
    });
    unread.map(|reason| format!("a target was not read back: {reason}"))
}

/// The day without when and how it was looked at.
fn substance(day: &DayReport) -> DayReport {
    let mut day = day.clone();
    day.made_at = Timestamp::UNIX_EPOCH;
    day.agent = AgentColumn { is_level: day.agent.is_level, words: String::new() };
    for target in &mut day.targets {
        if let ReadBack::At(at) = &mut target.read {
            *at = Timestamp::UNIX_EPOCH;
        }
    }
    day
}

fn link(row: &CertificateRow, hash: Bytes<32>) -> Link {
    Link { business_date: row.business_date, version: row.version, hash }
}

/// Reads a certificate that is kept.
///
/// # Errors
/// It is no certificate of a shape that this program knows.
pub fn read(row: &CertificateRow) -> anyhow::Result<Sealed> {
    serde_json::from_str(&row.certificate).with_context(|| {
        format!(
            "read the certificate of store {} on {}, version {}",
            row.store, row.business_date, row.version
        )
    })
}

/// Signs a document; the text as it is filed.
fn seal(certificate: Certificate, key: &SigningKey) -> anyhow::Result<String> {
    let bytes = canonical(&certificate)?;
    let sealed = Sealed { hash: hash(&bytes), signature: key.sign(&signed(&bytes)), certificate };
    let text = String::from_utf8(canonical(&sealed)?).context("write JSON")?;
    Ok(format!("{text}\n"))
}

fn canonical(value: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    serde_json_canonicalizer::to_vec(value).context("write canonical JSON")
}

fn hash(bytes: &[u8]) -> Bytes<32> {
    Bytes::from_slice(digest(&SHA256, bytes).as_ref()).expect("SHA-256 has 32 bytes")
}

fn signed(bytes: &[u8]) -> Vec<u8> {
    [CONTEXT, bytes].concat()
}
