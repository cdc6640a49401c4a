//! The two kinds of way as one type, made when it is first needed.
//!
//! A way that cannot even be set up, because a file with certificates cannot be read, is one that
//! refuses: the others go on. Chooses nothing.

use std::fmt;

use protocol::batch::BatchAnswer;
use protocol::downlink::DownlinkPage;
use protocol::handshake::{SessionAnswer, Statement};
use protocol::problem::Code;
use tokio::sync::OnceCell;

use crate::config::{Metered, UplinkConfig};
use crate::health::Reason;
use crate::sync::batch::Packed;
use crate::sync::https::{Https, in_one_line};
use crate::sync::mqtt::Mqtt;
use crate::sync::uplink::{Failure, Poll, Uplink};

/// A way up.
pub enum Way {
    /// Straight to the relay.
    Https(Https),
    /// Through a broker.
    Mqtt(Mqtt),
}

impl Uplink for Way {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        match self {
            Self::Https(https) => https.open_session(statement).await,
            Self::Mqtt(mqtt) => mqtt.open_session(statement).await,
        }
    }

    async fn send(&self, batch: &Packed) -> Result<BatchAnswer, Failure> {
        match self {
            Self::Https(https) => https.send(batch).await,
            Self::Mqtt(mqtt) => mqtt.send(batch).await,
        }
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        match self {
            Self::Https(https) => https.poll(poll).await,
            Self::Mqtt(mqtt) => mqtt.poll(poll).await,
        }
    }

    async fn hang_up(&self) {
        match self {
            Self::Https(https) => https.hang_up().await,
            Self::Mqtt(mqtt) => mqtt.hang_up().await,
        }
    }
}

/// Makes a way.
type Make<U> = Box<dyn Fn() -> Result<U, Reason> + Send + Sync>;

/// A way with its name, made when it is first needed.
pub struct Line<U> {
    pub(super) name: String,
    pub(super) metered: Option<Metered>,
    /// Straight to the relay: what is unreachable there was sent nothing.
    pub(super) is_straight: bool,
    make: Make<U>,
    way: OnceCell<U>,
}

impl<U> Line<U> {
    /// A line by its configuration and what makes it.
    pub fn new<E: std::error::Error + 'static>(
        config: &UplinkConfig,
        make: impl Fn() -> Result<U, E> + Send + Sync + 'static,
    ) -> Self {
        let make =
            move || make().map_err(|error| Reason::new(Code::Configuration, in_one_line(&error)));
        Self {
            name: config.to_string(),
            metered: config.metered(),
            is_straight: matches!(config, UplinkConfig::Https(_)),
            make: Box::new(make),
            way: OnceCell::new(),
        }
    }

    /// The way, made now if it was not before.
    pub(super) async fn way(&self) -> Result<&U, Failure> {
        let made = self.way.get_or_try_init(|| std::future::ready((self.make)())).await;
        made.map_err(Failure::Refused)
    }

    /// The way, if it was made.
    pub(super) fn made(&self) -> Option<&U> {
        self.way.get()
    }
}

impl<U> fmt::Debug for Line<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("name", &self.name).finish_non_exhaustive()
    }
}
