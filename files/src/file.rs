//! A file that is stored: what is known of it, and its bytes.

use crate::{
    Error,
    client::Memcached,
    metadata::Metadata,
    store::{Shared, tag},
    version::{Lease, Version},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::{
    iter,
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio_util::task::AbortOnDropHandle;

/// How much of a file is asked for at once, as far as whole chunks go. One such
/// window is on its way while the one before is handed out.
const WINDOW: u64 = 4 << 20;

/// Keys of one get at most.
const WINDOW_KEYS: u64 = 64;

/// How much of a file is looked for before its first byte is handed out. It is
/// more than the original's largest file; and a server that reads a value to say
/// that it is there is not to read all of a large one.
const LOOKED_FOR: u64 = 64 << 20;

/// A version of a file, as it was found.
#[derive(Debug)]
pub struct File<C: Memcached> {
    /// Its bytes.
    pub size: u64,
    /// Its media type, if one is kept.
    pub media_type: Option<String>,
    /// When it was stored; the original kept no time.
    pub stored: Option<SystemTime>,
    /// What tells this version of the name from every other one.
    pub tag: String,
    chunk: u64,
    lease: Arc<Lease<C>>,
}

impl<C: Memcached> File<C> {
    pub(crate) async fn open(
        shared: Arc<Shared<C>>,
        key: String,
        unique: u64,
        metadata: Metadata,
    ) -> Result<Self, Error> {
        let tag = tag(&metadata, unique);
        let version = Version::of(&key, &metadata);
        let lease = Arc::new(Lease::new(shared, version));
        match metadata {
            Metadata::Record(record) => Ok(Self {
                size: record.size,
                chunk: record.chunk.get().into(),
                stored: UNIX_EPOCH.checked_add(Duration::from_secs(record.stored)),
                media_type: record.media_type,
                tag,
                lease,
            }),
            Metadata::Original { chunks } => {
                let (size, chunk) = original_size(&lease, chunks).await?;
                Ok(Self { size, chunk, stored: None, media_type: None, tag, lease })
            }
        }
    }

    /// The bytes of a range of it.
    ///
    /// What is known before the first byte is an error here: the first window is
    /// read, and the other chunks of the first 64 MiB are asked for. A chunk that
    /// is found missing later ends the stream with [`Error::Corrupted`]; wrong
    /// bytes are never in it.
    pub async fn read(
        &self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + use<C>, Error> {
        let range = range.start.min(self.size)..range.end.min(self.size);
        let mut windows = self.windows(&range);
        let mut first = Vec::new();
        if let Some(chunks) = windows.next() {
            let looked_for = (LOOKED_FOR / self.chunk).max(1);
            let end = range.end.div_ceil(self.chunk).min(chunks.start + looked_for);
            let parts = async {
                if !self.lease.exist(chunks.end..end).await? {
                    return Err(Error::Corrupted);
                }
                self.window().read(chunks, range.clone()).await
            };
            first = match parts.await {
                Err(Error::Corrupted) => return Err(self.corrupted_or_replaced().await),
                parts => parts?,
            };
        }
        let window = self.window();
        let rest = stream::iter(windows)
            .map(move |chunks| {
                let (window, range) = (window.clone(), range.clone());
                // On its own task, so that it comes while the one before is
                // handed out.
                let task = tokio::spawn(async move { window.read(chunks, range).await });
                let task = AbortOnDropHandle::new(task);
                async move { task.await.unwrap_or(Err(Error::Corrupted)) }
            })
            .buffered(2)
            .map_ok(|parts| stream::iter(parts.into_iter().map(Ok)))
            .try_flatten();
        Ok(stream::iter(first.into_iter().map(Ok)).chain(rest))
    }

    /// The numbers of the chunks that a range needs, a window at a time.
    fn windows(&self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> + Send + use<C> {
        let end = if range.is_empty() { 0 } else { range.end.div_ceil(self.chunk) };
        let step = (WINDOW / self.chunk).clamp(1, WINDOW_KEYS);
        let mut next = range.start / self.chunk;
        iter::from_fn(move || {
            let start = next.min(end);
            next = end.min(start + step);
            (start < next).then_some(start..next)
        })
    }

    fn window(&self) -> Window<C> {
        Window { lease: self.lease.clone(), size: self.size, chunk: self.chunk }
    }

    /// Why a chunk is not there: the file has been replaced or deleted since it
    /// was found, or it is damaged.
    async fn corrupted_or_replaced(&self) -> Error {
        match self.lease.shared.look(&self.lease.version.metadata).await {
            Err(error) => error,
            Ok(Some(found)) => match found.metadata {
                Some(metadata) if tag(&metadata, found.unique) == self.tag => Error::Corrupted,
                _ => Error::Replaced,
            },
            Ok(None) => Error::Replaced,
        }
    }
}

/// What it takes to read some chunks of a file.
#[derive(Debug)]
struct Window<C: Memcached> {
    lease: Arc<Lease<C>>,
    size: u64,
    chunk: u64,
}

impl<C: Memcached> Clone for Window<C> {
    fn clone(&self) -> Self {
        Self { lease: self.lease.clone(), ..*self }
    }
}

impl<C: Memcached> Window<C> {
    /// The bytes of `range` in these chunks.
    async fn read(&self, chunks: Range<u64>, range: Range<u64>) -> Result<Vec<Bytes>, Error> {
        let values = self.lease.get(chunks.clone()).await?;
        let mut parts = Vec::with_capacity(values.len());
        for (n, value) in chunks.zip(&values) {
            let start = n * self.chunk;
            let length = self.chunk.min(self.size - start);
            let data =
                self.lease.version.open(n, value.as_ref(), length).ok_or(Error::Corrupted)?;
            // Within a chunk, which is in memory: no number is too large.
            let from = range.start.saturating_sub(start).min(length) as usize;
            let to = range.end.saturating_sub(start).min(length) as usize;
            parts.push(data.slice(from..to));
        }
        Ok(parts)
    }
}

/// The size and the chunk size of a file of the original's, whose chunks are
/// all as large as the first one, except for the last one.
async fn original_size<C: Memcached>(lease: &Lease<C>, chunks: u64) -> Result<(u64, u64), Error> {
    let Some(last) = chunks.checked_sub(1) else { return Ok((0, 1)) };
    let first = length(lease, 0).await?;
    if last == 0 {
        return Ok((first, first.max(1)));
    }
    let rest = length(lease, last).await?;
    let plausible = first > 0 && (1..=first).contains(&rest);
    if plausible { Ok((last * first + rest, first)) } else { Err(Error::Corrupted) }
}

async fn length<C: Memcached>(lease: &Lease<C>, n: u64) -> Result<u64, Error> {
    let values = lease.get(n..n + 1).await?;
    let value = values.into_iter().flatten().next();
    value.map(|value| value.len() as u64).ok_or(Error::Corrupted)
}
