//! Verifies certificates without the relay: from their text and its public key alone.
//!
//! A certificate has one text: any byte that differs is refused, whitespace and order included.
//! Several of one store are held against each other: each names the hash of the day before. Asks
//! nobody whether the figures are true; that is what the signature says.

use std::collections::BTreeMap;

use protocol::bytes::Bytes;
use protocol::id::StoreId;
use protocol::sign::{self, VerifyingKey};
use protocol::time::BusinessDate;

use super::{Certificate, DOCUMENT, Sealed, canonical, hash, signed};

/// Why a text is no certificate of the relay.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not the shape of one.
    #[error("read a certificate")]
    Shape(#[from] serde_json::Error),
    /// It cannot be written again.
    #[error("write the certificate again")]
    Canonical(#[source] anyhow::Error),
    /// The text is not the one that was issued.
    #[error("the text is not the certificate's own: bytes were added, left out or moved")]
    Text,
    /// Another shape.
    #[error("the document is `{0}`; this program verifies `{DOCUMENT}`")]
    Document(String),
    /// Another relay's.
    #[error("it was signed with the key {found}, not with {expected}")]
    Key {
        /// The key that it names.
        found: VerifyingKey,
        /// The key that is trusted.
        expected: VerifyingKey,
    },
    /// The content is not what was hashed.
    #[error("its content does not have the hash that it states")]
    Hash,
    /// The relay did not sign it.
    #[error("its signature is not the relay's")]
    Signature(#[from] sign::BadSignature),
}

/// A certificate that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The document.
    pub certificate: Certificate,
    /// Its hash.
    pub hash: Bytes<32>,
}

/// What the links of several certificates say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    /// It names a certificate that is at hand.
    Holds,
    /// It is the store's first.
    First,
    /// It names one that is not at hand.
    Absent {
        /// Of which day.
        business_date: BusinessDate,
        /// Which version.
        version: u32,
    },
    /// It names one that is at hand with another hash: one of the two is not what was issued.
    Broken {
        /// Of which day.
        business_date: BusinessDate,
        /// Which version.
        version: u32,
    },
}

/// Verifies one certificate.
///
/// # Errors
/// It is not what the holder of that key issued.
pub fn verify(text: &str, key: VerifyingKey) -> Result<Verified, CertificateError> {
    let sealed: Sealed = serde_json::from_str(text)?;
    let again = canonical(&sealed).map_err(CertificateError::Canonical)?;
    if text.as_bytes().strip_suffix(b"\n") != Some(again.as_slice()) {
        return Err(CertificateError::Text);
    }
    let Sealed { certificate, hash: stated, signature } = sealed;
    if certificate.document != DOCUMENT {
        return Err(CertificateError::Document(certificate.document));
    }
    if certificate.key != key {
        return Err(CertificateError::Key { found: certificate.key, expected: key });
    }
    let bytes = canonical(&certificate).map_err(CertificateError::Canonical)?;
    if hash(&bytes) != stated {
        return Err(CertificateError::Hash);
    }
    sign::verify(key, &signed(&bytes), signature)?;
    Ok(Verified { certificate, hash: stated })
}

/// Holds verified certificates against each other: what the links of each say, in their order.
#[must_use]
pub fn links(verified: &[Verified]) -> Vec<Linked> {
    let mut known: BTreeMap<(&StoreId, BusinessDate, u32), Bytes<32>> = BTreeMap::new();
    for Verified { certificate, hash } in verified {
        let day = &certificate.day;
        known.insert((&day.store, day.business_date, certificate.version), *hash);
    }
    let of = |Verified { certificate, .. }: &Verified| {
        let both = [&certificate.previous, &certificate.supersedes];
        let mut said = Linked::First;
        for link in both.into_iter().flatten() {
            let (business_date, version) = (link.business_date, link.version);
            match known.get(&(&certificate.day.store, business_date, version)) {
                Some(hash) if *hash == link.hash => {
                    if said == Linked::First {
                        said = Linked::Holds;
                    }
                }
                Some(_) => return Linked::Broken { business_date, version },
                None => said = Linked::Absent { business_date, version },
            }
        }
        said
    };
    verified.iter().map(of).collect()
}
