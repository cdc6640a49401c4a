//! Whatever step is the last, the key file opens the journal.

use std::fmt;
use std::sync::Arc;

use super::super::testing::{Place, random, recovery};
use super::super::{DataKey, Plain, Provider, ProviderError, Wrapping};
use super::*;
use crate::file::JournalFile;
use crate::open::Options;
use crate::testing::EPOCH;

/// A journal with a key that nothing wraps yet, on a host that has a credential.
fn host() -> (Place, KeyKeeper, DataKey) {
    let place = Place::new();
    let key = place.plain().load_or_create(None, &random()).unwrap().key;
    drop(JournalFile::open(&options(&place, &key)).unwrap());
    let keeper = place.with_credential();
    (place, keeper, key)
}

fn options(place: &Place, key: &DataKey) -> Options {
    Options { file: place.path("journal.db"), key: key.clone(), new_epoch: EPOCH }
}

/// What the next start finds: the tier, after the journal has been opened with the key.
fn next_start(place: &Place, keeper: &KeyKeeper) -> Tier {
    let kept = keeper.load_or_create(None, &random()).unwrap();
    drop(JournalFile::open(&options(place, &kept.key)).unwrap());
    kept.tier
}

#[test]
fn a_crash_after_any_step_leaves_a_key_file_that_opens_the_journal() {
    let (place, keeper, _) = host();
    drop(Begun::hold(&keeper).unwrap());
    assert_eq!(next_start(&place, &keeper), Tier::File);
    drop(Begun::hold(&keeper).unwrap().write(None, None, &random()).unwrap());
    assert_eq!(next_start(&place, &keeper), Tier::File);
    let written = Begun::hold(&keeper).unwrap().write(None, None, &random()).unwrap();
    drop(written.prove().unwrap());
    assert_eq!(next_start(&place, &keeper), Tier::File);
    let written = Begun::hold(&keeper).unwrap().write(None, None, &random()).unwrap();
    let kept = written.prove().unwrap().put().unwrap();
    assert_eq!((kept.tier, next_start(&place, &keeper)), (Tier::Credential, Tier::Credential));
    assert!(!place.path("journal.key.next").exists());
}

#[test]
fn half_a_file_of_a_crash_is_in_nobodys_way() {
    let (place, keeper, _) = host();
    place.put("journal.key.next", b"{\"version\":1,");
    place.put("journal.key.next.new", b"{");
    let written = Begun::hold(&keeper).unwrap().write(None, None, &random()).unwrap();
    written.prove().unwrap().put().unwrap();
    assert_eq!(next_start(&place, &keeper), Tier::Credential);
}

#[test]
fn a_key_can_go_back_to_a_lower_tier_and_keeps_its_seal() {
    let (place, keeper, key) = host();
    let (recovery, target) = recovery();
    let begun = Begun::hold(&keeper).unwrap();
    begun.write(None, Some(&target), &random()).unwrap().prove().unwrap().put().unwrap();
    let begun = Begun::hold(&keeper).unwrap();
    let back = begun.write(Some(Tier::File), None, &random()).unwrap();
    let kept = back.prove().unwrap().put().unwrap();
    assert_eq!((kept.tier, kept.sealed_to), (Tier::File, Some(target.sealing_key())));
    assert_eq!(keeper.recovered(&recovery).unwrap().unwrap(), key);
    assert_eq!(next_start(&place, &keeper), Tier::File);
}

/// Wraps, and gives back another key: what a broken token does.
struct Forgetful;

impl fmt::Debug for Forgetful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forgetful")
    }
}

impl Provider for Forgetful {
    fn tier(&self) -> Tier {
        Tier::Credential
    }
    fn is_set_up(&self) -> bool {
        true
    }
    fn wrap(&self, _: &DataKey, random: &dyn SecureRandom) -> Result<Wrapping, ProviderError> {
        Plain.wrap(&DataKey::new([9; 32]), random)
    }
    fn open(&self, wrapping: &Wrapping) -> Result<DataKey, ProviderError> {
        Plain.open(wrapping)
    }
}

#[test]
fn a_new_file_that_gives_another_key_never_takes_the_place_of_the_former() {
    let (place, mut keeper, _) = host();
    keeper.providers = vec![Arc::new(Forgetful)];
    let written = Begun::hold(&keeper).unwrap().write(None, None, &random()).unwrap();
    assert!(matches!(written.prove(), Err(KeyError::Damaged { .. })));
    assert!(!place.path("journal.key.next").exists());
    assert_eq!(next_start(&place, &place.plain()), Tier::File);
    // Nor is it taken for a first key.
    let fresh = Place::new();
    let keeper = KeyKeeper { providers: keeper.providers, ..fresh.plain() };
    let refused = keeper.load_or_create(None, &random());
    assert!(matches!(refused, Err(KeyError::Unproven { .. })));
    assert!(!fresh.path("journal.key").exists());
}

#[test]
fn the_key_of_another_journal_is_not_wrapped_anew() {
    let (place, keeper, _) = host();
    place.put("journal.key", format!("{}\n", hex::encode([9; 32])).as_bytes());
    let refused = Begun::hold(&keeper);
    assert!(matches!(refused, Err(KeyError::Journal { source: OpenError::WrongKey { .. }, .. })));
}

#[test]
fn a_journal_that_an_agent_has_open_is_left_alone() {
    let (place, keeper, key) = host();
    let _open = JournalFile::open(&options(&place, &key)).unwrap();
    let refused = Begun::hold(&keeper);
    assert!(matches!(refused, Err(KeyError::Journal { source: OpenError::InUse { .. }, .. })));
}
