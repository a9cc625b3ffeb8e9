//! A file on its way into the store.

use crate::{
    Error, chunk,
    client::{How, Memcached},
    metadata::{MOST_CHUNKS, Metadata, Record},
    store::{Condition, Shared, check},
    version::Version,
};
use bytes::Bytes;
use std::{
    mem,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinSet;

/// Chunks that are being stored at once.
const AT_ONCE: usize = 4;

/// Tries to learn what became of the metadata when its answer was lost.
const QUESTIONS: u32 = 3;

/// A new version of a file, not yet under its name. Its chunks are stored as
/// the bytes come, with an expiry. Dropped before [`commit`](Self::commit) is
/// done, it removes them, on the runtime that it was made on.
#[derive(Debug)]
pub struct Upload<C: Memcached> {
    shared: Arc<Shared<C>>,
    key: String,
    record: Record,
    condition: Condition,
    /// What does not yet fill a chunk.
    parts: Vec<Bytes>,
    pending: usize,
    /// Chunks that were begun.
    chunks: u64,
    storing: JoinSet<Result<(), Error>>,
    /// Whether the chunks belong to a file.
    committed: bool,
}

/// What an upload came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What tells this version of the name from every other one.
    pub tag: String,
    /// Its bytes.
    pub size: u64,
    /// Whether there was a file of that name.
    pub replaced: bool,
}

impl<C: Memcached> Upload<C> {
    pub(crate) fn begin(
        shared: Arc<Shared<C>>,
        name: &str,
        key: String,
        media_type: Option<&str>,
        condition: Condition,
    ) -> Result<Self, Error> {
        let record = Record {
            form: Record::FORM,
            name: name.to_owned(),
            size: 0,
            chunk: shared.settings.chunk,
            version: getrandom::u64()?,
            media_type: media_type.map(str::to_owned),
            stored: 0,
        };
        Ok(Self {
            shared,
            key,
            record,
            condition,
            parts: vec![],
            pending: 0,
            chunks: 0,
            storing: JoinSet::new(),
            committed: false,
        })
    }

    /// The next bytes of the file. It waits while enough of them are on their
    /// way.
    pub async fn write(&mut self, mut data: Bytes) -> Result<(), Error> {
        let most = MOST_CHUNKS * u64::from(self.record.chunk.get());
        let max = self.shared.settings.max_size.min(most);
        let size = self.record.size.checked_add(data.len() as u64);
        self.record.size = size.filter(|&size| size <= max).ok_or(Error::TooLarge { max })?;
        let chunk = self.record.chunk.get() as usize;
        while !data.is_empty() {
            // A full chunk waits for more: the last one is stored by `commit`.
            if self.pending == chunk {
                self.send(self.shared.expiry()).await?;
            }
            let part = data.split_to(data.len().min(chunk - self.pending));
            self.pending += part.len();
            self.parts.push(part);
        }
        Ok(())
    }

    /// Stores what has gathered as a chunk.
    async fn send(&mut self, expiry: i64) -> Result<(), Error> {
        while self.storing.len() >= AT_ONCE {
            self.one_is_stored().await?;
        }
        let (n, parts) = (self.chunks, mem::take(&mut self.parts));
        self.chunks += 1;
        self.pending = 0;
        let (shared, key) = (self.shared.clone(), self.version().key(n));
        self.storing.spawn(async move {
            let parts = chunk::seal(&key, parts);
            let stored = shared.client.store(How::Set, &key, &parts, expiry).await?;
            if stored { Ok(()) } else { Err(Error::Lost) }
        });
        Ok(())
    }

    async fn one_is_stored(&mut self) -> Result<(), Error> {
        match self.storing.join_next().await {
            None => Ok(()),
            // A task that panicked has stored nothing.
            Some(done) => done.unwrap_or(Err(Error::Lost)),
        }
    }

    /// Puts the file under its name, whole, in place of the one that is there;
    /// the chunks of that one are removed. Once begun it goes to its end, even if
    /// nobody waits for it: half a commit would be a name without chunks.
    pub async fn commit(self) -> Result<Stored, Error> {
        let tasks = self.shared.tasks.clone();
        tasks.spawn(self.finish()).await.unwrap_or(Err(Error::Lost))
    }

    async fn finish(mut self) -> Result<Stored, Error> {
        while !self.storing.is_empty() {
            self.one_is_stored().await?;
        }
        let before_last = self.version();
        if self.pending > 0 {
            // The last one needs no expiry: it is the moment to take it away.
            self.send(0).await?;
            self.one_is_stored().await?;
        }
        // It shows now that they are all there.
        if !self.shared.expire(&before_last, 0).await? {
            return Err(Error::Lost);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.record.stored = now.map_or(0, |since| since.as_secs());
        let before = self.switch().await?;
        self.committed = true;
        if let Some(Some(metadata)) = &before {
            // The file is stored, whatever becomes of the old one.
            let _ = self.shared.retire(&Version::of(&self.key, metadata)).await;
        }
        Ok(Stored { tag: self.record.tag(), size: self.record.size, replaced: before.is_some() })
    }

    /// Switches the metadata; what was there. Of several writers the last one
    /// wins.
    async fn switch(&mut self) -> Result<Option<Option<Metadata>>, Error> {
        let record = [Bytes::from(self.record.bytes())];
        loop {
            let (how, found) = self.shared.place(&self.key).await?;
            check(&self.condition, &self.record.name, found.as_ref())?;
            let stored = match self.shared.client.store(how, &self.key, &record, 0).await {
                // The answer is lost, and not what it spoke of.
                Err(error) => match self.is_there(how).await {
                    Some(true) => true,
                    Some(false) => return Err(error.into()),
                    None => {
                        // It may be in place: its chunks are not to be removed.
                        self.committed = true;
                        return Err(error.into());
                    }
                },
                Ok(stored) => stored,
            };
            if stored {
                return Ok(found.map(|found| found.metadata));
            }
        }
    }

    /// Whether this version stands under its name, where it was to be put in this
    /// way: now, or it never will. None: there is no knowing.
    async fn is_there(&self, how: How) -> Option<bool> {
        for _ in 0..QUESTIONS {
            // The server may be late: what it has not done must not be done when
            // the chunks are gone.
            if self.shared.forestall(how, &self.key).await.is_err() {
                continue;
            }
            if let Ok(found) = self.shared.look(&self.key).await {
                let metadata = found.and_then(|found| found.metadata);
                let ours = |record: &Record| record.version == self.record.version;
                return Some(matches!(metadata, Some(Metadata::Record(r)) if ours(&r)));
            }
        }
        None
    }

    fn version(&self) -> Version {
        Version::of_upload(&self.key, &self.record, self.chunks)
    }
}

impl<C: Memcached> Drop for Upload<C> {
    fn drop(&mut self) {
        if self.committed || self.chunks == 0 {
            return;
        }
        // Without a runtime there is nobody to remove them: they expire.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (shared, version) = (self.shared.clone(), self.version());
        let mut storing = mem::take(&mut self.storing);
        self.shared.tasks.spawn_on(
            async move {
                // What is on its way would come after the delete.
                while storing.join_next().await.is_some() {}
                let _ = shared.purge(&version).await;
            },
            &runtime,
        );
    }
}
