//! Secrets: one line in a file, printed as `***`.
//!
//! The operator's token, a target's credentials. Never shown, neither in `Debug` nor in an error.
//! Does not read the environment and writes nothing.

use std::fmt;
use std::path::{Path, PathBuf};

/// Bytes of a file that holds one line; more is a mistake in the path.
const BYTES_MAX: u64 = 4_096;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

/// Why there is no secret. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("read the secret in `{path}`", path = .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Not one line of printable characters.
    #[error("`{place}` does not hold one line with a secret")]
    Shape {
        /// Where it was looked for.
        place: String,
    },
}

impl Secret {
    /// Takes a secret; white space around it is not part of it. `place` is named if it is none.
    ///
    /// # Errors
    /// Empty, longer than 4 KiB, or with a control character.
    pub fn new(text: &str, place: impl Into<String>) -> Result<Self, SecretError> {
        let line = text.trim();
        let is_long = u64::try_from(line.len()).is_ok_and(|bytes| bytes > BYTES_MAX);
        if line.is_empty() || is_long || line.chars().any(char::is_control) {
            return Err(SecretError::Shape { place: place.into() });
        }
        Ok(Self(line.into()))
    }

    /// Reads the secret in a file.
    ///
    /// # Errors
    /// The file cannot be read or holds no secret.
    pub fn from_file(file: &Path) -> Result<Self, SecretError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| SecretError::Read { file: file.to_owned(), source })?;
        Self::new(&text, file.display().to_string())
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

#[cfg(test)]
mod tests {
    //! A secret is one line and stays hidden.

    use super::*;

    #[test]
    fn white_space_around_it_is_no_part_of_a_secret_and_nothing_shows_it() {
        let secret = Secret::new(" s3cret\n", "here").unwrap();
        assert_eq!(secret.expose(), "s3cret");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }

    #[test]
    fn what_is_not_one_line_is_refused_by_its_place_alone() {
        for text in ["", " \n", "one\ntwo", &"x".repeat(5_000)] {
            let error = Secret::new(text, "token.txt").unwrap_err().to_string();
            assert_eq!(error, "`token.txt` does not hold one line with a secret");
        }
        assert!(Secret::from_file(Path::new("/nowhere/token")).is_err());
    }
}
