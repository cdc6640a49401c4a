//! What is written is what is read.

use super::*;

fn topics() -> Topics {
    Topics::of(&StoreId::new("0042").unwrap(), &DeviceId::new("d-1").unwrap())
}

#[test]
fn a_message_says_what_it_carries() {
    let envelope = Envelope {
        retry_after: Some(2),
        ..Envelope::question(Kind::Batch, [7; CORRELATION_BYTES], "ab".to_owned())
    };
    let publish = envelope.clone().around(topics().up(), b"body".to_vec());
    assert_eq!(Envelope::of(&publish), Some(envelope));
    assert_eq!((&publish.payload[..], publish.qos), (&b"body"[..], QoS::AtLeastOnce));
}

#[test]
fn a_message_without_kind_or_correlation_is_none_of_ours() {
    let whole = Envelope::question(Kind::Poll, [1; CORRELATION_BYTES], String::new());
    let whole = whole.around(topics().up(), Vec::new());
    let broken = |change: fn(&mut PublishProperties)| {
        let mut publish = whole.clone();
        change(publish.properties.as_mut().unwrap());
        Envelope::of(&publish)
    };
    assert_eq!(broken(|properties| properties.user_properties.clear()), None);
    assert_eq!(broken(|properties| properties.correlation_data = None), None);
    assert_eq!(broken(|properties| properties.correlation_data = Some(vec![1].into())), None);
    assert_eq!(broken(|properties| properties.user_properties[0].1 = "other".to_owned()), None);
}

#[test]
fn only_a_devices_way_up_names_a_device() {
    let (store, device) = device_of(topics().up().as_bytes()).unwrap();
    assert_eq!((store.as_str(), device.as_str()), ("0042", "d-1"));
    for other in ["storekeep/v1/0042/d-1/ack", "storekeep/v1/0042/up", "x", "storekeep/v1/a/b/c/up"]
    {
        assert_eq!(device_of(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn a_page_is_signed_with_the_poll_that_it_answers() {
    assert_eq!(page_signed(b"/v1?after=1", b"{}"), b"/v1?after=1\n{}");
    assert_ne!(page_signed(b"/v1?after=1", b"{}"), page_signed(b"/v1?after=2", b"{}"));
}
