//! What can go wrong between here and the server.

use std::time::Duration;
use thiserror::Error;

/// A failure of the memcached client, with the server's address where it helps.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody there.
    #[error("cannot connect to memcached at {address}: {source}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the connection to memcached at {address} broke: {source}")]
    Broken {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// No answer in time.
    #[error("memcached at {address} was silent for {} s", silence.as_secs_f32())]
    Silent {
        /// Where.
        address: String,
        /// How long.
        silence: Duration,
    },
    /// It answered what a memcached does not.
    #[error("{address} does not speak memcached's text protocol")]
    Nonsense {
        /// Where.
        address: String,
    },
    /// Larger than its items may be.
    #[error("memcached refuses a value of {size} bytes")]
    ValueTooLarge {
        /// The value's size.
        size: usize,
    },
    /// It refused, in its own words.
    #[error("memcached refused: {0}")]
    Refused(String),
    /// It cannot list its keys.
    #[error("the memcached server cannot list its keys")]
    Unlistable,
}
