//! Write a kumo storage engine in Rust.
//!
//! An engine implements [`Storage`]; [`export!`] turns the implementation into
//! the C functions that a host looks for. No line of the author's is `unsafe`,
//! and a panic in one becomes the error of that call. The smallest engine there
//! is:
//!
//! ```
//! use kumo_plugin::{Caps, CasProc, Error, Location, Storage, Value, Visit};
//! use std::{collections::BTreeMap, ffi::CStr, sync::Mutex};
//!
//! #[derive(Default)]
//! struct Map(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);
//!
//! impl Storage for Map {
//!     const NAME: &'static CStr = c"map";
//!     const VERSION: &'static CStr = c"1.0";
//!     const DESCRIPTION: &'static CStr = c"a map in memory";
//!     const CAPS: Caps = Caps::VOLATILE;
//!
//!     fn open(_: &Location) -> Result<Self, Error> {
//!         Ok(Map::default())
//!     }
//!     fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
//!         Ok(self.0.lock()?.get(key).map(|val| Value::copy(val)))
//!     }
//!     fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
//!         self.0.lock()?.insert(key.to_vec(), val.to_vec());
//!         Ok(())
//!     }
//!     fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
//!         let mut map = self.0.lock()?;
//!         let agreed = map.get(key).is_some_and(|old| proc(old));
//!         Ok(agreed && map.remove(key).is_some())
//!     }
//!     fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
//!         let mut map = self.0.lock()?;
//!         let agreed = map.get(key).is_none_or(|old| proc(old));
//!         if agreed {
//!             map.insert(key.to_vec(), val.to_vec());
//!         }
//!         Ok(agreed)
//!     }
//!     fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
//!         for (key, val) in self.0.lock()?.iter() {
//!             if visit(key, val).is_break() {
//!                 break;
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! kumo_plugin::export!(Map);
//! # fn main() {}
//! ```
//!
//! In a crate whose `Cargo.toml` has
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//! ```
//!
//! `cargo build --release` makes a plugin of it, and `kumo-server --storage
//! target/release/libmap.so` serves it.
//!
//! The [`guide`] goes on from here. The modules: [`storage`] has the trait,
//! [`optional`] the operations beyond it, [`value`] what `get` returns,
//! [`describe`], [`param`] and [`location`] what an engine says of itself and
//! is opened with, [`error`] what it fails with, [`record`] the headers that
//! the host puts before keys and values, [`mapping`] files that are mapped, [`testing`] the engine as a host sees
//! it. Below that: [`abi`] holds the C types, [`zone`] the memory zone of
//! msgpack-c, [`services`] what the host does for a plugin, [`export`](mod@export) what
//! joins the trait to C.

// The C boundary is what this crate is for.
#![allow(unsafe_code)]

pub mod abi;
pub mod describe;
pub mod error;
pub mod export;
mod guard;
pub mod guide;
pub mod location;
pub mod mapping;
pub mod optional;
pub mod param;
pub mod record;
pub mod services;
pub mod storage;
pub mod testing;
pub mod value;
pub mod zone;

pub use abi::LogLevel;
pub use describe::{Caps, ThreadModel};
pub use error::{Error, ErrorCode};
pub use location::Location;
pub use optional::{Change, Optional};
pub use param::Param;
pub use services::{log, progress};
pub use storage::{CasProc, Storage, Visit};
pub use value::{Hold, Value};
