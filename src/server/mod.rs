//! Bytes in, bytes out: the only place with sockets.
//!
//! One acceptor hands connections to workers round robin. A worker is a thread
//! with a runtime of its own; each of its connections is a task that reads,
//! lets [`session`] answer everything that has arrived, and writes once.

mod admin;
mod connection;
mod listener;
mod output;
mod session;
mod stats;
mod text;
mod worker;

pub use listener::{Server, StartError};

use std::{net::SocketAddr, time::Duration};
use tokio::sync::watch;

/// The version that the protocol's `version` answers: clients want a major
/// version of 1 or more, so memcached's comes first.
pub const PROTOCOL_VERSION: &str = concat!("1.6.45-kumo", env!("CARGO_PKG_VERSION"));

/// What a server is started with.
pub struct Settings {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where `kumoctl` connects, if anywhere; port 0 takes a free one.
    pub rpc: Option<SocketAddr>,
    /// How many worker threads there are, at least 1.
    pub threads: usize,
    /// How many client connections are served at once.
    pub connections: usize,
    /// The limit on items, in bytes.
    pub item_size: usize,
    /// Sets how much is logged, for the protocol's `verbosity`.
    pub verbosity: Box<dyn Fn(u32) + Send + Sync>,
}

impl Settings {
    /// The names and values of `stats settings`.
    pub fn report(&self) -> Vec<(&'static str, String)> {
        vec![
            ("maxbytes", "0".to_owned()),
            ("maxconns", self.connections.to_string()),
            ("tcpport", self.listen.port().to_string()),
            ("udpport", "0".to_owned()),
            ("inter", self.listen.ip().to_string()),
            ("evictions", "off".to_owned()),
            ("num_threads", self.threads.to_string()),
            ("cas_enabled", "yes".to_owned()),
            ("item_size_max", self.item_size.to_string()),
            ("maxconns_fast", "yes".to_owned()),
            ("flush_enabled", "yes".to_owned()),
            ("binding_protocol", "ascii".to_owned()),
        ]
    }
}

/// How long accepting pauses after a failure: most often there are no
/// descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long clients may take, when the server stops, to read what they have been
/// answered.
const GRACE: Duration = Duration::from_secs(5);

/// Waits until the server stops; a server that is gone has stopped.
async fn stopping(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|&stop| stop).await;
}
