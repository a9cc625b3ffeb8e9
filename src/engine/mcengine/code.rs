//! What an engine's codes are to a client, as memcached says them.

use crate::{
    engine::Unanswered,
    host::{
        ErrorCode, Failure,
        memcached::{Code, Connection, Later},
    },
};

impl From<Later> for Unanswered {
    fn from(_: Later) -> Self {
        Self::Later
    }
}

/// A command that failed with this code.
pub(super) fn failed(code: Code, connection: &Connection) -> Unanswered {
    let (kind, text) = match code {
        Code::EINVAL => return Unanswered::Refused("invalid arguments"),
        Code::E2BIG => return Unanswered::Refused("value too big"),
        Code::EACCESS => return Unanswered::Refused("access control violation"),
        Code::DISCONNECT => return Unanswered::Disconnect,
        Code::ENOTSUP => (ErrorCode::Unsupported, "not supported"),
        Code::ENOMEM => (ErrorCode::Memory, "out of memory"),
        Code::TMPFAIL => (ErrorCode::Busy, "temporary failure"),
        _ => (ErrorCode::Other, "failure"),
    };
    Unanswered::Failed(match connection.errinfo() {
        Some(more) => Failure::new(kind, format!("{text}: {more}")),
        None => Failure::new(kind, text),
    })
}

/// The code that a status of the binary protocol stands for.
pub(super) fn of_status(status: u16) -> Code {
    match status {
        0x02 => Code::KEY_EEXISTS,
        0x03 => Code::E2BIG,
        0x04 => Code::EINVAL,
        0x05 => Code::NOT_STORED,
        0x81 | 0x83 => Code::ENOTSUP,
        0x82 => Code::ENOMEM,
        0x86 => Code::TMPFAIL,
        _ => Code::FAILED,
    }
}
