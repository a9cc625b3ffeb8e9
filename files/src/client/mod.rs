//! The memcached client, behind a trait: over TCP, or in memory for tests.

pub mod connection;
mod error;
pub mod memory;
pub mod reply;
mod tcp;

pub use error::ClientError;
pub use memory::Memory;
pub use tcp::Tcp;

use bytes::Bytes;
use std::{future::Future, sync::Arc};

/// When a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Always.
    Set,
    /// If there is none.
    Add,
    /// If it is the one with this CAS unique.
    Cas(u64),
}

/// What the store wants of a memcached. An implementation may be cut off at any
/// `await`: a call that is dropped must not disturb those that follow.
pub trait Memcached: Send + Sync + 'static {
    /// The values of these keys, in their order.
    fn get(&self, keys: &[String]) -> impl Future<Output = Result<Vec<Option<Bytes>>>> + Send;

    /// A value with its CAS unique.
    fn gets(&self, key: &str) -> impl Future<Output = Result<Option<(Bytes, u64)>>> + Send;

    /// Stores the parts as one value. False: `how` was against it. The expiry is
    /// memcached's: 0 never, negative at once, seconds.
    fn store(
        &self,
        how: How,
        key: &str,
        parts: &[Bytes],
        expiry: i64,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Gives keys another expiry; whether all were there.
    fn touch(&self, keys: &[String], expiry: i64) -> impl Future<Output = Result<bool>> + Send;

    /// Whether all of them are there; their data does not travel.
    fn exist(&self, keys: &[String]) -> impl Future<Output = Result<bool>> + Send;

    /// Removes keys; those that are not there are no error.
    fn delete(&self, keys: &[String]) -> impl Future<Output = Result<()>> + Send;

    /// Every key that `keep` is for. [`ClientError::Unlistable`] from a server
    /// that cannot list.
    fn keys(&self, keep: fn(&str) -> bool) -> impl Future<Output = Result<Vec<String>>> + Send;
}

impl<C: Memcached> Memcached for Arc<C> {
    async fn get(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>> {
        C::get(self, keys).await
    }

    async fn gets(&self, key: &str) -> Result<Option<(Bytes, u64)>> {
        C::gets(self, key).await
    }

    async fn store(&self, how: How, key: &str, parts: &[Bytes], expiry: i64) -> Result<bool> {
        C::store(self, how, key, parts, expiry).await
    }

    async fn touch(&self, keys: &[String], expiry: i64) -> Result<bool> {
        C::touch(self, keys, expiry).await
    }

    async fn exist(&self, keys: &[String]) -> Result<bool> {
        C::exist(self, keys).await
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        C::delete(self, keys).await
    }

    async fn keys(&self, keep: fn(&str) -> bool) -> Result<Vec<String>> {
        C::keys(self, keep).await
    }
}

/// What a call of the client comes to.
pub type Result<T> = std::result::Result<T, ClientError>;
