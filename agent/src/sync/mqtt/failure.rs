//! What the broker's refusals and the client library's errors mean for sync.
//!
//! Decides no waiting time: that is the policy's.

use broker::SetupError;
use protocol::problem::Code;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{ConnectionError, StateError};

use crate::health::Reason;
use crate::sync::https::in_one_line;
use crate::sync::uplink::Failure;

fn unreachable(text: impl Into<String>) -> Reason {
    Reason::new(Code::RelayUnreachable, text)
}

/// A connection that did not come about, or broke.
pub(super) fn failure(error: &ConnectionError) -> Failure {
    match error {
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::Io(_)
        | ConnectionError::Timeout(_)
        | ConnectionError::MqttState(
            StateError::Io(_) | StateError::ConnectionAborted | StateError::AwaitPingResp,
        ) => Failure::Unreachable(unreachable(format!("the broker: {}", in_one_line(error)))),
        error => Failure::unavailable(unreachable(format!("the broker: {}", in_one_line(error)))),
    }
}

/// The broker does not want us, at present or at all.
fn refused(code: ConnectReturnCode) -> Failure {
    let text = format!("the broker refuses the connection ({code:?})");
    match code {
        ConnectReturnCode::BadUserNamePassword
        | ConnectReturnCode::NotAuthorized
        | ConnectReturnCode::Banned
        | ConnectReturnCode::BadAuthenticationMethod
        | ConnectReturnCode::BadClientId
        | ConnectReturnCode::ClientIdentifierNotValid
        | ConnectReturnCode::RefusedProtocolVersion
        | ConnectReturnCode::UnsupportedProtocolVersion => {
            Failure::Refused(Reason::new(Code::Configuration, text))
        }
        _ => Failure::unavailable(unreachable(text)),
    }
}

/// The broker does not let the device hear its answers.
pub(super) fn not_subscribed(code: &SubscribeReasonCode) -> Failure {
    let text = format!("the broker refuses the device's subscriptions ({code:?})");
    Failure::Refused(Reason::new(Code::Configuration, text))
}

/// The broker did not pass a message on; none if it says that it did, which means nothing.
pub(super) fn not_passed_on(reason: PubAckReason) -> Option<Failure> {
    match reason {
        PubAckReason::Success => None,
        // No outage of the broker's, and it costs nobody anything to look again soon.
        PubAckReason::NoMatchingSubscribers => {
            Some(Failure::Unreachable(unreachable("no relay listens at the broker")))
        }
        PubAckReason::NotAuthorized | PubAckReason::TopicNameInvalid => {
            let text = "the broker does not let this device write to its own topic";
            Some(Failure::Refused(Reason::new(Code::Configuration, text)))
        }
        reason => {
            let text = format!("the broker does not pass the message on ({reason:?})");
            Some(Failure::unavailable(unreachable(text)))
        }
    }
}

/// The broker said how large a packet may be.
pub(super) fn too_large(bytes: usize, max: usize) -> Failure {
    let text = format!("the message has {bytes} bytes and the broker takes {max}");
    Failure::TooLarge(Reason::new(Code::TooLarge, text))
}

/// The connection cannot even be set up.
pub(super) fn unset(error: &SetupError) -> Failure {
    Failure::Refused(Reason::new(Code::Configuration, in_one_line(error)))
}
