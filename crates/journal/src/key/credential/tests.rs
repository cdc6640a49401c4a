//! What the credential opens, and what it does not.

use std::io::Write;
use std::process::{Command, Stdio};

use super::super::testing::{Place, random};
use super::*;

fn key() -> DataKey {
    DataKey::new([7; 32])
}

fn hitch(result: Result<DataKey, ProviderError>) -> Hitch {
    result.unwrap_err().hitch
}

#[test]
fn a_key_comes_back_under_its_credential_and_no_other() {
    let place = Place::new();
    place.put("one", &[1; 32]);
    place.put("two", &[2; 32]);
    let one = place.credential("one");
    let wrapping = one.wrap(&key(), &random()).unwrap();
    assert_eq!(one.open(&wrapping).unwrap(), key());
    // The name in the file counts, so that a new credential can be loaded beside the old one.
    assert_eq!(place.credential("two").open(&wrapping).unwrap(), key());
    place.put("one", &[3; 32]);
    assert_eq!(hitch(one.open(&wrapping)), Hitch::CredentialOther);
}

#[test]
fn a_wrapping_under_another_name_or_with_a_changed_byte_is_refused() {
    let place = Place::new();
    place.put("one", &[1; 32]);
    place.put("two", &[1; 32]);
    let one = place.credential("one");
    let Wrapping::Credential { nonce, wrapped, .. } = one.wrap(&key(), &random()).unwrap() else {
        panic!("the tier is credential");
    };
    let renamed = Wrapping::Credential { name: "two".to_owned(), nonce, wrapped };
    assert_eq!(hitch(one.open(&renamed)), Hitch::CredentialOther);
    let mut bytes = *wrapped.as_bytes();
    bytes[0] ^= 1;
    let changed = Wrapping::Credential { name: "one".to_owned(), nonce, wrapped: Bytes(bytes) };
    assert_eq!(hitch(one.open(&changed)), Hitch::CredentialOther);
}

#[test]
fn a_credential_that_is_not_there_or_no_secret_is_named_so() {
    let place = Place::new();
    let one = place.credential("one");
    assert!(!one.is_set_up());
    place.put("one", &[1; 32]);
    assert!(one.is_set_up());
    let wrapping = one.wrap(&key(), &random()).unwrap();
    let outside = Credential { folder: None, ..one.clone() };
    assert!(!outside.is_set_up());
    assert_eq!(hitch(outside.open(&wrapping)), Hitch::CredentialAbsent);
    for bytes in [31, SECRET_BYTES_MAX + 1] {
        place.put("one", &vec![1; bytes]);
        assert_eq!(hitch(one.open(&wrapping)), Hitch::CredentialSize, "{bytes}");
    }
}

/// The real program, with the host's key; the folder is made as systemd makes it for a service.
#[test]
fn what_systemd_creds_encrypted_for_this_host_wraps_a_key() {
    const COMMAND: &str = "apt-get install systemd";
    let Some(program) = needs::program("systemd-creds", COMMAND) else { return };
    let place = Place::new();
    let secret = "storekeep".repeat(5);
    let run = |arguments: &[&str], input: &[u8]| {
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    };
    let name = format!("--name={DEFAULT_NAME}");
    let sealed = run(&["encrypt", "--with-key=host", &name, "-", "-"], secret.as_bytes());
    if !sealed.status.success() {
        needs::host("a host key of systemd-creds, which root may make", "systemd-creds setup");
        return;
    }
    assert!(!String::from_utf8_lossy(&sealed.stdout).contains("storekeepstorekeep"));
    let opened = run(&["decrypt", &name, "-", "-"], &sealed.stdout);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    assert_eq!(opened.stdout, secret.as_bytes());
    place.put(DEFAULT_NAME, &opened.stdout);
    let credential = place.credential(DEFAULT_NAME);
    let wrapping = credential.wrap(&key(), &random()).unwrap();
    assert_eq!(credential.open(&wrapping).unwrap(), key());
}
