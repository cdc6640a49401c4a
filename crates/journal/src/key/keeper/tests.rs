//! A key is made once, kept to its owner, and never replaced by another one.

use protocol::bytes::Bytes;

use super::super::ProviderError;
use super::super::credential::DEFAULT_NAME;
use super::super::error::Hitch;
use super::super::testing::{Place, random, recovery};
use super::*;

fn made(keeper: &KeyKeeper) -> KeptKey {
    keeper.load_or_create(None, &random()).unwrap()
}

#[test]
fn a_key_is_drawn_once_and_is_alone_in_the_folder() {
    let place = Place::new();
    let kept = made(&place.plain());
    assert_eq!(made(&place.plain()).key, kept.key);
    assert_ne!(made(&Place::new().plain()).key, kept.key);
    assert_eq!(fs::read_dir(place.path("")).unwrap().count(), 1);
    assert_eq!((kept.tier, kept.place, kept.sealed_to), (Tier::File, None, None));
}

#[test]
fn no_key_is_drawn_for_a_journal_that_an_earlier_one_opens() {
    for part in ["journal.db", "journal.db-wal", "journal.db.head"] {
        let place = Place::new();
        place.put(part, b"");
        let refused = place.with_credential().load_or_create(None, &random());
        assert!(matches!(refused, Err(KeyError::Missing { .. })), "{part}");
        assert!(!place.path("journal.key").exists(), "{part}");
    }
}

#[test]
fn a_key_that_another_process_put_there_first_is_the_key() {
    let place = Place::new();
    let first = made(&place.plain());
    files::put_first(&place.path("journal.key"), b"another", |_| Ok(())).unwrap();
    assert_eq!(made(&place.plain()).key, first.key);
}

#[test]
fn a_key_of_the_first_version_is_read_and_sealed_without_being_changed() {
    let place = Place::new();
    place.put("journal.key", format!("{}\n", hex::encode([7; 32])).as_bytes());
    let kept = made(&place.plain());
    assert_eq!((kept.key.clone(), kept.tier), (DataKey::new([7; 32]), Tier::File));
    let (key, target) = recovery();
    let sealed = place.plain().seal(&kept, &target, &random()).unwrap();
    assert_eq!((&sealed.key, sealed.sealed_to), (&kept.key, Some(target.sealing_key())));
    assert_eq!(place.plain().recovered(&key).unwrap().unwrap(), kept.key);
}

#[test]
fn a_wrapped_key_does_not_stand_in_its_file_and_needs_its_credential() {
    let place = Place::new();
    let kept = made(&place.with_credential());
    assert_eq!(kept.tier, Tier::Credential);
    assert!(!place.text("journal.key").contains(&hex::encode(kept.key.expose_bytes())));
    assert_eq!(made(&place.with_credential()).key, kept.key);
    let not_set_up = place.plain().load();
    let tier = Tier::Credential;
    assert!(matches!(not_set_up, Err(KeyError::NotSetUp { tier: found, .. }) if found == tier));
    assert_eq!(place.plain().tier().unwrap(), Some(tier));
}

#[test]
fn a_provider_that_is_set_up_and_fails_is_not_passed_over() {
    let place = Place::new();
    let keeper = place.with_credential();
    place.put(DEFAULT_NAME, b"short");
    let refused = keeper.load_or_create(None, &random());
    assert!(matches!(
        refused,
        Err(KeyError::Provider { source: ProviderError { hitch: Hitch::CredentialSize, .. }, .. })
    ));
    assert!(!place.path("journal.key").exists());
}

#[test]
fn a_key_file_that_was_changed_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let (_, target) = recovery();
    let keeper = place.with_credential();
    keeper.load_or_create(Some(&target), &random()).unwrap();
    let text = place.text("journal.key");
    let ours = target.sealing_key().to_string();
    let changed = text.replace(&ours, &Bytes([9; 32]).to_string());
    place.put("journal.key", changed.as_bytes());
    assert!(matches!(keeper.load(), Err(KeyError::Damaged { .. })));
    assert!(matches!(keeper.load_or_create(None, &random()), Err(KeyError::Damaged { .. })));
    assert_eq!(place.text("journal.key"), changed);
}

#[test]
fn a_host_that_is_dead_is_read_with_the_recovery_key_alone() {
    let place = Place::new();
    let (key, target) = recovery();
    let kept = place.with_credential().load_or_create(Some(&target), &random()).unwrap();
    assert_eq!(place.plain().recovered(&key).unwrap().unwrap(), kept.key);
    let (other, _) = recovery();
    let refused = place.plain().recovered(&other).unwrap();
    assert!(matches!(refused, Err(RecoveryError::OtherKey { .. })));
}

#[test]
fn a_key_that_is_not_sealed_is_not_recovered_unless_nothing_wraps_it() {
    let place = Place::new();
    let (key, _) = recovery();
    made(&place.with_credential());
    assert_eq!(place.plain().recovered(&key).unwrap().unwrap_err(), RecoveryError::NoSeal);
    let place = Place::new();
    let kept = made(&place.plain());
    assert_eq!(place.plain().recovered(&key).unwrap().unwrap(), kept.key);
}

#[test]
fn a_seal_that_was_put_there_by_someone_else_is_found() {
    let place = Place::new();
    let (key, target) = recovery();
    let keeper = place.with_credential();
    keeper.load_or_create(Some(&target), &random()).unwrap();
    let mine = place.text("journal.key");
    let foreign = Place::new();
    foreign.with_credential().load_or_create(Some(&target), &random()).unwrap();
    let seal = |text: &str| {
        text.split("\"recovery\":").nth(1).unwrap().split('\n').next().unwrap().to_owned()
    };
    let mixed = mine.replace(&seal(&mine), &seal(&foreign.text("journal.key")));
    place.put("journal.key", mixed.as_bytes());
    assert_eq!(keeper.recovered(&key).unwrap().unwrap_err(), RecoveryError::Damaged);
    assert!(matches!(keeper.load(), Err(KeyError::Damaged { .. })));
}

#[test]
fn a_new_recovery_key_is_sealed_to_and_the_same_one_is_not_sealed_to_again() {
    let place = Place::new();
    let keeper = place.with_credential();
    let kept = made(&keeper);
    let (_, target) = recovery();
    let sealed = keeper.seal(&kept, &target, &random()).unwrap();
    let text = place.text("journal.key");
    keeper.seal(&sealed, &target, &random()).unwrap();
    assert_eq!(place.text("journal.key"), text);
    let (next, target) = recovery();
    keeper.seal(&sealed, &target, &random()).unwrap();
    assert_eq!(keeper.recovered(&next).unwrap().unwrap(), kept.key);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_key_also_after_a_careless_copy() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let file = place.path("journal.key");
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    made(&place.plain());
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    made(&place.plain());
    assert_eq!(mode(), 0o600);
}
