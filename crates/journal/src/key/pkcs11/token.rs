//! One token, found and logged in for as long as one action takes.
//!
//! Does not know what is encrypted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use protocol::bytes::Bytes;
use ring::rand::SecureRandom;

use super::super::error::{Hitch, ProviderError};
use super::Pin;

/// Bits of an RSA key: what every token and TPM makes.
const RSA_BITS: usize = 2048;

/// The libraries that are loaded and initialised, which PKCS#11 allows once in a process. Held for
/// the whole of an action, because a login counts for every session of the process.
static LOADED: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) label: String,
    pub(super) serial: String,
    pub(super) login: Login,
}

/// What a token says about logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) is_required: bool,
    pub(super) is_last_try: bool,
    pub(super) is_locked: bool,
}

/// A token whose user is logged in.
pub(super) struct LoggedIn<'a> {
    pub(super) info: Info,
    library: &'a Pkcs11,
    slot: Slot,
    session: Session,
}

/// A wrapping key on the token.
pub(super) struct Made {
    pub(super) encrypts: ObjectHandle,
    pub(super) decrypts: ObjectHandle,
}

impl Info {
    fn of(token: &TokenInfo) -> Self {
        Self {
            label: token.label().to_owned(),
            serial: token.serial_number().to_owned(),
            login: Login {
                is_required: token.login_required(),
                is_last_try: token.user_pin_final_try(),
                is_locked: token.user_pin_locked(),
            },
        }
    }

    /// Whether it has the label; any has the one that nobody named.
    pub(super) fn is_called(&self, label: Option<&str>) -> bool {
        label.is_none_or(|label| self.label == label)
    }
}

impl Login {
    /// The PIN to log in with; none if the token wants none. No PIN is risked that would lock it.
    pub(super) fn with(self, pin: Option<&Pin>) -> Result<Option<&Pin>, Hitch> {
        match (self, pin) {
            (Self { is_required: false, .. }, _) => Ok(None),
            (Self { is_locked: true, .. }, _) => Err(Hitch::PinLocked),
            (Self { is_last_try: true, .. }, _) => Err(Hitch::PinLast),
            (_, None) => Err(Hitch::PinAbsent),
            (_, Some(pin)) => Ok(Some(pin)),
        }
    }
}

