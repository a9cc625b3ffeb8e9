//! kumo's built-in engine: a hash database in one file.
//!
//! The file is a log of records, each covered by CRC-32, to which writes
//! append; an index in memory says where the newest record of each key is, so
//! a get is one read. `docs/format.md` describes the file byte by byte.
//!
//! The modules, from the bytes up:
//!
//! - `record`: one record as bytes, and its checks
//! - `file`: opening, locking and making the file; its header
//! - `log`: appending records, and reading them back
//! - `index`: where each key's newest record is
//! - `lookup`: from a key to its record
//! - `window`, `recover`: from the file to the index, past what is damaged
//! - `engine`: the operations on one key
//! - `scan`, `backup`, `report`: the operations on all of them

mod backup;
mod engine;
mod file;
mod index;
mod log;
mod lookup;
mod record;
mod recover;
mod report;
mod scan;
mod window;

pub use engine::TchdbLike;
