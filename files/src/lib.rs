//! Files of any size in a memcached server.
//!
//! memcached holds about 1 MiB under a key, so a file is cut into chunks, with
//! metadata under a key that is made of the file's name. Bytes are streamed both
//! ways: an upload holds a few chunks in memory, and a download two windows of
//! some MiB.
//!
//! ```
//! use kumo_files::{Memory, Settings, Store};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), kumo_files::Error> {
//! // Over a server: Tcp::new("127.0.0.1:11211", Duration::from_secs(5))
//! let store = Store::new(Memory::default(), Settings::default());
//! store.store("greeting.txt", "hello").await?;
//! assert_eq!(store.retrieve("greeting.txt").await?, "hello");
//! # Ok(()) }
//! ```
//!
//! # What is stored
//!
//! | key | value |
//! |---|---|
//! | `filestore:` MD5 of the name in hex | the [metadata](metadata::Record), as JSON |
//! | the same, `:`, the version in 16 hex digits, `:`, N from 0 | a [chunk], with a header of 16 bytes |
//!
//! Every upload draws a random version, so its chunks are beside those of every
//! other one, and nobody sees them until the metadata is switched, with
//! memcached's CAS. Then the chunks of the version before are removed, after
//! those who read them through the same store have ended. Whoever reads them
//! through another one gets an error, and not bytes of both.
//!
//! Chunks are stored with an expiry, which is taken from them just before the
//! switch: what nobody finished is gone in the end, even if this process is.
//!
//! A checksum over its key and its bytes is in every chunk's header. What was
//! evicted, damaged, or put there by somebody else is [`Error::Corrupted`].
//!
//! Files of the [original](https://github.com/tenitski/memcache-filestore),
//! whose metadata is the number of chunks in decimal and whose chunks are bare
//! and under `::N`, are read and deleted too. They have no checksum: only a
//! missing chunk is noticed, or one of a wrong length.
//!
//! # What is not promised
//!
//! A memcached that needs room evicts what it likes; a file that has lost a
//! chunk is lost, and is said to be so. On a server that keeps what it
//! acknowledged, such as kumo-server, files stay.

#![forbid(unsafe_code)]

pub mod chunk;
pub mod client;
mod error;
mod file;
pub mod keys;
mod list;
pub mod metadata;
mod store;
mod upload;
mod version;

pub use client::{Memory, Tcp};
pub use error::Error;
pub use file::File;
pub use list::{Entry, Listing};
pub use store::{Condition, DEFAULT_CHUNK, Settings, Store};
pub use upload::{Stored, Upload};

/// The most bytes that a file's name has: it stands in the metadata.
pub const NAME_SIZE: usize = 4096;
