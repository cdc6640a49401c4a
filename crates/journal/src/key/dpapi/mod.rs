//! The key wrapped by Windows for this machine (DPAPI), in a file that only the service may open.
//!
//! In the scope of the machine every user of the machine could unprotect it, whichever account the
//! service has; so the file's access list is the barrier, and the bytes that are mixed in stand in
//! the same file. It stops a copied file, not a stolen disk. Uses no user's scope: a service's
//! virtual account has no profile that outlives a repair of Windows.
//! <https://learn.microsoft.com/windows/win32/api/dpapi/nf-dpapi-cryptprotectdata>
#![expect(unsafe_code, reason = "Windows has no safe interface for DPAPI and access lists")]

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::slice;

use protocol::bytes::Bytes;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::rand::SecureRandom;
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData,
    CryptUnprotectData,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, SetFileSecurityW,
};

use super::document::{Hex, Wrapping};
use super::error::{Hitch, ProviderError};
use super::{DataKey, Provider, Tier};

/// The service whose file it is.
pub const SERVICE: &str = "storekeep-agent";

/// The tier `dpapi`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dpapi;

impl Provider for Dpapi {
    fn tier(&self) -> Tier {
        Tier::Dpapi
    }

    fn is_set_up(&self) -> bool {
        true
    }

    fn wrap(&self, key: &DataKey, random: &dyn SecureRandom) -> Result<Wrapping, ProviderError> {
        const ATTEMPT: &str = "protect the key with DPAPI";
        let mut entropy = [0; 32];
        let drawn = random.fill(&mut entropy);
        drawn.map_err(|_| ProviderError::new(ATTEMPT, Hitch::Randomness))?;
        let wrapped = protect(&key.expose_bytes(), &entropy)
            .map_err(|error| ProviderError::new(ATTEMPT, Hitch::System).caused(error))?;
        Ok(Wrapping::Dpapi { entropy: Bytes(entropy), wrapped: Hex(wrapped) })
    }

    fn open(&self, wrapping: &Wrapping) -> Result<DataKey, ProviderError> {
        const ATTEMPT: &str = "unprotect the key with DPAPI";
        let Wrapping::Dpapi { entropy, wrapped } = wrapping else {
            return Err(ProviderError::new(ATTEMPT, Hitch::OtherTier));
        };
        let plain = unprotect(&wrapped.0, entropy.as_bytes())
            .map_err(|error| ProviderError::new(ATTEMPT, Hitch::System).caused(error))?;
        DataKey::from_slice(&plain).ok_or_else(|| ProviderError::new(ATTEMPT, Hitch::System))
    }
}

/// Leaves a file to Windows itself, the machine's administrators, the service and whoever makes it,
/// and takes from it what the folder would let in.
///
/// # Errors
/// Windows refuses.
pub fn guard(file: &Path) -> io::Result<()> {
    let service = service_sid(SERVICE);
    // SYSTEM, administrators, the service by its own identifier, the file's owner; no inheritance.
    let list = format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{service})(A;;FA;;;OW)");
    let (list, file) = (wide(OsStr::new(&list)), wide(file.as_os_str()));
    let mut descriptor = null_mut();
    // SAFETY: the text ends with a zero and outlives the call; the descriptor is written by it.
    let made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            list.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    if made == 0 {
        return Err(io::Error::last_os_error());
    }
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the name ends with a zero, and the descriptor is the one that was just made.
    let set = unsafe { SetFileSecurityW(file.as_ptr(), what, descriptor) };
    let set = if set == 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: Windows allocated it for us, and nothing points to it any more.
    unsafe { LocalFree(descriptor) };
    set
}

/// The identifier of a service's own account: `S-1-5-80` and the SHA-1 of its name in upper case
/// and UTF-16, as five numbers. It is the same on every machine, also before the service is there.
fn service_sid(name: &str) -> String {
    let bytes: Vec<u8> = name.to_uppercase().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let numbers = hash.as_ref().chunks_exact(4).map(|four| {
        let four = four.try_into().expect("chunks of four");
        format!("-{}", u32::from_le_bytes(four))
    });
    format!("S-1-5-80{}", numbers.collect::<String>())
}

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

fn blob(bytes: &[u8]) -> CRYPT_INTEGER_BLOB {
    let length = u32::try_from(bytes.len()).expect("a key and its wrapping are short");
    CRYPT_INTEGER_BLOB { cbData: length, pbData: bytes.as_ptr().cast_mut() }
}

fn protect(plain: &[u8], entropy: &[u8]) -> io::Result<Vec<u8>> {
    let (input, mixed) = (blob(plain), blob(entropy));
    let flags = CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN;
    let mut output = CRYPT_INTEGER_BLOB { cbData: 0, pbData: null_mut() };
    // SAFETY: both inputs outlive the call, which does not write to them, and the output is ours.
    let done =
        unsafe { CryptProtectData(&input, null(), &mixed, null(), null(), flags, &raw mut output) };
    taken(done, output)
}

fn unprotect(wrapped: &[u8], entropy: &[u8]) -> io::Result<Vec<u8>> {
    let (input, mixed) = (blob(wrapped), blob(entropy));
    let mut output = CRYPT_INTEGER_BLOB { cbData: 0, pbData: null_mut() };
    // SAFETY: as in `protect`.
    let done = unsafe {
        CryptUnprotectData(
            &input,
            null_mut(),
            &mixed,
            null(),
            null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut output,
        )
    };
    taken(done, output)
}

/// Copies what Windows allocated, and gives it back to it.
fn taken(done: i32, output: CRYPT_INTEGER_BLOB) -> io::Result<Vec<u8>> {
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let length = usize::try_from(output.cbData).expect("32 bits fit");
    // SAFETY: Windows says that so many bytes are there, and nothing else has them.
    let bytes = unsafe { slice::from_raw_parts(output.pbData, length) }.to_vec();
    // SAFETY: Windows allocated it for us, and nothing points to it any more.
    unsafe { LocalFree(output.pbData.cast()) };
    Ok(bytes)
}
