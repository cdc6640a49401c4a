//! What a key file says is what was written into it, byte for byte.

use super::super::recovery::RecoveryKey;
use super::super::testing::{random, recovery};
use super::*;

fn key() -> DataKey {
    DataKey::new([7; 32])
}

fn plain() -> Wrapping {
    Wrapping::File { key: Bytes([7; 32]) }
}

fn written(text: &str) -> Box<Written> {
    match Document::parse(text).unwrap() {
        Document::Wrapped(written) => written,
        Document::Bare(_) => panic!("a wrapped key"),
    }
}

fn every_wrapping() -> [Wrapping; 5] {
    let (token, serial) = ("store".to_owned(), "01ab".to_owned());
    let wrapped = Hex(vec![1; 32]);
    let on_token = |method, wrapped| Wrapping::Pkcs11 {
        token: token.clone(),
        serial: serial.clone(),
        key_id: Bytes([2; 16]),
        method,
        wrapped,
    };
    [
        on_token(super::super::pkcs11::Method::Aes { iv: Bytes([3; 16]) }, wrapped.clone()),
        on_token(super::super::pkcs11::Method::Rsa, Hex(vec![1; 512])),
        Wrapping::Credential {
            name: "storekeep-journal".to_owned(),
            nonce: Bytes([4; 12]),
            wrapped: Bytes([5; 48]),
        },
        Wrapping::Dpapi { entropy: Bytes([6; 32]), wrapped },
        plain(),
    ]
}

#[test]
fn every_wrapping_is_read_back_as_it_was_written_and_within_the_bound() {
    let (_, target) = recovery();
    for wrapping in every_wrapping() {
        let seal = target.seal(&key(), &random()).unwrap();
        let text = encode(&key(), wrapping.clone(), seal.clone());
        assert!(text.len() * 4 < BYTES_MAX, "{}", text.len());
        let read = written(&text);
        assert_eq!((&read.body.wrapping, &read.body.recovery), (&wrapping, &seal));
        assert!(read.is_of(&key()));
        assert!(!read.is_of(&DataKey::new([8; 32])));
        assert!(!format!("{read:?}").contains(&hex::encode([7; 32])), "no key in a log");
    }
}

#[test]
fn a_file_in_which_any_character_was_changed_is_refused_or_not_of_its_key() {
    let (_, target) = recovery();
    let seal = target.seal(&key(), &random()).unwrap();
    let text = encode(&key(), plain(), seal);
    for position in 0..text.len() - 1 {
        let mut bytes = text.clone().into_bytes();
        bytes[position] = if bytes[position] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(bytes).unwrap();
        match Document::parse(&changed) {
            Err(_) => {}
            Ok(Document::Wrapped(read)) => assert!(!read.is_of(&key()), "at {position}"),
            Ok(Document::Bare(_)) => panic!("at {position}"),
        }
    }
}

#[test]
fn the_key_alone_on_a_line_is_read_as_the_first_version_wrote_it() {
    let text = format!("{}\n", hex::encode([7; 32]));
    assert!(matches!(Document::parse(&text), Ok(Document::Bare(read)) if read == key()));
}

#[test]
fn what_is_no_key_file_is_said_to_be_none() {
    let one_line = encode(&key(), plain(), None).lines().next().unwrap().to_owned();
    let foreign = RecoveryKey::draw(&random()).unwrap();
    for text in ["", "00", &"g".repeat(64), &"0".repeat(66), "{", "{}\n", &one_line, &foreign] {
        assert!(matches!(Document::parse(text), Err(Fault::Shape(_))), "{text:?}");
    }
}

#[test]
fn a_later_version_is_named_whatever_else_stands_in_it() {
    let text = "{\"version\":2,\"shape\":\"unknown\"}\n00\n";
    assert_eq!(Document::parse(text).err(), Some(Fault::Newer(2)));
}
