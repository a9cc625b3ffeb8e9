//! The servers that files are kept in.

use crate::common::{Client, Engine, Memcached, Server, Setup, eventually};

/// A memcached server of one kind or the other.
pub enum Backend {
    Memcached(Memcached),
    Kumo(Server),
}

impl Backend {
    /// None where there is no memcached.
    pub fn memcached() -> Option<Self> {
        Memcached::start().map(Self::Memcached)
    }

    pub fn kumo() -> Self {
        Self::Kumo(Setup::new(Engine::BuiltIn).start())
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Memcached(memcached) => memcached.port,
            Self::Kumo(server) => server.port,
        }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.port())
    }

    /// How many items there are. Those of kumo-server are some that have expired
    /// and are not yet swept away: each file that was deleted leaves one.
    pub fn items(&self) -> usize {
        let mut client = self.client();
        if let Self::Memcached(_) = self {
            // Its counter is no better: those that can be got count.
            let keys = self.keys();
            return keys.iter().filter(|key| client.get(key).is_some()).count();
        }
        client.send("stats\r\n");
        let lines = client.lines_to_end();
        let items = lines.iter().find_map(|line| line.strip_prefix("STAT curr_items "));
        items.and_then(|items| items.parse().ok()).expect("curr_items")
    }

    /// Every key of a memcached.
    pub fn keys(&self) -> Vec<String> {
        let mut client = self.client();
        client.send("lru_crawler metadump hash\r\n");
        let key = |line: &str| {
            let escaped = line.strip_prefix("key=").expect("a key").split(' ').next();
            escaped.expect("a key").replace("%3A", ":")
        };
        client.lines_to_end().iter().map(|line| key(line)).collect()
    }

    /// Waits until it has as many items, those aside that stand for files that
    /// were deleted.
    pub fn comes_to(&self, items: usize, deleted: usize) {
        let swept = matches!(self, Self::Memcached(_));
        let expected = if swept { items } else { items + deleted };
        let mut seen = 0;
        eventually("as many items", || {
            let now = self.items();
            if now != seen {
                println!("{now} items, and {expected} expected");
            }
            seen = now;
            (seen == expected).then_some(())
        });
    }
}

/// A test over each kind of server out of `fn test(backend: Backend)`.
macro_rules! on_every_backend {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::{backend::Backend, common::skip::skip};

            #[test]
            fn memcached() {
                let Some(backend) = Backend::memcached() else {
                    skip!("no memcached: apt-get install memcached");
                };
                super::$test(backend);
            }

            #[test]
            fn kumo() {
                super::$test(Backend::kumo());
            }
        }
    )+};
}
pub(crate) use on_every_backend;

/// Bytes that are different everywhere.
pub fn bytes(n: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..n).map(|_| next()).collect()
}
