//! Write a kumo storage engine in Rust.
//!
//! An engine implements [`Storage`]; [`export!`] turns the implementation into
//! the C functions that a host looks for. No line of the author's is `unsafe`.
//!
//! ```
//! use kumo_plugin::{CasProc, Entry, Error, Location, Storage, Value};
//! use std::{collections::BTreeMap, ffi::CStr, ops::ControlFlow, path::Path, sync::Mutex};
//!
//! struct Map(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);
//!
//! impl Storage for Map {
//!     const NAME: &'static CStr = c"map";
//!     const VERSION: &'static CStr = c"1.0";
//!     const DESCRIPTION: &'static CStr = c"a map in memory";
//!
//!     fn open(_: &Location) -> Result<Self, Error> {
//!         Ok(Map(Mutex::default()))
//!     }
//!     fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
//!         Ok(self.0.lock().unwrap().get(key).cloned().map(Value::Owned))
//!     }
//!     fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
//!         self.0.lock().unwrap().insert(key.to_vec(), val.to_vec());
//!         Ok(())
//!     }
//!     fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
//!         let mut map = self.0.lock().unwrap();
//!         let agreed = map.get(key).is_some_and(|old| proc(old));
//!         Ok(agreed && map.remove(key).is_some())
//!     }
//!     fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
//!         let mut map = self.0.lock().unwrap();
//!         let agreed = map.get(key).is_none_or(|old| proc(old));
//!         if agreed {
//!             map.insert(key.to_vec(), val.to_vec());
//!         }
//!         Ok(agreed)
//!     }
//!     fn rnum(&self) -> u64 {
//!         self.0.lock().unwrap().len() as u64
//!     }
//!     fn backup(&self, _: &Path) -> Result<(), Error> {
//!         Err(Error::unsupported("a map in memory cannot be backed up"))
//!     }
//!     fn for_each(
//!         &self,
//!         visit: &mut dyn FnMut(&mut dyn Entry) -> ControlFlow<()>,
//!     ) -> Result<(), Error> {
//!         struct Item<'a>(&'a Map, Vec<u8>, Vec<u8>);
//!         impl Entry for Item<'_> {
//!             fn key(&self) -> &[u8] {
//!                 &self.1
//!             }
//!             fn value(&self) -> &[u8] {
//!                 &self.2
//!             }
//!             fn del(&mut self, proc: CasProc<'_>) -> Result<bool, Error> {
//!                 self.0.del(&self.1, proc)
//!             }
//!         }
//!         let all = self.0.lock().unwrap().clone();
//!         for (key, val) in all {
//!             if visit(&mut Item(self, key, val)).is_break() {
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
//! The modules: [`abi`] holds the C types, [`zone`] the memory zone of
//! msgpack-c, [`record`] the headers that the host puts before keys and
//! values, [`storage`] the trait, [`export`] what joins the trait to the table.

// The C boundary is what this crate is for.
#![allow(unsafe_code)]

pub mod abi;
pub mod error;
pub mod export;
pub mod record;
pub mod services;
pub mod storage;
pub mod zone;

pub use abi::LogLevel;
pub use error::{Error, ErrorCode};
pub use services::log;
pub use storage::{CasProc, Entry, Location, Storage, Value};
