//! What an engine answers when it fails.

use std::{
    collections::TryReserveError, fmt, io, num::TryFromIntError, str::Utf8Error,
    string::FromUtf8Error, sync::PoisonError,
};

/// The kind of a failure, as the host is told it.
pub use crate::abi::ErrorCode;

/// A failure: what kind, and a text that says what failed, on what, and what
/// to do about it.
///
/// `?` makes one of the standard library's errors. An operator knows more with
/// the file's name in the text: see [`Error::io`].
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

    /// A failure of none of the other kinds, in the words of another error.
    /// For `map_err(Error::other)`.
    pub fn other(text: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Other, text.to_string())
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

    /// No memory for so many bytes.
    pub fn no_memory(bytes: usize) -> Self {
        Self::new(ErrorCode::Memory, format!("no memory for {bytes} bytes"))
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

impl From<TryReserveError> for Error {
    fn from(error: TryReserveError) -> Self {
        Self::new(ErrorCode::Memory, error.to_string())
    }
}

/// So `lock()?` does for a lock: where a call panicked while it held it, what it
/// guards may be half changed, and every later call fails.
impl<T> From<PoisonError<T>> for Error {
    fn from(_: PoisonError<T>) -> Self {
        Self::new(
            ErrorCode::Other,
            "an earlier call panicked and may have left data half changed; the log has its \
             message; restart the server",
        )
    }
}

impl From<TryFromIntError> for Error {
    fn from(error: TryFromIntError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<Utf8Error> for Error {
    fn from(error: Utf8Error) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<FromUtf8Error> for Error {
    fn from(error: FromUtf8Error) -> Self {
        error.utf8_error().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn failed<E: Into<Error>>(result: Result<(), E>) -> Error {
        let through_question_mark = || -> Result<(), Error> {
            result.map_err(Into::into)?;
            Ok(())
        };
        through_question_mark().unwrap_err()
    }

    #[test]
    fn the_standard_librarys_errors_become_ours() {
        let full = failed(Err(io::Error::from_raw_os_error(libc::ENOSPC)));
        assert_eq!(full.code(), ErrorCode::Full);
        let io = Error::io("cannot read x.db", &io::Error::from_raw_os_error(libc::EIO));
        assert_eq!(io.code(), ErrorCode::Io);
        assert!(io.text().starts_with("cannot read x.db: "), "{io}");
        let memory = failed(Vec::<u8>::new().try_reserve(usize::MAX));
        assert_eq!(memory.code(), ErrorCode::Memory);
        let invalid = failed(u8::try_from(300).map(drop));
        assert_eq!(invalid.code(), ErrorCode::Invalid);
        assert_eq!(failed(String::from_utf8(vec![0xff]).map(drop)).code(), ErrorCode::Invalid);
        assert_eq!(Error::other("x").code(), ErrorCode::Other);
    }

    #[test]
    fn a_poisoned_lock_is_an_error_for_good() {
        let lock = Mutex::new(());
        let _ = std::panic::catch_unwind(|| {
            let _held = lock.lock().unwrap();
            panic!("while it was held");
        });
        assert!(failed(lock.lock().map(drop)).text().contains("an earlier call panicked"));
    }
}
