//! What is said before anything connects.

use ring::rand::SystemRandom;

use super::*;

fn mqtt(change: impl FnOnce(&mut MqttConfig)) -> Result<Mqtt, MqttError> {
    let mut config = MqttConfig {
        url: "mqtts://broker.example.com".parse().unwrap(),
        username: None,
        password_file: None,
        ca_file: None,
        metered: None,
    };
    change(&mut config);
    let key = SigningKey::from_pkcs8(&SigningKey::generate(&SystemRandom::new()).unwrap()).unwrap();
    let names =
        Names { store: StoreId::new("0042").unwrap(), device: DeviceId::new("d-1").unwrap() };
    let relay_key = key.verifying_key();
    Mqtt::new(&config, names, Arc::new(key), relay_key, Arc::new(SystemRandom::new()))
}

#[test]
fn what_the_configuration_names_is_read_at_once() {
    assert!(mqtt(|_| ()).is_ok());
    let lost = mqtt(|config| config.password_file = Some("/nowhere/password".into()));
    assert!(matches!(lost, Err(MqttError::Password(_))));
    let lost = mqtt(|config| config.ca_file = Some("/nowhere/ca.pem".into()));
    assert!(matches!(lost, Err(MqttError::Setup(SetupError::Read { .. }))));
    let none = tempfile::NamedTempFile::new().unwrap();
    let empty = mqtt(|config| config.ca_file = Some(none.path().to_owned()));
    assert!(matches!(empty, Err(MqttError::Setup(SetupError::Shape { .. }))));
}

#[tokio::test]
async fn a_broker_that_does_not_listen_is_an_outage_and_not_a_refusal() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    drop(listener);
    let mqtt = mqtt(|config| config.url = url.parse().unwrap()).unwrap();
    assert!(matches!(mqtt.connected().await.err(), Some(Failure::Unreachable(_))));
}
