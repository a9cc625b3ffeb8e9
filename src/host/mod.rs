//! Finds, loads, checks and holds a plugin: the only place with `dlopen`, and
//! the only one that calls a table. What it offers upwards is safe.

#![allow(unsafe_code)]

mod builtin;
mod casproc;
mod describe;
mod error;
mod failure;
mod find;
mod guard;
mod load;
mod mappings;
pub mod memcached;
mod operations;
mod params;
mod plugin;
mod portable;
pub mod raw;
mod repair;
mod services;
mod storage;
mod table;
#[cfg(test)]
mod tests;
mod threads;
mod whole;
mod zone_symbols;

pub use error::LoadError;
pub use failure::Failure;
pub use kumo_plugin::{ErrorCode, abi::ParamType};
pub use load::Library;
pub use operations::{Ask, Change, Delete, Update};
pub use params::Param;
pub use plugin::{About, Plugin};
pub use services::watched;
pub use storage::{Pins, Storage};
pub use whole::{Record, Visit};
