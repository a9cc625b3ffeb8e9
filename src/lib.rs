//! kumo: a storage plugin host.
//!
//! A storage engine is a shared library with a table of C functions;
//! `kumo-server` serves it over the memcached protocol and `kumoctl` looks
//! after it. The folders are layers, and imports run one way, downwards:
//!
//! ```text
//! server     sockets: bytes in, bytes out
//! protocol   parsers and writers, without I/O and without storage
//! engine     what the commands of memcached mean; `store` means it over a table
//! bench      measures plugins; beside engine
//! kit        tests that plugins keep the contract; beside engine
//! host       finds, loads, checks and holds a plugin
//! plugins/*  the engines; plugins/sdk (kumo-plugin) is what they are written with
//! ```

pub mod bench;
pub mod engine;
pub mod host;
pub mod kit;
pub mod protocol;
pub mod server;
