//! Holds an engine that was written for memcached's engine interface, and is
//! the server that it calls back.
//!
//! - `abi`: the C types; `include/memcached/engine.h` is the manual
//! - `instance`: from create_instance to destroy
//! - `calls`: the functions of the table
//! - `connection`, `item`: what the server makes of them, for one client
//! - `packet`: a request of the binary protocol
//! - `cookie`: what a connection is to the engine
//! - `api`: the server's tables
//! - `raw`: every call with all that it answers, for the kit

mod abi;
mod api;
mod calls;
mod connection;
mod cookie;
mod instance;
mod item;
mod packet;
pub mod raw;

pub(super) use abi::create_instance;
pub use abi::{Code, Operation};
pub use api::{Services, evictions, exptime, level_changed, reset_evictions};
pub use connection::{Connection, Later, Response, Touch};
pub use instance::{About, Feature, Instance, Module};
pub use item::{Head, Item};
