//! Which token is used, and what is kept.

use journal::{DataKey, Options};
use protocol::bytes::Bytes;
use protocol::id::{DeviceId, TenantId};
use ring::rand::SystemRandom;
use tokio::sync::watch;

use super::*;

fn membership(folder: &Path) -> Membership {
    let key = DeviceKey::load_or_make(&folder.join("device.key"), &SystemRandom::new()).unwrap();
    Membership {
        key: Arc::new(key),
        key_file: folder.join("device.key"),
        token: None,
        token_file: folder.join("enrolment.token"),
        enrolment: watch::Sender::new(None),
    }
}

#[test]
fn the_token_comes_from_the_environment_then_from_enroll_then_from_the_configured_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut membership = membership(folder.path());
    let mut config = Config::for_store(StoreId::new("0042").unwrap());
    let configured = folder.path().join("configured");
    config.relay.enrolment_token_file = Some(configured.clone());
    let shown = |membership: &Membership| {
        token(&config, membership).unwrap().map(|token| token.expose().to_owned())
    };
    assert_eq!(shown(&membership), None);
    files::write_private(&configured, b"one\n").unwrap();
    assert_eq!(shown(&membership).as_deref(), Some("one"));
    files::write_private(&membership.token_file, b"two\n").unwrap();
    assert_eq!(shown(&membership).as_deref(), Some("two"));
    membership.token = Some(Secret::new("three", "here").unwrap());
    assert_eq!(shown(&membership).as_deref(), Some("three"));
}

#[tokio::test]
async fn an_enrolment_belongs_to_the_key_that_it_was_made_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let (key, new_epoch) = (DataKey::new([1; 32]), Bytes([7; 16]));
    let journal = Journal::open(&Options { file, key, new_epoch }).unwrap();
    let first = membership(folder.path()).key;
    assert_eq!(kept(&journal, &first).await, Ok(None));
    let answer = EnrolmentAnswer {
        device: DeviceId::new("d-1").unwrap(),
        tenant: TenantId::new("acme").unwrap(),
        relay_key: Bytes([1; 32]),
        sealing_key: Bytes([2; 32]),
    };
    let note = Kept { public_key: first.verifying_key(), answer: answer.clone() };
    let note = serde_json::to_vec(&note).unwrap();
    journal.put_note(ENROLMENT_NOTE, &note).await.unwrap();
    assert_eq!(kept(&journal, &first).await, Ok(Some(answer)));

    files::remove_if_there(&folder.path().join("device.key")).unwrap();
    let second = membership(folder.path()).key;
    assert_eq!(kept(&journal, &second).await, Ok(None), "it enrols anew");
}
