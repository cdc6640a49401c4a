//! A page of a SQLCipher file, authenticated and decrypted without SQLCipher.
//!
//! SQLCipher refuses a file whose first page is damaged and reads nothing that a damaged page
//! leads to. Each page stands for itself, though: AES-256-CBC under the data key with an
//! initialisation vector of its own, and HMAC-SHA-512 over both and the page's number under a key
//! derived from the data key and the file's salt (SQLCipher 4, "Security Design"). What does not
//! authenticate is not a page. Reads no file and does not know what stands in a page.

use aes::Aes256;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use ring::{hmac, pbkdf2};

use crate::head::SALT_BYTES;
use crate::key::{DataKey, KEY_BYTES};

/// Bytes of a page.
pub(super) const PAGE_BYTES: usize = 4_096;

/// Bytes of it that SQLite uses; the vector and the code follow.
pub(super) const USABLE_BYTES: usize = PAGE_BYTES - VECTOR_BYTES - CODE_BYTES;

const VECTOR_BYTES: usize = 16;
const CODE_BYTES: usize = 64;

/// What SQLCipher mixes into the salt to derive the key of the codes, and how often it hashes.
const CODE_SALT_MASK: u8 = 0x3a;
const CODE_KEY_ROUNDS: std::num::NonZeroU32 = std::num::NonZeroU32::new(2).expect("2 is not zero");

/// Opens the pages of one file.
pub(super) struct Opener {
    key: [u8; KEY_BYTES],
    code_key: hmac::Key,
}

impl Opener {
    /// The opener of a file with this salt.
    pub(super) fn new(key: &DataKey, salt: [u8; SALT_BYTES]) -> Self {
        let mut code_key = [0; KEY_BYTES];
        let code_salt = salt.map(|byte| byte ^ CODE_SALT_MASK);
        let key = key.expose_bytes();
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA512,
            CODE_KEY_ROUNDS,
            &code_salt,
            &key,
            &mut code_key,
        );
        Self { key, code_key: hmac::Key::new(hmac::HMAC_SHA512, &code_key) }
    }

    /// The usable bytes of a page; none if it is not the page with this number, unchanged.
    pub(super) fn open(&self, number: u32, page: &[u8]) -> Option<Vec<u8>> {
        let (sealed, code) = page.split_at_checked(PAGE_BYTES - CODE_BYTES)?;
        // The first page begins with the salt, which is neither encrypted nor authenticated.
        let clear = if number == 1 { SALT_BYTES } else { 0 };
        let mut coded = sealed.get(clear..)?.to_vec();
        coded.extend(number.to_le_bytes());
        hmac::verify(&self.code_key, &coded, code).ok()?;
        let (data, vector) = sealed.split_at(USABLE_BYTES);
        let vector: [u8; VECTOR_BYTES] = vector.try_into().ok()?;
        let mut bytes = data.to_vec();
        let decryptor = cbc::Decryptor::<Aes256>::new(&self.key.into(), &vector.into());
        decryptor.decrypt_padded::<NoPadding>(&mut bytes[clear..]).ok()?;
        Some(bytes)
    }
}
