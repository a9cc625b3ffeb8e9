//! The files that there are, where the server can list its keys.

use crate::{
    Error, Store,
    client::Memcached,
    keys,
    metadata::{Metadata, Record},
};

/// Metadata that is asked for at once.
const BATCH: usize = 128;

/// The files of a store.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Those whose names begin as was asked, by their names.
    pub files: Vec<Entry>,
    /// How many more there are that the original stored: it kept no names.
    pub unnamed: u64,
}

/// A file in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its media type, if one is kept.
    pub media_type: Option<String>,
    /// When it was stored: UNIX seconds.
    pub stored: u64,
    /// What tells this version of the name from every other one.
    pub tag: String,
}

impl<C: Memcached> Store<C> {
    /// The files whose names begin with `prefix`.
    ///
    /// Names stand in the metadata alone, so every file's is read. Where the
    /// server cannot list its keys it is an error,
    /// [`ClientError::Unlistable`](crate::client::ClientError::Unlistable).
    pub async fn list(&self, prefix: &str) -> Result<Listing, Error> {
        let client = self.client();
        let mut keys = client.keys(keys::is_metadata).await?;
        // A server may name a key twice that moved meanwhile.
        keys.sort_unstable();
        keys.dedup();
        let mut listing = Listing::default();
        for keys in keys.chunks(BATCH) {
            for value in client.get(keys).await?.into_iter().flatten() {
                match Metadata::parse(&value) {
                    Some(Metadata::Record(record)) if record.name.starts_with(prefix) => {
                        listing.files.push(Entry::of(record));
                    }
                    Some(Metadata::Original { .. }) => listing.unnamed += 1,
                    _ => {}
                }
            }
        }
        listing.files.sort_unstable();
        Ok(listing)
    }
}

impl Entry {
    fn of(record: Record) -> Self {
        Self {
            tag: record.tag(),
            name: record.name,
            size: record.size,
            media_type: record.media_type,
            stored: record.stored,
        }
    }
}
