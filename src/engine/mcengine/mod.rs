//! memcached's semantics over an engine of memcached's engine interface: the
//! engine has the items, their CAS and their expiry; the server's part is the
//! order of the calls.
//!
//! - `client`: the commands of one client
//! - `sum`: arithmetic, for an engine that has none
//! - `code`: what an engine's codes are to a client

mod client;
mod code;
mod sum;

use super::{Answer, Backup, Client, Engine};
use crate::host::{
    ErrorCode, Failure,
    memcached::{Connection, Instance},
};
use parking_lot::{Mutex, MutexGuard};
use std::{
    hash::{BuildHasher, RandomState},
    os::fd::BorrowedFd,
    sync::Arc,
};

/// So many sums can be made at once, of keys that are not the same.
const SUM_LOCKS: usize = 64;

/// memcached's commands over one of its engines.
pub struct McEngine {
    instance: Arc<Instance>,
    /// Held while the server makes a sum: few engines have CAS from the start.
    sum_locks: [Mutex<()>; SUM_LOCKS],
    hasher: RandomState,
}

impl McEngine {
    /// Serves an engine that has been initialized.
    pub fn new(instance: Arc<Instance>) -> Self {
        Self {
            instance,
            sum_locks: [const { Mutex::new(()) }; SUM_LOCKS],
            hasher: RandomState::new(),
        }
    }

    fn sum_lock(&self, key: &[u8]) -> MutexGuard<'_, ()> {
        self.sum_locks[self.hasher.hash_one(key) as usize % SUM_LOCKS].lock()
    }
}

impl Engine for McEngine {
    fn connect(self: Arc<Self>, socket: BorrowedFd<'_>) -> Answer<Box<dyn Client>> {
        let connection = Connection::new(&self.instance, Some(socket));
        Ok(Box::new(client::McClient::new(self, connection)))
    }

    fn backup(&self, _suffix: &str) -> Result<Backup, Failure> {
        let name = self.instance.name();
        Err(Failure::new(
            ErrorCode::Unsupported,
            format!("{name} cannot be backed up: memcached's engine interface has no backup"),
        ))
    }
}
