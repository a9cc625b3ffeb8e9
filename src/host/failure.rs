//! How a call into an engine fails.

use kumo_plugin::ErrorCode;

/// A call that failed: what kind, and a text that says what failed, on what,
/// and what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One line.
    pub text: String,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// A failure of no special kind.
    pub fn other(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Other, text)
    }
}

/// The code that a plugin reported; one that this host does not know is
/// `Other`.
pub(super) fn error_code(code: i32) -> ErrorCode {
    use ErrorCode::*;
    [Io, Full, Corrupt, Memory, Invalid, Unsupported, Busy]
        .into_iter()
        .find(|known| *known as i32 == code)
        .unwrap_or(Other)
}
