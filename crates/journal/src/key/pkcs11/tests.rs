//! A software token by SoftHSM, the library that every Linux can have.
//!
//! The library reads its configuration from the environment, which a test must not change in its
//! own process: each test runs itself again in a process of its own, with a token that it made.

use std::env;
use std::path::Path;
use std::process::Command;

use super::super::testing::random;
use super::*;

const COMMAND: &str = "apt-get install softhsm2";

/// Where Debian keeps the library.
const LIBRARIES: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];

const CONFIGURATION: &str = "SOFTHSM2_CONF";

const PIN: &str = "4711";

fn library() -> Option<&'static Path> {
    LIBRARIES.iter().map(Path::new).find(|library| library.is_file())
}

/// Runs `inside` in a process that has tokens called `labels`; not run where SoftHSM is missing.
#[track_caller]
fn with_tokens(test: &str, labels: &[&str], inside: impl FnOnce()) {
    if env::var_os(CONFIGURATION).is_some() {
        return inside();
    }
    let Some(program) = needs::program("softhsm2-util", COMMAND) else { return };
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\n", tokens.display());
    crate::files::replace(&configuration, text.as_bytes()).unwrap();
    for label in labels {
        let mut command = Command::new(&program);
        command.env(CONFIGURATION, &configuration);
        command.args(["--init-token", "--free", "--label", label]);
        command.args(["--so-pin", "12345678", "--pin", PIN]);
        let made = command.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let mut again = Command::new(env::current_exe().unwrap());
    again.env(CONFIGURATION, &configuration);
    again.args(["--exact", &format!("key::pkcs11::tests::{test}"), "--nocapture"]);
    let ran = again.output().unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{shown}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(shown.contains("1 passed"), "{shown}");
}

fn token(label: Option<&str>, pin: Option<&str>) -> Token {
    Token {
        module: library().expect("SoftHSM's library stands where Debian puts it").to_owned(),
        label: label.map(ToOwned::to_owned),
        pin: pin.map(Pin::new),
    }
}

fn key() -> DataKey {
    DataKey::new([7; 32])
}

fn hitch<T: fmt::Debug>(result: Result<T, ProviderError>) -> Hitch {
    result.unwrap_err().hitch
}

#[test]
fn a_key_comes_back_from_the_token_that_wrapped_it() {
    with_tokens("a_key_comes_back_from_the_token_that_wrapped_it", &["store"], || {
        let store = token(Some("store"), Some(PIN));
        let first = store.wrap(&key(), &random()).unwrap();
        let second = store.wrap(&key(), &random()).unwrap();
        assert_eq!(store.open(&first).unwrap(), key());
        assert_eq!(store.open(&second).unwrap(), key());
        let id = |wrapping: &Wrapping| wrapping.place().unwrap();
        assert_ne!(id(&first), id(&second), "each wrapping has a key of its own");
        assert_eq!(token(None, Some(PIN)).open(&first).unwrap(), key());
    });
}

#[test]
fn a_wrapping_key_cannot_leave_its_token() {
    use cryptoki::object::{Attribute, AttributeType, ObjectClass};

    with_tokens("a_wrapping_key_cannot_leave_its_token", &["store"], || {
        let store = token(None, Some(PIN));
        let id = Bytes([5; 16]);
        let found = token::with(
            &store.module,
            store.pin.as_ref(),
            |_| true,
            |logged_in| {
                let aes = logged_in.make_aes(LABEL, &id)?;
                let rsa = logged_in.make_rsa(LABEL, &id)?;
                assert!(logged_in.find(ObjectClass::PRIVATE_KEY, &id)?.is_some());
                let asked = [
                    AttributeType::Extractable,
                    AttributeType::Sensitive,
                    AttributeType::Value,
                    AttributeType::PrivateExponent,
                ];
                let session = logged_in.session();
                let of = |key| session.get_attributes(key, &asked).unwrap();
                Ok([of(aes.decrypts), of(rsa.decrypts)])
            },
        );
        for attributes in found.unwrap() {
            assert!(attributes.contains(&Attribute::Extractable(false)));
            assert!(attributes.contains(&Attribute::Sensitive(true)));
            assert_eq!(attributes.len(), 2, "neither value comes out: {attributes:?}");
        }
    });
}

#[test]
fn a_token_without_aes_wraps_with_rsa() {
    with_tokens("a_token_without_aes_wraps_with_rsa", &["store"], || {
        let store = token(None, Some(PIN));
        let id = Bytes([6; 16]);
        let wrapping = token::with(
            &store.module,
            store.pin.as_ref(),
            |_| true,
            |logged_in| Method::Rsa.tried(logged_in, &key(), id),
        );
        let wrapping = wrapping.unwrap();
        assert!(matches!(&wrapping, Wrapping::Pkcs11 { wrapped, .. } if wrapped.0.len() == 256));
        assert_eq!(store.open(&wrapping).unwrap(), key());
    });
}

#[test]
fn what_the_token_does_not_have_or_refuses_is_told_apart() {
    with_tokens("what_the_token_does_not_have_or_refuses_is_told_apart", &["one", "two"], || {
        let one = token(Some("one"), Some(PIN));
        let wrapping = one.wrap(&key(), &random()).unwrap();
        let open = |token: Token| token.open(&wrapping);
        assert_eq!(hitch(open(token(None, None))), Hitch::PinAbsent);
        assert_eq!(hitch(open(token(None, Some("0000")))), Hitch::PinWrong);
        assert_eq!(hitch(open(token(None, Some("")))), Hitch::PinWrong);
        assert_eq!(open(token(None, Some(PIN))).unwrap(), key(), "a login ends with its action");
        let wrap = |token: Token| token.wrap(&key(), &random());
        assert_eq!(hitch(wrap(token(None, Some(PIN)))), Hitch::Token, "two, and none named");
        assert_eq!(hitch(wrap(token(Some("three"), Some(PIN)))), Hitch::Token);
        let Wrapping::Pkcs11 { token: label, serial, method, wrapped, .. } = wrapping else {
            panic!("the tier is pkcs11");
        };
        let gone =
            Wrapping::Pkcs11 { token: label, serial, key_id: Bytes([0; 16]), method, wrapped };
        assert_eq!(hitch(one.open(&gone)), Hitch::WrappingKey);
    });
}

#[test]
fn a_library_that_is_none_is_named_so() {
    let none = Token { module: "/nowhere/token.so".into(), label: None, pin: None };
    assert_eq!(hitch(none.wrap(&key(), &random())), Hitch::Library);
}

#[test]
fn no_pin_is_tried_that_would_lock_the_token() {
    let ordinary = token::Login { is_required: true, is_last_try: false, is_locked: false };
    let pin = Pin::new(PIN);
    assert!(ordinary.with(Some(&pin)).unwrap().is_some());
    let open = token::Login { is_required: false, ..ordinary };
    assert!(open.with(Some(&pin)).unwrap().is_none());
    let last = token::Login { is_last_try: true, ..ordinary };
    assert_eq!(last.with(Some(&pin)).unwrap_err(), Hitch::PinLast);
    let locked = token::Login { is_locked: true, ..last };
    assert_eq!(locked.with(Some(&pin)).unwrap_err(), Hitch::PinLocked);
}

#[test]
fn a_pin_is_never_shown() {
    assert!(!format!("{:?}", token_of_nobody()).contains(PIN));
}

fn token_of_nobody() -> Token {
    Token { module: "token.so".into(), label: None, pin: Some(Pin::new(PIN)) }
}
