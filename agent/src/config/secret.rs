//! Secrets: read from a file or from the environment, printed as `***`.
//!
//! Does not read the environment itself (the caller passes the variable's value) and never shows
//! what it read, neither in `Debug` nor in an error.

use std::fmt;
use std::path::Path;

/// The variable that goes before `local_api.token_file`.
pub const LOCAL_API_TOKEN_VARIABLE: &str = "STOREKEEP_LOCAL_API_TOKEN";

/// The variable that goes before `relay.enrolment_token_file`.
pub const ENROLMENT_TOKEN_VARIABLE: &str = "STOREKEEP_ENROLMENT_TOKEN";

/// The variable that goes before `journal_key.pkcs11_pin_file`.
pub const PKCS11_PIN_VARIABLE: &str = "STOREKEEP_PKCS11_PIN";

/// A file with a secret holds one line; more is a mistake in the path.
const SECRET_BYTES_MAX: usize = 4096;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

/// Why a secret cannot be read. Never holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("read the secret in `{file}`")]
    Read {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file or variable is empty, has several lines or is too long.
    #[error("`{place}` does not hold one line with a secret")]
    Shape {
        /// The file or variable.
        place: String,
    },
}

impl Secret {
    /// Takes a secret; the white space around it is not part of it.
    ///
    /// # Errors
    /// `text` is not one line. `place` is what the message names.
    pub fn new(text: &str, place: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let one_line = !text.is_empty() && !text.chars().any(char::is_control);
        if !one_line || text.len() > SECRET_BYTES_MAX {
            return Err(SecretError::Shape { place: place.to_owned() });
        }
        Ok(Self(text.into()))
    }

    /// Reads the secret in a file.
    ///
    /// # Errors
    /// The file cannot be read or does not hold one line.
    pub fn from_file(file: &Path) -> Result<Self, SecretError> {
        let place = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|source| SecretError::Read { file: place.clone(), source })?;
        Self::new(&text, &place)
    }

    /// The secret itself, for the one place that sends or compares it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
