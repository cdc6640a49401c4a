//! Makes a frame whole around what was changed in it: the length of an HTTP body, that of an MQTT
//! packet.
//!
//! Leaves alone what it does not recognise.

use super::Form;

/// Bytes that hold the length of an MQTT packet (MQTT 5, section 1.5.5).
const LENGTH_BYTES_MAX: usize = 4;

pub(super) fn mend(form: Form, bytes: &mut Vec<u8>) {
    match form {
        Form::Bytes | Form::Json => {}
        Form::Http => mend_request(bytes),
        Form::Mqtt => mend_packet(bytes),
    }
}

/// States the length that the body of the last request has.
fn mend_request(bytes: &mut Vec<u8>) {
    const NAME: &[u8] = b"content-length: ";
    let place = |what: &[u8]| bytes.windows(what.len()).rposition(|window| window == what);
    let (Some(head_end), Some(name)) = (place(b"\r\n\r\n"), place(NAME)) else { return };
    let start = name + NAME.len();
    if start > head_end {
        return;
    }
    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length = bytes.len() - head_end - 4;
    bytes.splice(start..start + digits, length.to_string().into_bytes());
}

/// States the length that the packet has, which is all there is.
fn mend_packet(bytes: &mut Vec<u8>) {
    let Some(rest) = bytes.get(1..) else { return };
    let more = rest.iter().take(LENGTH_BYTES_MAX - 1).take_while(|byte| **byte & 0x80 != 0);
    let length_bytes = (more.count() + 1).min(rest.len());
    let mut length = rest.len() - length_bytes;
    let mut written = Vec::new();
    loop {
        let low = u8::try_from(length & 0x7f).expect("seven bits");
        length >>= 7;
        written.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    bytes.splice(1..=length_bytes, written);
}
