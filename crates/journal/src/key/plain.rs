//! The key unwrapped in a file that only its owner may read: the provider that every host has.
//!
//! It stops a copied journal, not a copied data folder.

use protocol::bytes::Bytes;
use ring::rand::SecureRandom;

use super::document::Wrapping;
use super::error::{Hitch, ProviderError};
use super::{DataKey, Provider, Tier};

/// The tier `file`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Provider for Plain {
    fn tier(&self) -> Tier {
        Tier::File
    }

    fn is_set_up(&self) -> bool {
        true
    }

    fn wrap(&self, key: &DataKey, _: &dyn SecureRandom) -> Result<Wrapping, ProviderError> {
        Ok(Wrapping::File { key: Bytes(key.expose_bytes()) })
    }

    fn open(&self, wrapping: &Wrapping) -> Result<DataKey, ProviderError> {
        match wrapping {
            Wrapping::File { key } => Ok(DataKey::new(*key.as_bytes())),
            _ => Err(ProviderError::new("read the key", Hitch::OtherTier)),
        }
    }
}
