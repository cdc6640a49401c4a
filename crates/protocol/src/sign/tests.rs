//! Signatures against a published vector, and against altered bodies.

use ring::rand::SystemRandom;

use super::*;

#[test]
fn the_first_test_vector_of_rfc_8032_verifies() {
    let key: VerifyingKey =
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".parse().unwrap();
    let signature: Signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e0652249015\
                                55fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        .parse()
        .unwrap();
    assert_eq!(verify(key, b"", signature), Ok(()));
    assert_eq!(verify(key, b" ", signature), Err(BadSignature));
}

#[test]
fn a_body_altered_in_one_bit_is_refused() {
    let key = SigningKey::from_pkcs8(&SigningKey::generate(&SystemRandom::new()).unwrap()).unwrap();
    let signature = key.sign(b"42.00");
    assert_eq!(verify(key.verifying_key(), b"42.00", signature), Ok(()));
    assert_eq!(verify(key.verifying_key(), b"42.01", signature), Err(BadSignature));
}

#[test]
fn the_debug_form_of_a_key_shows_only_its_public_half() {
    let pkcs8 = SigningKey::generate(&SystemRandom::new()).unwrap();
    let shown = format!("{:?}", SigningKey::from_pkcs8(&pkcs8).unwrap());
    assert_eq!(shown.len(), "SigningKey(public )".len() + 64);
}
