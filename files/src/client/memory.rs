//! A memcached in memory, for the tests of those who use a store.

use super::{ClientError, How, Memcached, Result};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::time::{Duration, Instant};

/// Items, as a server without a network holds them. Clocks are tokio's, so a
/// test can let time pass.
#[derive(Debug)]
pub struct Memory {
    items: Mutex<Items>,
    limit: usize,
    lists: bool,
}

#[derive(Debug, Default)]
struct Items {
    all: BTreeMap<String, Item>,
    unique: u64,
}

#[derive(Debug)]
struct Item {
    data: Bytes,
    unique: u64,
    end: Option<Instant>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { items: Mutex::default(), limit: 1 << 20, lists: true }
    }
}

impl Memory {
    /// With values of at most so many bytes, instead of 1 MiB.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// As a server that cannot list its keys.
    #[must_use]
    pub fn without_listing(self) -> Self {
        Self { lists: false, ..self }
    }

    /// Every key, in order.
    #[must_use]
    pub fn all_keys(&self) -> Vec<String> {
        self.items().all.keys().cloned().collect()
    }

    /// Whether every value has an expiry.
    #[must_use]
    pub fn all_expire(&self) -> bool {
        self.items().all.values().all(|item| item.end.is_some())
    }

    /// Puts a value, as if somebody else had.
    pub fn insert(&self, key: &str, data: impl Into<Bytes>) {
        self.items().insert(key, data.into(), 0);
    }

    /// Takes a value away, as an eviction does.
    pub fn remove(&self, key: &str) -> Option<Bytes> {
        self.items().all.remove(key).map(|item| item.data)
    }

    /// What lives, after what has expired is gone.
    fn items(&self) -> MutexGuard<'_, Items> {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        items.all.retain(|_, item| item.end.is_none_or(|end| end > now));
        items
    }
}

impl Items {
    fn insert(&mut self, key: &str, data: Bytes, expiry: i64) {
        self.unique += 1;
        let item = Item { data, unique: self.unique, end: end(expiry) };
        self.all.insert(key.to_owned(), item);
    }
}

fn end(expiry: i64) -> Option<Instant> {
    let after = |expiry| Instant::now() + Duration::from_secs(u64::try_from(expiry).unwrap_or(0));
    (expiry != 0).then(|| after(expiry))
}

impl Memcached for Memory {
    async fn get(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>> {
        let items = self.items();
        Ok(keys.iter().map(|key| items.all.get(key).map(|item| item.data.clone())).collect())
    }

    async fn gets(&self, key: &str) -> Result<Option<(Bytes, u64)>> {
        Ok(self.items().all.get(key).map(|item| (item.data.clone(), item.unique)))
    }

    async fn store(&self, how: How, key: &str, parts: &[Bytes], expiry: i64) -> Result<bool> {
        let data = Bytes::from(parts.concat());
        if data.len() > self.limit {
            return Err(ClientError::ValueTooLarge { size: data.len() });
        }
        let mut items = self.items();
        let present = items.all.get(key).map(|item| item.unique);
        let stores = match how {
            How::Set => true,
            How::Add => present.is_none(),
            How::Cas(unique) => present == Some(unique),
        };
        if stores {
            items.insert(key, data, expiry);
        }
        Ok(stores)
    }

    async fn touch(&self, keys: &[String], expiry: i64) -> Result<bool> {
        let mut items = self.items();
        let mut all = true;
        for key in keys {
            match items.all.get_mut(key) {
                Some(item) => item.end = end(expiry),
                None => all = false,
            }
        }
        Ok(all)
    }

    async fn exist(&self, keys: &[String]) -> Result<bool> {
        let items = self.items();
        Ok(keys.iter().all(|key| items.all.contains_key(key)))
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        let mut items = self.items();
        keys.iter().for_each(|key| _ = items.all.remove(key));
        Ok(())
    }

    async fn keys(&self, keep: fn(&str) -> bool) -> Result<Vec<String>> {
        if !self.lists {
            return Err(ClientError::Unlistable);
        }
        Ok(self.items().all.keys().filter(|key| keep(key)).cloned().collect())
    }
}
