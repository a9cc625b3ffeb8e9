//! The store: files by their names.

use crate::{
    Error, File, Upload,
    client::{How, Memcached},
    keys,
    metadata::Metadata,
    version::{Readers, Version},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, pin_mut};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio_util::task::TaskTracker;

/// How a store stores.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many bytes of a file a chunk has.
    pub chunk: NonZeroU32,
    /// The most bytes that a file may have.
    pub max_size: u64,
    /// How long an upload may take. What is left of one that nobody finished or
    /// tidied up is gone after as long.
    pub upload_limit: Duration,
}

/// 1 MiB, less what memcached keeps of it for itself, the key and the header:
/// such a chunk fits a server with the default item size.
pub const DEFAULT_CHUNK: NonZeroU32 = NonZeroU32::new((1 << 20) - 256).expect("is not 0");

impl Default for Settings {
    fn default() -> Self {
        Self {
            chunk: DEFAULT_CHUNK,
            max_size: 50 << 20,
            upload_limit: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What must be true of the file that stands there when another one is stored,
/// or when it is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// There is none.
    New,
    /// There is one.
    Present,
    /// It is one of these versions (see [`File::tag`]).
    OneOf(Vec<String>),
}

/// Files in a memcached server. Clones are the same store.
#[derive(Debug)]
pub struct Store<C> {
    pub(crate) shared: Arc<Shared<C>>,
}

impl<C> Clone for Store<C> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

#[derive(Debug)]
pub(crate) struct Shared<C> {
    pub client: C,
    pub settings: Settings,
    pub readers: Readers,
    /// What tidies up behind uploads and files.
    pub tasks: TaskTracker,
}

/// What stands under a metadata key.
pub(crate) struct Found {
    pub unique: u64,
    /// None: it is damaged.
    pub metadata: Option<Metadata>,
}

impl<C: Memcached> Store<C> {
    /// A store over a client.
    pub fn new(client: C, settings: Settings) -> Self {
        let (readers, tasks) = (Readers::default(), TaskTracker::new());
        Self { shared: Arc::new(Shared { client, settings, readers, tasks }) }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &C {
        &self.shared.client
    }

    /// How it stores.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The file of a name, to be looked at and read.
    pub async fn find(&self, name: &str) -> Result<File<C>, Error> {
        check_name(name)?;
        let key = keys::metadata(name);
        let found = self.look(&key).await?.ok_or(Error::NotFound)?;
        let metadata = found.metadata.ok_or(Error::Corrupted)?;
        if matches!(&metadata, Metadata::Record(record) if record.name != name) {
            return Err(Error::NotFound);
        }
        File::open(self.shared.clone(), key, found.unique, metadata).await
    }

    /// Begins to store a file. It appears under its name with
    /// [`Upload::commit`], if the condition is true then; it is asked now too.
    pub async fn upload(
        &self,
        name: &str,
        media_type: Option<&str>,
        condition: Condition,
    ) -> Result<Upload<C>, Error> {
        check_name(name)?;
        let key = keys::metadata(name);
        check(&condition, name, self.look(&key).await?.as_ref())?;
        Upload::begin(self.shared.clone(), name, key, media_type, condition)
    }

    /// Stores a file out of a stream.
    pub async fn write<B, E>(
        &self,
        name: &str,
        media_type: Option<&str>,
        condition: Condition,
        data: B,
    ) -> Result<crate::Stored, Error>
    where
        B: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut upload = self.upload(name, media_type, condition).await?;
        pin_mut!(data);
        while let Some(part) = data.next().await {
            match part {
                Ok(part) => upload.write(part).await?,
                Err(error) => return Err(Error::Source(error.into())),
            }
        }
        upload.commit().await
    }

    /// Stores a new file.
    pub async fn store(&self, name: &str, data: impl Into<Bytes>) -> Result<(), Error> {
        let mut upload = self.upload(name, None, Condition::New).await?;
        upload.write(data.into()).await?;
        upload.commit().await.map(|_| ())
    }

    /// The whole of a file; [`File::read`] is for large ones.
    pub async fn retrieve(&self, name: &str) -> Result<Bytes, Error> {
        loop {
            let file = self.find(name).await?;
            match file.read(0..file.size).await {
                Err(Error::Replaced) => {}
                data => {
                    let parts: Vec<Bytes> = data?.try_collect().await?;
                    return Ok(parts.concat().into());
                }
            }
        }
    }

    /// Deletes a file. The name goes first, at once, and then its chunks;
    /// chunks that are gone already are no error.
    pub async fn delete(&self, name: &str, condition: Condition) -> Result<(), Error> {
        check_name(name)?;
        let key = keys::metadata(name);
        loop {
            let found = self.look(&key).await?.ok_or(Error::NotFound)?;
            if matches!(&found.metadata, Some(Metadata::Record(record)) if record.name != name) {
                return Err(Error::NotFound);
            }
            check(&condition, name, Some(&found))?;
            // A value that has expired when it is stored: a delete that is
            // compared, which the text protocol does not have.
            let how = How::Cas(found.unique);
            if self.shared.client.store(how, &key, &[], -1).await? {
                let version = found.metadata.map(|metadata| Version::of(&key, &metadata));
                if let Some(version) = version {
                    self.shared.retire(&version).await?;
                }
                return Ok(());
            }
        }
    }

    /// Waits until what tidies up in the background has done so. No more is to
    /// be asked of the store.
    pub async fn finish(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    async fn look(&self, key: &str) -> Result<Option<Found>, Error> {
        self.shared.look(key).await
    }
}

impl<C: Memcached> Shared<C> {
    /// The file that stands there.
    pub async fn look(&self, key: &str) -> Result<Option<Found>, Error> {
        Ok(self.place(key).await?.1)
    }

    /// How what stands there is replaced, and the file that it is. A value of no
    /// bytes is none: see [`forestall`](Self::forestall).
    pub async fn place(&self, key: &str) -> Result<(How, Option<Found>), Error> {
        let Some((bytes, unique)) = self.client.gets(key).await? else {
            return Ok((How::Add, None));
        };
        let found = || Found { unique, metadata: Metadata::parse(&bytes) };
        Ok((How::Cas(unique), (!bytes.is_empty()).then(found)))
    }

    /// Sees to it that a store under a metadata key whose answer was lost, and
    /// that the server may still have before it, fails when it comes: what it
    /// compares with is put there anew.
    pub async fn forestall(&self, how: How, key: &str) -> Result<(), Error> {
        match (how, self.client.gets(key).await?) {
            (How::Cas(unique), Some((bytes, now))) if now == unique => {
                let expiry = if bytes.is_empty() { FORESTALLED } else { 0 };
                self.client.store(how, key, &[bytes], expiry).await?;
            }
            (How::Add, None) => {
                self.client.store(how, key, &[], FORESTALLED).await?;
            }
            // Something else stands there already.
            _ => {}
        }
        Ok(())
    }
}

/// How long a store that was forestalled finds a value, in seconds. A server
/// that had not got to it by then would have been taken for dead.
const FORESTALLED: i64 = 3600;

/// Whether the condition is true of what stands there.
pub(crate) fn check(condition: &Condition, name: &str, found: Option<&Found>) -> Result<(), Error> {
    if let Some(Found { metadata: Some(Metadata::Record(record)), .. }) = found
        && record.name != name
    {
        return Err(Error::Collision);
    }
    match (condition, found) {
        (Condition::Any, _) | (Condition::New, None) | (Condition::Present, Some(_)) => Ok(()),
        (Condition::New, Some(_)) => Err(Error::Exists),
        (Condition::Present, None) | (Condition::OneOf(_), None) => Err(Error::Mismatch),
        (Condition::OneOf(tags), Some(found)) => {
            let tag = found.metadata.as_ref().map(|metadata| tag(metadata, found.unique));
            let one = tag.is_some_and(|tag| tags.contains(&tag));
            if one { Ok(()) } else { Err(Error::Mismatch) }
        }
    }
}

/// What tells a version from every other one of its name.
pub(crate) fn tag(metadata: &Metadata, unique: u64) -> String {
    match metadata {
        Metadata::Record(record) => record.tag(),
        // The original kept no version; whenever it stores the file anew, the
        // CAS unique is another one.
        Metadata::Original { .. } => format!("cas-{unique}"),
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = (1..=crate::NAME_SIZE).contains(&name.len());
    if fits { Ok(()) } else { Err(Error::Name) }
}
