//! Parsers and writers: bytes to requests and replies to bytes. No I/O and no
//! storage.

pub mod dump;
pub mod rpc;
pub mod text;
