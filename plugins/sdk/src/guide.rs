//! A guide for who writes an engine: every method, and what the host makes of
//! it.
//!
//! # What the host does, and what is left
//!
//! To an engine, keys and values are bytes. Expiry, flags, CAS numbers and what
//! a `memcached` command means are the host's: it puts a header before each key
//! and each value (see [`record`](crate::record)), and an engine need not know.
//! An engine finds, stores and deletes records, and does the one thing that only
//! it can: it compares and changes a record in one step.
//!
//! # The life of a database
//!
//! [`open`](crate::Storage::open) gets a [`Location`](crate::Location): the
//! path, and the parameters behind it, which have been checked against
//! [`PARAMS`](crate::Storage::PARAMS). It makes the database where there is
//! none. It does not touch a file that is not its own, or that another process
//! has open: [`Error::invalid`](crate::Error::invalid), `ErrorCode::Busy`. What
//! a killed process left behind is repaired and is no error; damage is one.
//!
//! There may be several databases open at once, so everything belongs in `self`.
//!
//! [`close`](crate::Storage::close) is for what can fail at the end, such as a
//! last sync; then the engine is dropped. No value is held any more by then.
//!
//! # The five operations
//!
//! **[`get`](crate::Storage::get)** finds a value. A miss is `Ok(None)`, a
//! failure is an error: the host never takes one for the other, or an `add`
//! would overwrite what could not be read. What to return is in the table at
//! [`Value`](crate::Value). A value stays as it was read until the host drops
//! it, even if the record is overwritten meanwhile: so it is a copy, or shared
//! and never changed in place, or pinned.
//!
//! **[`set`](crate::Storage::set)** stores a value. When it returns `Ok`, the
//! write is acknowledged to a client: it must be there after `kill -9`, unless
//! the engine is `VOLATILE`. On failure, what was there is there still.
//!
//! **[`del`](crate::Storage::del)** and **[`update`](crate::Storage::update)**
//! are given a comparison, a [`CasProc`](crate::CasProc). Its rules:
//!
//! | the record is | `del`                            | `update`                         |
//! |---------------|----------------------------------|----------------------------------|
//! | absent        | `Ok(false)`, not asked           | stores, `Ok(true)`, not asked    |
//! | there         | asks once; `true`: delete        | asks once; `true`: store         |
//! |               | returns what it said             | returns what it said             |
//!
//! Asking and changing are one step: hold the record's lock over both, so that
//! no other writer comes between. The comparison is quick, and never calls the
//! engine, so it may run under a lock. Where there is none at hand, a lock for
//! each of a few hundred groups of keys, chosen by a hash, does well.
//!
//! **[`for_each`](crate::Storage::for_each)** shows every record to a visitor,
//! and stops where that says `Break`, which is no error. A record that cannot be
//! read is one. The visitor may take long. An engine that holds no lock meanwhile
//! declares [`REENTRANT_SCAN`](crate::Caps::REENTRANT_SCAN): then records can be
//! deleted within a scan, and scans run side by side. Others need not care: the
//! host waits for the end of the scan.
//!
//! # Saying more
//!
//! Constants say what the engine is. [`THREADS`](crate::Storage::THREADS): how
//! it may be called. [`CAPS`](crate::Storage::CAPS): what it promises. What an
//! engine cannot promise it must not declare: the conformance kit tests every
//! promise, and skips what is not promised. [`PARAMS`](crate::Storage::PARAMS):
//! what users may set. [`OPTIONAL`](crate::Storage::OPTIONAL): the operations
//! that it has beyond the five, each documented at
//! [`Optional`](crate::Optional). Constants that contradict each other do not
//! compile.
//!
//! Which of the optional operations are worth having? `rnum` almost always,
//! since counting by a scan is slow. `sync` for whatever is on disk. `stats` and
//! `verify` are what an operator will ask for. `backup` where the engine can
//! copy itself better than record by record. `seek`, `getv`, `batch` and
//! `updatev` where the engine is faster at them than one by one. `get_header`
//! where it need not read a whole value. `compact` where deleting leaves space
//! behind. `repair` where a damaged file may have records that are whole. What
//! takes long says how far it has come ([`progress`](crate::progress)).
//!
//! An engine that maps its file lets the host know of the mapping
//! ([`mapping`](crate::mapping)): otherwise a page that cannot be read ends the
//! process.
//!
//! # Failing
//!
//! Every method returns [`Error`](crate::Error), and `?` makes one of the
//! standard library's errors. A good text says what failed, on what, and what
//! to do: `Error::io(format_args!("cannot write to {path}"), &error)`. The
//! operator finds it in the log; the client sees it behind `SERVER_ERROR`. The
//! kind matters too: with `ErrorCode::Full` the host knows that a disk is full.
//! A call that fails changes nothing.
//!
//! A panic is caught where the call began, logged with its message, and becomes
//! the call's error; the server lives. But a lock that was held is poisoned:
//! with `lock()?` every later call that needs it fails too, which is right where
//! the data may be half changed.
//!
//! # Testing
//!
//! [`testing::Engine`](crate::testing::Engine) calls an engine through its table
//! in the test's own process, where sanitizers and debuggers see all of it; and
//! `kumoctl plugin check` puts the built plugin through the conformance kit.
//!
//! # A larger engine
//!
//! Sorted, with values shared instead of copied, a parameter, and most of the
//! optional operations:
//!
//! ```
//! use kumo_plugin::{
//!     Caps, CasProc, Change, Error, ErrorCode, Location, Optional, Param, Storage, Value, Visit,
//! };
//! use std::{
//!     collections::BTreeMap,
//!     ffi::CStr,
//!     fmt::Display,
//!     sync::{Arc, RwLock},
//! };
//!
//! type Records = BTreeMap<Arc<Vec<u8>>, Arc<Vec<u8>>>;
//!
//! struct Sorted {
//!     max_value: u64,
//!     records: RwLock<Records>,
//! }
//!
//! impl Storage for Sorted {
//!     const NAME: &'static CStr = c"sorted";
//!     const VERSION: &'static CStr = c"1.0";
//!     const DESCRIPTION: &'static CStr = c"a sorted map in memory";
//!     const CAPS: Caps = Caps::VOLATILE.and(Caps::ORDERED).and(Caps::REENTRANT_SCAN);
//!     const PARAMS: &'static [Param] =
//!         &[Param::size(c"max_value", c"the longest value").or(c"1m")];
//!     const OPTIONAL: Optional<Self> = Optional {
//!         rnum: Some(Self::rnum),
//!         stats: Some(Self::stats),
//!         seek: Some(Self::seek),
//!         getv: Some(Self::getv),
//!         batch: Some(Self::batch),
//!         ..Optional::NONE
//!     };
//!
//!     fn open(location: &Location) -> Result<Self, Error> {
//!         Ok(Self { max_value: location.size("max_value")?, records: RwLock::default() })
//!     }
//!
//!     fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
//!         Ok(find(&*self.records.read()?, key))
//!     }
//!
//!     fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
//!         self.check(val)?;
//!         self.records.write()?.insert(Arc::new(key.to_vec()), Arc::new(val.to_vec()));
//!         Ok(())
//!     }
//!
//!     fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
//!         let mut records = self.records.write()?;
//!         let key = &key.to_vec();
//!         let agreed = records.get(key).is_some_and(|old| proc(old));
//!         Ok(agreed && records.remove(key).is_some())
//!     }
//!
//!     fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
//!         self.check(val)?;
//!         let mut records = self.records.write()?;
//!         let agreed = records.get(&key.to_vec()).is_none_or(|old| proc(old));
//!         if agreed {
//!             records.insert(Arc::new(key.to_vec()), Arc::new(val.to_vec()));
//!         }
//!         Ok(agreed)
//!     }
//!
//!     fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
//!         self.seek(b"", visit)
//!     }
//! }
//!
//! impl Sorted {
//!     fn check(&self, val: &[u8]) -> Result<(), Error> {
//!         if val.len() as u64 <= self.max_value {
//!             return Ok(());
//!         }
//!         let text = format!("a value of {} bytes: raise max_value", val.len());
//!         Err(Error::new(ErrorCode::Invalid, text))
//!     }
//!
//!     fn rnum(&self) -> Result<u64, Error> {
//!         Ok(self.records.read()?.len() as u64)
//!     }
//!
//!     fn stats(&self, add: &mut dyn FnMut(&str, &dyn Display)) -> Result<(), Error> {
//!         add("records", &self.records.read()?.len());
//!         add("max_value", &self.max_value);
//!         Ok(())
//!     }
//!
//!     // The records are cheap to clone, so the visitor runs without the lock.
//!     fn seek(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Error> {
//!         let records = self.records.read()?.clone();
//!         for (key, val) in records.range(Arc::new(from.to_vec())..) {
//!             if visit(key, val).is_break() {
//!                 break;
//!             }
//!         }
//!         Ok(())
//!     }
//!
//!     // One lock for all the keys.
//!     fn getv(&self, keys: &[&[u8]]) -> Result<Vec<Option<Value<'_>>>, Error> {
//!         let records = self.records.read()?;
//!         Ok(keys.iter().map(|key| find(&records, key)).collect())
//!     }
//!
//!     // What can fail comes first.
//!     fn batch(&self, changes: &[Change<'_>]) -> Result<(), Error> {
//!         for change in changes {
//!             if let Change::Put(_, val) = change {
//!                 self.check(val)?;
//!             }
//!         }
//!         let mut records = self.records.write()?;
//!         for change in changes {
//!             match *change {
//!                 Change::Put(key, val) => {
//!                     records.insert(Arc::new(key.to_vec()), Arc::new(val.to_vec()));
//!                 }
//!                 Change::Delete(key) => {
//!                     records.remove(&key.to_vec());
//!                 }
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! fn find<'a>(records: &Records, key: &[u8]) -> Option<Value<'a>> {
//!     let val = records.get(&key.to_vec())?;
//!     Some(Value::shared(val.clone(), |val| val))
//! }
//!
//! # fn main() -> Result<(), Error> {
//! // A test, through the table.
//! let engine = kumo_plugin::testing::Engine::open::<Sorted>("any#max_value=3")?;
//! engine.batch(&[Change::Put(b"b", b"2"), Change::Put(b"a", b"1"), Change::Delete(b"b")])?;
//! assert_eq!(engine.rnum()?, 1);
//! assert_eq!(engine.get(b"a")?.as_deref(), Some(&b"1"[..]));
//! assert!(engine.set(b"c", b"long").unwrap_err().text().contains("raise max_value"));
//! engine.close()
//! # }
//! ```
