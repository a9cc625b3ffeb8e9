//! The chunks of one version of a file.

use crate::{
    Error, chunk,
    client::Memcached,
    keys,
    metadata::{Metadata, Record},
    store::Shared,
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    iter,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The chunks of one version of a file.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub metadata: String,
    /// None: the original's.
    version: Option<u64>,
    pub chunks: u64,
    /// The bytes of a chunk, for what they weigh.
    chunk: u64,
}

impl Version {
    pub fn of(metadata_key: &str, metadata: &Metadata) -> Self {
        let (version, chunks, chunk) = match metadata {
            // It does not say; most have as much as fits.
            Metadata::Original { chunks } => (None, *chunks, 1 << 20),
            Metadata::Record(record) => {
                (Some(record.version), record.chunks(), record.chunk.get().into())
            }
        };
        Self { metadata: metadata_key.to_owned(), version, chunks, chunk }
    }

    /// The first chunks of a file that is being stored.
    pub fn of_upload(metadata_key: &str, record: &Record, chunks: u64) -> Self {
        let (version, chunk) = (Some(record.version), record.chunk.get().into());
        Self { metadata: metadata_key.to_owned(), version, chunks, chunk }
    }

    pub fn key(&self, n: u64) -> String {
        match self.version {
            Some(version) => keys::chunk(&self.metadata, version, n),
            None => keys::original_chunk(&self.metadata, n),
        }
    }

    /// As many chunks as a batch has whose requests may each take the server as
    /// long as a write of the value.
    fn weighty(&self) -> u64 {
        (WEIGHTY / self.chunk).clamp(1, BATCH)
    }

    pub fn keys(&self, range: Range<u64>) -> Vec<String> {
        range.map(|n| self.key(n)).collect()
    }

    /// The part of the file in a chunk; None if it is not what was stored. The
    /// original's chunks are bare: only their length can be looked at.
    pub fn open(&self, n: u64, value: Option<&Bytes>, length: u64) -> Option<Bytes> {
        let value = value?;
        let data = match self.version {
            Some(_) => chunk::open(&self.key(n), value)?,
            None => value.clone(),
        };
        (data.len() as u64 == length).then_some(data)
    }
}

/// Who reads which version, in this process.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<HashMap<u64, Read>>);

#[derive(Debug, Default)]
struct Read {
    readers: usize,
    /// Whether it is no file's any more, so the last reader removes it.
    retired: bool,
}

impl Readers {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody reads it; whoever ends last removes it then.
    fn retire(&self, version: &Version) -> bool {
        let mut all = self.lock();
        let read = version.version.and_then(|version| all.get_mut(&version));
        read.is_some_and(|read| {
            read.retired = true;
            true
        })
    }
}

/// Keeps the chunks of a version until it is dropped, even if the version is
/// replaced meanwhile by this process.
#[derive(Debug)]
pub(crate) struct Lease<C: Memcached> {
    pub shared: Arc<Shared<C>>,
    pub version: Version,
}

impl<C: Memcached> Lease<C> {
    pub fn new(shared: Arc<Shared<C>>, version: Version) -> Self {
        if let Some(version) = version.version {
            shared.readers.lock().entry(version).or_default().readers += 1;
        }
        Self { shared, version }
    }

    /// The values of chunks.
    pub async fn get(&self, chunks: Range<u64>) -> Result<Vec<Option<Bytes>>, Error> {
        Ok(self.shared.client.get(&self.version.keys(chunks)).await?)
    }

    /// Whether chunks are all there.
    pub async fn exist(&self, chunks: Range<u64>) -> Result<bool, Error> {
        for batch in batches(chunks, self.version.weighty()) {
            if !self.shared.client.exist(&self.version.keys(batch)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether this was the last one of a version that is no file's any more.
    fn end(&self) -> bool {
        let Some(version) = self.version.version else { return false };
        let mut all = self.shared.readers.lock();
        let Some(read) = all.get_mut(&version) else { return false };
        read.readers -= 1;
        read.readers == 0 && all.remove(&version).is_some_and(|read| read.retired)
    }
}

impl<C: Memcached> Drop for Lease<C> {
    fn drop(&mut self) {
        // Without a runtime there is nobody to remove them: they expire.
        if self.end()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (shared, version) = (self.shared.clone(), self.version.clone());
            let purge = async move { _ = shared.purge(&version).await };
            self.shared.tasks.spawn_on(purge, &runtime);
        }
    }
}

/// How many keys go into one batch.
const BATCH: u64 = 256;

/// How many bytes of values a batch has that is about values without sending
/// them. To kumo-server a touch is a write of the value, and a question a read,
/// and until the batch is done it is silent.
const WEIGHTY: u64 = 8 << 20;

/// A range of chunks, at most `step` of them at a time.
fn batches(chunks: Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> + Send {
    let mut next = chunks.start;
    iter::from_fn(move || {
        let start = next;
        next = chunks.end.min(start.saturating_add(step));
        (start < next).then_some(start..next)
    })
}

impl<C: Memcached> Shared<C> {
    /// Removes the chunks of a version that is no file's any more, or lets its
    /// last reader do so. An expiry sees to it that they go even if this process
    /// does not live to do so.
    pub async fn retire(&self, version: &Version) -> Result<(), Error> {
        if self.readers.retire(version) {
            return self.expire(version, self.expiry()).await.map(|_| ());
        }
        self.purge(version).await
    }

    /// Removes the chunks of a version.
    pub async fn purge(&self, version: &Version) -> Result<(), Error> {
        for batch in batches(0..version.chunks, BATCH) {
            self.client.delete(&version.keys(batch)).await?;
        }
        Ok(())
    }

    /// Gives the chunks another expiry; whether all were there.
    pub async fn expire(&self, version: &Version, expiry: i64) -> Result<bool, Error> {
        for batch in batches(0..version.chunks, version.weighty()) {
            if !self.client.touch(&version.keys(batch), expiry).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The expiry of what is not, or no longer, a file's.
    pub fn expiry(&self) -> i64 {
        // At most 30 days: more would be a date.
        self.settings.upload_limit.as_secs().clamp(1, 30 * 24 * 60 * 60) as i64
    }
}
