//! What keeps the key that the journal is encrypted with.
//!
//! Names places and no secret. Does not look whether anything is there.

use std::path::PathBuf;

use journal::key::{Tier, credential};
use protocol::id::Text;
use protocol::sign::VerifyingKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// See [`super::Config::journal_key`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JournalKeyConfig {
    /// What wraps the key: `pkcs11`, `credential`, `dpapi` or `file`. Left out: the first of these
    /// that this host has. It decides for a new journal; the key of one that is there stays as it
    /// is until `storekeep-agent journal rewrap`.
    #[schemars(with = "Option<String>", extend("example" = "file"))]
    pub tier: Option<Tier>,

    /// The name of the credential that systemd hands to the service (`LoadCredentialEncrypted=`),
    /// with at least 32 random bytes in it.
    pub credential: Text<64>,

    /// The library of the token (PKCS#11), as its vendor names it.
    #[schemars(extend("example" = "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1"))]
    pub pkcs11_module: Option<PathBuf>,

    /// The label of the token, where the library shows more than one.
    #[schemars(extend("example" = "storekeep"))]
    pub pkcs11_token: Option<Text<32>>,

    /// The file with the PIN of the token's user, readable by the agent's user only. The environment
    /// variable STOREKEEP_PKCS11_PIN goes before it.
    #[schemars(extend("example" = "/etc/storekeep/token.pin"))]
    pub pkcs11_pin_file: Option<PathBuf>,

    /// The public half of the retailer's recovery key, as `storekeep-agent journal recovery-key`
    /// made it. The journal's key is sealed to it, so that the disk of a dead host can be read.
    #[schemars(extend("example" = "/etc/storekeep/recovery.pub"))]
    pub recovery_key_file: Option<PathBuf>,

    /// Who has to have signed that file: the 64 digits that the same command printed.
    #[schemars(
        with = "Option<String>",
        extend("example" = "9f1c2e6f0b7d4a5c8e3f1029384756abcdef0123456789abcdef0123456789ab")
    )]
    pub recovery_signer: Option<VerifyingKey>,
}

impl Default for JournalKeyConfig {
    fn default() -> Self {
        Self {
            tier: None,
            credential: Text::new(credential::DEFAULT_NAME).expect("the name is short"),
            pkcs11_module: None,
            pkcs11_token: None,
            pkcs11_pin_file: None,
            recovery_key_file: None,
            recovery_signer: None,
        }
    }
}

/// Rules that concern more than one key.
pub(super) fn rules(config: &JournalKeyConfig) -> Result<(), ConfigError> {
    let refused = |reason: &str, next: &str, key: &str| {
        Err(ConfigError::new(reason, next).of_key(format!("journal_key.{key}")))
    };
    if config.tier == Some(Tier::Pkcs11) && config.pkcs11_module.is_none() {
        let next = "name the token's library in journal_key.pkcs11_module";
        return refused("asks for a token, but no library is named", next, "tier");
    }
    if config.tier == Some(Tier::Dpapi) && cfg!(not(windows)) {
        let next = "choose pkcs11, credential or file";
        return refused("asks for DPAPI, which only Windows has", next, "tier");
    }
    if config.credential.as_str().contains(['/', '\\']) || config.credential.as_str() == ".." {
        let next = "write the name that stands in the unit, such as storekeep-journal";
        return refused("is a path, not the name of a credential", next, "credential");
    }
    match (&config.recovery_key_file, &config.recovery_signer) {
        (Some(_), None) => {
            let next = "set journal_key.recovery_signer to the digits that `storekeep-agent journal \
                        recovery-key` printed";
            refused("is taken from nobody, because no signer is named", next, "recovery_key_file")
        }
        (None, Some(_)) => {
            let next = "name the file in journal_key.recovery_key_file";
            refused("signs nothing, because no file is named", next, "recovery_signer")
        }
        _ => Ok(()),
    }
}
