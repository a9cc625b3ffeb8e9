//! What an engine answers when it fails.

use std::{fmt, io};

/// The kind of a failure, as the host is told it.
pub use crate::abi::ErrorCode;

/// A failure: what kind, and a text that says what failed, on what, and what
/// to do about it.
#[derive(Clone, Debug)]
pub struct Error {
    code: ErrorCode,
    text: String,
}

impl Error {
    /// A failure of the given kind.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// An argument or a parameter that cannot be.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, text)
    }

    /// Stored data that fails its check.
    pub fn corrupt(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Corrupt, text)
    }

    /// Something that the engine does not do.
    pub fn unsupported(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unsupported, text)
    }

    /// A failure of the operating system, and what it was about: `doing` names
    /// the operation and the file.
    pub fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => ErrorCode::Full,
            io::ErrorKind::OutOfMemory => ErrorCode::Memory,
            _ => ErrorCode::Io,
        };
        Self::new(code, format!("{doing}: {error}"))
    }

    /// The kind of failure.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What failed, on what, and what to do.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::io("input or output failed", &error)
    }
}
