//! Finds, loads, checks and holds a plugin: the only place with `dlopen`, and
//! the only one that calls a table. What it offers upwards is safe.

#![allow(unsafe_code)]

mod builtin;
mod casproc;
mod failure;
mod find;
mod load;
mod services;
mod storage;
mod table;
mod zone_symbols;

pub use failure::Failure;
pub use kumo_plugin::ErrorCode;
pub use load::{LoadError, Plugin};
pub use storage::{Delete, Pins, Record, Storage, Update};
