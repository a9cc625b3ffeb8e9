//! What a store answers when it does not do what it was asked.

use crate::client::ClientError;
use thiserror::Error;

/// A failure of the store. The texts of the first four are the original's.
#[derive(Debug, Error)]
pub enum Error {
    /// There is one of that name.
    #[error("File already exists")]
    Exists,
    /// There is none of that name.
    #[error("File not found")]
    NotFound,
    /// More bytes than a file may have.
    #[error("File is too large: max file size is {max} bytes")]
    TooLarge {
        /// The most.
        max: u64,
    },
    /// A chunk is gone or is not what was stored, or the metadata is damaged.
    #[error("File is corrupted, try storing it again")]
    Corrupted,
    /// It is not, or no longer, the version that was asked for.
    #[error("The file is not the version that was asked for")]
    Mismatch,
    /// Somebody stored another version while this one was to be read.
    #[error("The file was replaced in the meantime, ask again")]
    Replaced,
    /// Another file's name has the same MD5.
    #[error("Another file stands in the way: its name has the same MD5")]
    Collision,
    /// No name for a file.
    #[error("A file's name has from 1 to {} bytes", crate::NAME_SIZE)]
    Name,
    /// The server's limit on items is below the chunks.
    #[error(
        "Unable to store file: memcached refuses a value of {size} bytes; \
         use smaller chunks (--chunk), or raise the server's item size (-I)"
    )]
    Chunk {
        /// The chunk's size, with its header.
        size: usize,
    },
    /// A chunk was gone before the file was complete.
    #[error(
        "Unable to store file: memcached lost a part of it meanwhile; it needs more memory (-m), \
         or the upload took longer than it may"
    )]
    Lost,
    /// What the file was read from failed.
    #[error("Unable to read the file: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No random number for a version.
    #[error("the system has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// memcached failed.
    #[error("{0}")]
    Client(ClientError),
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::ValueTooLarge { size } => Self::Chunk { size },
            error => Self::Client(error),
        }
    }
}
