//! What Windows gives back, and to whom the file is left.

use ring::rand::SystemRandom;

use super::*;

#[test]
fn what_windows_protected_comes_back_and_what_was_changed_does_not() {
    let key = DataKey::new([7; 32]);
    let wrapping = Dpapi.wrap(&key, &SystemRandom::new()).unwrap();
    assert_eq!(Dpapi.open(&wrapping).unwrap(), key);
    let Wrapping::Dpapi { entropy, wrapped } = wrapping else { panic!("the tier is dpapi") };
    let other = Wrapping::Dpapi { entropy: Bytes([0; 32]), wrapped: wrapped.clone() };
    assert_eq!(Dpapi.open(&other).unwrap_err().hitch, Hitch::System);
    let cut = Wrapping::Dpapi { entropy, wrapped: Hex(wrapped.0[..wrapped.0.len() - 1].to_vec()) };
    assert_eq!(Dpapi.open(&cut).unwrap_err().hitch, Hitch::System);
}

/// `sc showsid TrustedInstaller` prints it on every Windows.
#[test]
fn a_services_identifier_follows_from_its_name() {
    let expected = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
    assert_eq!(service_sid("TrustedInstaller"), expected);
}

#[test]
fn a_guarded_file_can_still_be_written_by_whoever_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.key");
    crate::files::put_first(&file, b"key", guard).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"key");
    crate::files::replace_guarded(&file, b"next", guard).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"next");
}