/// Finds the one token that is meant, logs in, acts, and logs out.
pub(super) fn with<T>(
    module: &Path,
    pin: Option<&Pin>,
    is_meant: impl Fn(&Info) -> bool,
    act: impl FnOnce(&LoggedIn<'_>) -> Result<T, ProviderError>,
) -> Result<T, ProviderError> {
    // A panic leaves nothing half changed here: libraries are only added.
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let library = match loaded.get(module) {
        Some(library) => library.clone(),
        None => {
            let library = load(module)?;
            loaded.insert(module.to_owned(), library.clone());
            library
        }
    };
    let (slot, info) = find(&library, is_meant)?;
    let session = library.open_rw_session(slot).map_err(|error| failed("open a session", error))?;
    let attempt = || format!("log in to the token `{}`", info.label);
    let pin = info.login.with(pin).map_err(|hitch| ProviderError::new(attempt(), hitch))?;
    if let Some(pin) = pin {
        match session.login(UserType::User, Some(&AuthPin::new(pin.0.clone()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(failed(attempt(), error)),
        }
    }
    let token = LoggedIn { info, library: &library, slot, session };
    let acted = act(&token);
    if pin.is_some()
        && let Err(error) = token.session.logout()
    {
        tracing::warn!(%error, token = token.info.label, "the token could not be logged out of");
    }
    acted
}

fn load(module: &Path) -> Result<Pkcs11, ProviderError> {
    let attempt = format!("load the token's library `{}`", module.display());
    let failed = |error| ProviderError::new(&attempt, Hitch::Library).caused(error);
    let library = Pkcs11::new(module).map_err(failed)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(library),
        Err(error) => Err(failed(error)),
    }
}

fn find(library: &Pkcs11, is_meant: impl Fn(&Info) -> bool) -> Result<(Slot, Info), ProviderError> {
    const ATTEMPT: &str = "find the token";
    let slots = library.get_slots_with_token().map_err(|error| failed(ATTEMPT, error))?;
    let mut found = None;
    for slot in slots {
        let token = library.get_token_info(slot).map_err(|error| failed(ATTEMPT, error))?;
        let info = Info::of(&token);
        if !token.token_initialized() || !is_meant(&info) {
            continue;
        }
        if found.replace((slot, info)).is_some() {
            return Err(ProviderError::new(ATTEMPT, Hitch::Token));
        }
    }
    found.ok_or_else(|| ProviderError::new(ATTEMPT, Hitch::Token))
}

impl LoggedIn<'_> {
    pub(super) const fn session(&self) -> &Session {
        &self.session
    }

    /// Whether the token can do all of it.
    pub(super) fn has(&self, mechanisms: [MechanismType; 2]) -> bool {
        let listed = self.library.get_mechanism_list(self.slot).unwrap_or_default();
        mechanisms.iter().all(|mechanism| listed.contains(mechanism))
    }

    /// The key with an identifier.
    pub(super) fn find(
        &self,
        class: ObjectClass,
        key_id: &Bytes<16>,
    ) -> Result<Option<ObjectHandle>, ProviderError> {
        let template = [Attribute::Class(class), Attribute::Id(key_id.as_bytes().to_vec())];
        let found = self.session.find_objects(&template);
        let found = found.map_err(|error| failed(format!("find key {key_id}"), error))?;
        Ok(found.first().copied())
    }

    /// Makes an AES-256 key that stays on the token.
    pub(super) fn make_aes(&self, label: &str, key_id: &Bytes<16>) -> Result<Made, ProviderError> {
        let mut template = vec![
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(32.into()),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
        ];
        template.extend(staying(label, key_id));
        let made = self.session.generate_key(&Mechanism::AesKeyGen, &template);
        let made = made.map_err(|error| failed("make an AES key on the token", error))?;
        Ok(Made { encrypts: made, decrypts: made })
    }

    /// Makes an RSA pair whose private half stays on the token.
    pub(super) fn make_rsa(&self, label: &str, key_id: &Bytes<16>) -> Result<Made, ProviderError> {
        const ATTEMPT: &str = "make an RSA key on the token";
        let bits = RSA_BITS.try_into().map_err(|error| failed(ATTEMPT, error))?;
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Encrypt(true),
            Attribute::ModulusBits(bits),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Id(key_id.as_bytes().to_vec()),
        ];
        let mut private = vec![Attribute::Decrypt(true)];
        private.extend(staying(label, key_id));
        let mechanism = Mechanism::RsaPkcsKeyPairGen;
        let made = self.session.generate_key_pair(&mechanism, &public, &private);
        let (encrypts, decrypts) = made.map_err(|error| failed(ATTEMPT, error))?;
        Ok(Made { encrypts, decrypts })
    }

    /// Removes a key that was made and is of no use.
    pub(super) fn remove(&self, made: &Made) -> Result<(), ProviderError> {
        let remove = |key| {
            let removed = self.session.destroy_object(key);
            removed.map_err(|error| failed("remove a key from the token", error))
        };
        if made.encrypts != made.decrypts {
            remove(made.encrypts)?;
        }
        remove(made.decrypts)
    }
}

/// What makes a key one that is kept on the token and never leaves it.
fn staying(label: &str, key_id: &Bytes<16>) -> [Attribute; 6] {
    [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(key_id.as_bytes().to_vec()),
    ]
}

/// What a failure of the library means.
pub(super) fn failed(attempt: impl Into<String>, error: Error) -> ProviderError {
    let hitch = match &error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            Hitch::PinWrong
        }
        Error::Pkcs11(RvError::PinLocked | RvError::PinExpired, _) => Hitch::PinLocked,
        Error::Pkcs11(RvError::TokenNotPresent | RvError::TokenNotRecognized, _) => Hitch::Token,
        _ => Hitch::TokenFailed,
    };
    ProviderError::new(attempt, hitch).caused(error)
}

/// Draws bytes for an identifier or an initialisation vector.
pub(super) fn random_bytes(random: &dyn SecureRandom) -> Result<[u8; 16], ProviderError> {
    let mut bytes = [0; 16];
    let drawn = random.fill(&mut bytes);
    drawn.map_err(|_| ProviderError::new("draw an identifier", Hitch::Randomness))?;
    Ok(bytes)
}
