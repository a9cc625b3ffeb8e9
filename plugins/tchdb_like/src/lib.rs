//! kumo's built-in engine: a hash database in one file.
//!
//! The file consists of chunks in which records stand one behind another, each
//! covered by CRC-32C. An index in memory says where each key's record is, so a
//! get is one access to the file's mapping. What is overwritten or deleted leaves
//! room that later writes use again; a chunk of which little is left is emptied
//! in the background. `docs/format.md` describes the file byte by byte.
//!
//! The modules, from the bytes up:
//!
//! - `raw`: the mapped bytes; the only place with `unsafe`
//! - `sync`: what threads meet at; in some tests it decides who goes on
//! - `record`: a record's words and checks
//! - `file`, `superblock`: opening, locking and making the file; what it says of itself
//! - `chunk`, `pins`, `space`: the chunks, who reads them, which of them are free, and
//!   giving them out
//! - `index`: where each key's record is; read without locks
//! - `shard`: what the index does not hold of a shard: room to use again, records
//!   on their way out
//! - `lookup`: from a key to its record
//! - `write`, `tail`: storing, replacing and removing a record; where it goes
//! - `group`, `batch`: several records behind each other; all or none of them
//! - `release`, `purge`: what becomes of a record that has gone; dropping deletes
//! - `syncer`: syncs, many writers to one
//! - `health`: when no more writes are taken
//! - `compact`, `keeper`: emptying chunks; the thread that does what is due
//! - `dump`, `checkpoint`: the index in the file, and when it is written there
//! - `walk`, `ahead`: through a chunk's records; reading what is not in memory ahead
//! - `recover`, `saved`: from the file to the index
//! - `database`: what its threads share, and the operations on one key
//! - `engine`: the engine as the host sees it
//! - `scan`, `backup`, `report`, `verify`: the operations on all of them
//! - `repair`: what is whole of a damaged file, into a new one

mod ahead;
mod backup;
mod batch;
mod checkpoint;
mod chunk;
mod compact;
mod database;
mod dump;
mod engine;
mod file;
mod group;
mod health;
mod index;
mod keeper;
mod lookup;
#[cfg(test)]
#[cfg(kumo_loom)]
mod models;
mod pins;
#[cfg(test)]
mod power;
mod purge;
mod raw;
mod record;
mod recover;
mod release;
mod repair;
mod report;
mod saved;
mod scan;
#[cfg(test)]
#[cfg(kumo_shuttle)]
mod schedules;
mod shard;
mod space;
mod superblock;
mod sync;
mod syncer;
mod tail;
mod verify;
mod walk;
mod write;

pub use engine::TchdbLike;
