//! Which addresses are taken.

use super::*;

#[test]
fn a_broker_elsewhere_is_reached_encrypted_only() {
    let url: BrokerUrl = "mqtts://broker.example.com".parse().unwrap();
    assert_eq!((url.host(), url.port(), url.is_encrypted()), ("broker.example.com", 8883, true));
    let refused = "mqtt://broker.example.com".parse::<BrokerUrl>();
    let shown = "mqtt://broker.example.com:1883".to_owned();
    assert_eq!(refused, Err(BrokerUrlError::Unencrypted(shown)));
    for here in ["mqtt://127.0.0.1:1999", "mqtt://localhost/"] {
        assert!(!here.parse::<BrokerUrl>().unwrap().is_encrypted(), "{here}");
    }
}

#[test]
fn what_is_no_address_is_refused_without_being_shown() {
    for text in ["", "broker", "https://b", "mqtts://", "mqtts://user:word@b", "mqtts://b:x"] {
        assert_eq!(text.parse::<BrokerUrl>(), Err(BrokerUrlError::Malformed), "{text}");
    }
}
