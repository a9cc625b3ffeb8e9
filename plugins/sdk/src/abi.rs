//! The C types of the plugin contract; `include/kumo_storage.h` is made from
//! this file.
//!
//! [`kumo_storage_op`] is the table of kumofs 0.4, exact to the byte. The rest
//! is kumo's own and only ever grows at the end.

#![allow(non_camel_case_types)]

use crate::zone::msgpack_zone;
use libc::{c_char, c_int, c_void};

/// The version of the contract that this header describes.
pub const KUMO_ABI_VERSION: u32 = 1;

/// A comparison that the host makes while the engine holds the record still.
///
/// `oldval`, `oldvallen` are the record's present value, whole, readable during
/// the call; the engine keeps them. True: go ahead with the write or the delete;
/// false: leave the record as it is. The engine calls it under whatever lock
/// makes the comparison and the change one step, once for a record that exists
/// and never for one that does not, on the thread of the call that brought it.
/// It only compares: it neither enters the storage nor unwinds, and it is quick.
pub type kumo_storage_casproc = Option<
    unsafe extern "C" fn(casdata: *mut c_void, oldval: *const c_char, oldvallen: usize) -> bool,
>;

/// What `for_each` and `seek` call for every record, on the thread that called
/// them. A negative return value stops the scan. `iterator_data` is the
/// engine's, whatever the `iterator_` functions need; it is valid during the
/// call, and on this thread.
pub type kumo_storage_visit =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, iterator_data: *mut c_void) -> c_int>;

/// A storage engine: 22 functions, 176 bytes, in the order of kumofs.
///
/// `data` is always what `create` returned. What holds for every function:
///
/// Threads: between `open` and `close` the functions are called from many
/// threads at once, unless the plugin declares otherwise (`KUMO_THREAD_...`).
///
/// Memory: keys and values hold any byte, are not terminated and may be empty;
/// the pointer of an empty one is not NULL, and there is nothing to read at it.
/// What is passed in belongs to the host and is readable during the call: copy
/// what is to be kept. What is handed out through a zone lives until the zone's
/// finalizers run, whatever happens to the record meanwhile.
///
/// Errors: a function that fails says so by its result, and why by
/// `kumo_host.set_error`. What is no failure (a key that is not there, a `proc`
/// that refuses) has the same result, and calls no `set_error`. A call that
/// fails changes nothing. No exception may leave a function.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kumo_storage_op {
    /// Makes an instance. Returns what is passed on as `data`, or NULL: the host
    /// gives up. There may be several instances at once, each with a database of
    /// its own: keep what is theirs in `data`, not in static variables.
    pub create: Option<unsafe extern "C-unwind" fn() -> *mut c_void>,

    /// Frees the instance, and all that it holds: threads and descriptors too.
    /// The last call, after `close`, or after an `open` that failed.
    pub free: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,

    /// Opens the database at `path`, and makes it where there is none. `path` is a
    /// C string, valid during the call: what the user typed, parameters included
    /// (`data.db#name=value#name=value`): the name of the file ends at the first
    /// `#`. False: the host reads `error` and calls `free`, but not `close`.
    ///
    /// It checks what it opens: a file that is not its own or is damaged is a
    /// failure (`KUMO_ERROR_INVALID`, `KUMO_ERROR_CORRUPT`) and is not written to;
    /// so is one that another process has open (`KUMO_ERROR_BUSY`). What a killed
    /// process left behind is no damage.
    pub open: Option<unsafe extern "C-unwind" fn(data: *mut c_void, path: *const c_char) -> bool>,

    /// Closes the database; what was stored is there when it is opened again,
    /// unless the engine is `KUMO_CAP_VOLATILE`. No other call is under way, and
    /// every zone that a value was returned through has been cleared. It cannot
    /// fail, but the host logs what it says to `set_error`.
    pub close: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,

    /// Finds a value. Returns it and sets `*result_vallen`; or returns NULL: not
    /// found, or failed (then with `set_error`). A value of length 0 is found, so
    /// not NULL.
    ///
    /// The memory lives until the zone's finalizers run, also when the record is
    /// overwritten or deleted before. Either it is the zone's own
    /// (`kumo_host.zone_malloc` or `msgpack_zone_malloc`), or a finalizer gives it
    /// back (`kumo_host.zone_push_finalizer` or `msgpack_zone_push_finalizer`):
    /// free a copy, drop a reference. Where a finalizer is not taken (false), give
    /// the memory back at once, and fail. The host only reads the memory. It clears
    /// the zone before `close`, soon, and in a parallel engine perhaps on another
    /// thread.
    pub get: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            key: *const c_char,
            keylen: u32,
            result_vallen: *mut u32,
            zone: *mut msgpack_zone,
        ) -> *const c_char,
    >,

    /// Copies at most `vallen` bytes of the value's start to `result_val`, which
    /// is the host's, and returns how many were copied: 0 for an empty value. Not
    /// found, or failed: -1. (A classic engine may return 0 for what is not found.)
    ///
    /// NULL: the host calls `get`.
    pub get_header: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            key: *const c_char,
            keylen: u32,
            result_val: *mut c_char,
            vallen: u32,
        ) -> i32,
    >,

    /// Stores a value, whether the key is there or not. When it returns true, every
    /// later call finds the value, also in another process if this one is killed,
    /// unless the engine is `KUMO_CAP_VOLATILE`. False: failed, with `set_error`
    /// (`KUMO_ERROR_FULL`: the disk is full), and what was there is there still. No
    /// reader sees a part of a value, or the key without one.
    pub set: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            key: *const c_char,
            keylen: u32,
            val: *const c_char,
            vallen: u32,
        ) -> bool,
    >,

    /// Deletes a record if `proc` agrees; `proc` is not NULL. Not found: false,
    /// and `proc` is not called. Found: `proc` decides, in one step with the
    /// delete; true where it agreed and the record is gone. Failed: false, with
    /// `set_error`, and the record is there still.
    pub del: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            key: *const c_char,
            keylen: u32,
            proc: kumo_storage_casproc,
            casdata: *mut c_void,
        ) -> bool,
    >,

    /// Stores a value if `proc` agrees; `proc` is not NULL. Not found: stores
    /// without calling `proc`. Found: `proc` decides, in one step with the write;
    /// false where it refused. Stored: as by `set`. Failed: false, with `set_error`.
    pub update: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            key: *const c_char,
            keylen: u32,
            val: *const c_char,
            vallen: u32,
            proc: kumo_storage_casproc,
            casdata: *mut c_void,
        ) -> bool,
    >,

    /// Stores `num` values in order, each as `set` does, and returns how many were
    /// stored: fewer than `num` where the next one failed, with `set_error`. A key
    /// may come twice; the later value stays. No length is above 32 bits. For what
    /// is loaded in bulk.
    ///
    /// NULL: the host calls `set`. The only slot of a classic table that may be NULL.
    pub updatev: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            keys: *mut *const c_char,
            keylens: *const usize,
            vals: *mut *const c_char,
            vallens: *const usize,
            num: u16,
        ) -> c_int,
    >,

    /// The number of records, as `for_each` would show them. While writes go on it
    /// may lag behind. It is asked often, and should not scan.
    ///
    /// NULL: the host counts by a scan.
    pub rnum: Option<unsafe extern "C-unwind" fn(data: *mut c_void) -> u64>,

    /// Writes a copy of the database, a consistent point in time, that `open` can
    /// open. It has every write that returned before the call. It is written to
    /// `dstpath` with `.tmp` behind it, which is synced and then given the name
    /// `dstpath`; then the directory is synced. What stands at `dstpath` already is
    /// not replaced: that is a failure, and nothing is left behind on failure.
    /// `dstpath` is a C string, valid during the call, without parameters.
    ///
    /// The host makes one backup of a database at a time, so a `.tmp` that is there
    /// already was left by a backup that was killed, and must not stop this one. It
    /// is removed first, and not written over: it may be another name of a backup
    /// that was finished, or a link.
    ///
    /// It is called from a thread of its own. Reads and writes go on meanwhile; an
    /// engine whose writes must wait declares `KUMO_CAP_BACKUP_BLOCKS`. An engine
    /// without backups returns false, with `KUMO_ERROR_UNSUPPORTED`.
    ///
    /// NULL: the host opens a second instance at the copy's name and fills it.
    pub backup:
        Option<unsafe extern "C-unwind" fn(data: *mut c_void, dstpath: *const c_char) -> bool>,

    /// The text of the last error on this thread, or of the last error: a C string,
    /// never NULL, valid until the next call on this thread. Called after a call
    /// that failed and said nothing to `set_error`, also after an `open` that
    /// failed.
    ///
    /// NULL: what was said to `set_error` is all there is.
    pub error: Option<unsafe extern "C-unwind" fn(data: *mut c_void) -> *const c_char>,

    /// Calls `func` for every record, in any order. Returns 0 or more at the end; a
    /// negative value from `func` stops it and is returned unchanged; other values
    /// mean nothing. A scan that fails returns a negative value and calls
    /// `set_error`: it does not end as if that were all.
    ///
    /// A record that is there from the beginning to the end is shown once; one that
    /// is written or deleted meanwhile by another thread is shown once or not at
    /// all, and always whole. `func` may take long: an engine that holds a lock
    /// over it makes others wait.
    ///
    /// `func` may delete the record that it is shown with `iterator_del` or
    /// `iterator_del_force`; it makes no other calls on the storage, and there is
    /// one scan at a time, unless the engine is `KUMO_CAP_REENTRANT_SCAN`.
    pub for_each: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            user: *mut c_void,
            func: kumo_storage_visit,
        ) -> c_int,
    >,

    /// The current record's key, readable during the callback, also when the
    /// record has been deleted in it.
    pub iterator_key:
        Option<unsafe extern "C-unwind" fn(iterator_data: *mut c_void) -> *const c_char>,

    /// The current record's value, readable during the callback, also when the
    /// record has been deleted in it.
    pub iterator_val:
        Option<unsafe extern "C-unwind" fn(iterator_data: *mut c_void) -> *const c_char>,

    /// The length of the current record's key.
    pub iterator_keylen: Option<unsafe extern "C-unwind" fn(iterator_data: *mut c_void) -> usize>,

    /// The length of the current record's value.
    pub iterator_vallen: Option<unsafe extern "C-unwind" fn(iterator_data: *mut c_void) -> usize>,

    /// The current record's key, moved to the zone: it outlives the callback, as
    /// what `get` returns outlives the call. NULL: failed. The host reads the
    /// length first, and asks for the key no more; but it may still release the
    /// value, and delete the record.
    ///
    /// NULL: the host copies the key.
    pub iterator_release_key: Option<
        unsafe extern "C-unwind" fn(
            iterator_data: *mut c_void,
            zone: *mut msgpack_zone,
        ) -> *const c_char,
    >,

    /// The current record's value, moved to the zone: as `iterator_release_key`.
    ///
    /// NULL: the host copies the value.
    pub iterator_release_val: Option<
        unsafe extern "C-unwind" fn(
            iterator_data: *mut c_void,
            zone: *mut msgpack_zone,
        ) -> *const c_char,
    >,

    /// Deletes the current record if `proc` agrees, as `del` does: `proc` is asked
    /// about the value that is there now. False: refused, or gone already, or
    /// failed (then with `set_error`). The scan goes on with the next record.
    ///
    /// NULL: the host deletes by key, after the scan.
    pub iterator_del: Option<
        unsafe extern "C-unwind" fn(
            iterator_data: *mut c_void,
            proc: kumo_storage_casproc,
            casdata: *mut c_void,
        ) -> bool,
    >,

    /// Deletes the current record. False: it is gone already, or failed (then with
    /// `set_error`).
    ///
    /// NULL: as for `iterator_del`.
    pub iterator_del_force: Option<unsafe extern "C-unwind" fn(iterator_data: *mut c_void) -> bool>,
}

/// What kind of failure `kumo_host.set_error` reports.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// None of the others.
    Other = 1,
    /// The operating system failed a read or a write.
    Io = 2,
    /// No room: a full disk, a quota, a limit on file sizes.
    Full = 3,
    /// Stored data fails its check.
    Corrupt = 4,
    /// No memory.
    Memory = 5,
    /// An argument or a parameter that cannot be.
    Invalid = 6,
    /// The engine does not do this.
    Unsupported = 7,
    /// The database is in use by another process.
    Busy = 8,
}

/// How much a message matters, for `kumo_host.log`.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    /// Something failed.
    Error = 0,
    /// Something is odd, and the engine goes on.
    Warn = 1,
    /// What an operator wants to know.
    Info = 2,
    /// What an engine's author wants to know.
    Debug = 3,
}

/// Thread model: any number of calls at once, from any threads. A classic plugin
/// counts as this.
pub const KUMO_THREAD_PARALLEL: u32 = 0;
/// Thread model: from any threads, one call at a time, so that an engine needs no
/// locks. Finalizers are calls too. It is the host that sees to it, for each
/// instance.
pub const KUMO_THREAD_SERIALIZED: u32 = 1;
/// Thread model: one call at a time, all of them, from `create` to `free`, from
/// one thread, which is not the one that loaded the plugin. Finalizers are calls
/// too. For libraries that keep something by thread.
pub const KUMO_THREAD_SINGLE: u32 = 2;

/// Capability: the data is in memory and gone after `close`, a crash or a kill.
pub const KUMO_CAP_VOLATILE: u64 = 1 << 0;
/// Capability: `for_each` and `seek` show records in the order of their keys,
/// byte by byte (unsigned), a shorter key before the longer one it begins.
pub const KUMO_CAP_ORDERED: u64 = 1 << 1;
/// Capability: after `sync` has returned true, what was written before survives
/// a loss of power.
pub const KUMO_CAP_DURABLE_SYNC: u64 = 1 << 2;
/// Capability: writes wait while `backup` runs. Users are told.
pub const KUMO_CAP_BACKUP_BLOCKS: u64 = 1 << 3;
/// Capability: any operation may be called from `for_each`'s callback, and
/// several scans may run at once, one within another too.
pub const KUMO_CAP_REENTRANT_SCAN: u64 = 1 << 4;

/// The host's services to a plugin. It lives as long as the process; any thread
/// may call them, from within a call or a thread of the plugin's own.
///
/// A host of a later version has a longer struct: what lies beyond
/// `struct_size` is not there. All members up to `zone_malloc` are there in version 1.
#[repr(C)]
pub struct kumo_host {
    /// The size of this struct, in bytes, as the host knows it.
    pub struct_size: usize,
    /// The version of the contract that the host speaks.
    pub abi_version: u32,
    /// Writes a line to the host's log. `level` is a `kumo_log`; `text` is UTF-8,
    /// copied.
    pub log: Option<unsafe extern "C" fn(level: u32, text: *const c_char)>,
    /// Says that the call which this thread is in has failed, and why: this is how
    /// a miss is told from a failure. `code` is a `kumo_error`; `text` is UTF-8,
    /// copied: what failed, on what, and what to do; clients and the log get to see
    /// it. The last one in a call counts, and the host forgets it before the next
    /// call on this thread.
    pub set_error: Option<unsafe extern "C" fn(code: i32, text: *const c_char)>,
    /// `msgpack_zone_push_finalizer`, for who has no `<msgpack.h>`: `func(data)` is
    /// called when the zone is cleared, last pushed first. False: no memory, and it
    /// will not be called. `zone` is one that the host passed in, within that call.
    pub zone_push_finalizer: Option<
        unsafe extern "C-unwind" fn(
            zone: *mut msgpack_zone,
            func: kumo_finalizer,
            data: *mut c_void,
        ) -> bool,
    >,
    /// `msgpack_zone_malloc`: memory, aligned to 8, that lives until the zone is
    /// cleared; NULL: there is none.
    pub zone_malloc:
        Option<unsafe extern "C-unwind" fn(zone: *mut msgpack_zone, size: usize) -> *mut c_void>,

    /// Says how far the call that this thread is in has come: so much of a total,
    /// in units of the engine's own; a total of 0 is not known. For what takes
    /// long: `verify`, `compact`, `repair`. It is cheap; users see it as a bar.
    ///
    /// This and all that follows may lie beyond `struct_size`.
    pub progress: Option<unsafe extern "C" fn(done: u64, total: u64)>,

    /// Says that a mapping of a file stands there, beginning and ending with a
    /// page, of which a page may not be readable: the disk fails, or someone
    /// cuts the file short. Unregistered, that ends the process (SIGBUS). The
    /// host has the one handler, for all plugins: it puts a page of zeros, or
    /// several, in the place of what cannot be read, and sets `*failed` to 1, in
    /// any thread and at any instant: read it atomically. What is written to the
    /// mapping from then on may not reach the file, so an engine that writes
    /// through it looks at `failed` when it has written, and from then on refuses
    /// writes until it is opened anew. It tells zeros from data by its own checks.
    ///
    /// `failed` is the plugin's, 0 at first, and stays where it is until the
    /// mapping is unregistered; several mappings may share one. False: the mapping
    /// is not registered; there may be no room for more.
    pub register_mapping:
        Option<unsafe extern "C" fn(address: *mut c_void, length: usize, failed: *mut u32) -> bool>,
    /// Forgets a mapping that was registered at this address; to be called before
    /// it is unmapped, when no one uses it any more.
    pub unregister_mapping: Option<unsafe extern "C" fn(address: *mut c_void)>,
}

/// A cleanup function, for `kumo_host.zone_push_finalizer`. It may not fail,
/// nor call the storage.
pub type kumo_finalizer = Option<unsafe extern "C-unwind" fn(data: *mut c_void)>;

/// A described plugin: what `kumo_plugin_init` returns.
///
/// The first member says how long the struct was when the plugin was compiled;
/// a host copies no more than that, so that it may grow at the end. All texts
/// are C strings of UTF-8 that live as long as the process. In C, set it with
/// designated initialisers (`.struct_size = sizeof(kumo_plugin)`): what is not
/// named is NULL, and the host does without.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kumo_plugin {
    /// `sizeof(kumo_plugin)`.
    pub struct_size: usize,
    /// `KUMO_ABI_VERSION`.
    pub abi_version: u32,
    /// A `KUMO_THREAD_...`.
    pub thread_model: u32,
    /// What the engine promises, or says that it cannot: `KUMO_CAP_...` bits.
    pub caps: u64,
    /// The engine's name: letters, digits, `_` and `-`.
    pub name: *const c_char,
    /// The engine's version.
    pub version: *const c_char,
    /// One line on what the engine is.
    pub description: *const c_char,
    /// The parameters that `open` takes behind the path, `params_num` of them;
    /// NULL where it takes none. The host refuses others, and values that are
    /// not of the type, before it calls `open`.
    pub params: *const kumo_param,
    /// How many parameters there are.
    pub params_num: usize,
    /// The table. A described plugin may leave these slots NULL, and the host does
    /// without: get_header, updatev, rnum, backup, error, iterator_release_key,
    /// iterator_release_val, iterator_del, iterator_del_force. What it does then is
    /// correct, and slower.
    pub op: kumo_storage_op,

    // What follows is optional: NULL, or beyond struct_size.
    /// Returns when everything that was written before the call is as safe as
    /// the engine can make it (see `KUMO_CAP_DURABLE_SYNC`). Reads and writes go
    /// on meanwhile. False: it is not, with `set_error`.
    ///
    /// This and all that follows is optional: NULL, or beyond `struct_size`.
    pub sync: Option<unsafe extern "C-unwind" fn(data: *mut c_void) -> bool>,

    /// Calls `add` for every statistic: names of letters, digits and `_`, values
    /// as text on one line, both C strings, copied. Reads and writes go on. False:
    /// failed, with `set_error`.
    pub stats: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            add: kumo_stats_add,
            user: *mut c_void,
        ) -> bool,
    >,

    /// Checks everything that is stored, and calls `report` for every fault, with
    /// one line of text, copied. Returns the number of faults, or a negative value,
    /// with `set_error`: the check itself failed. It repairs nothing. Reads and
    /// writes go on.
    pub verify: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            report: kumo_verify_report,
            user: *mut c_void,
        ) -> i64,
    >,

    /// Gives back the space of what has been deleted and overwritten. Reads and
    /// writes go on, and values that were read before stay where they are. False:
    /// failed, with `set_error`, and nothing is lost.
    pub compact: Option<unsafe extern "C-unwind" fn(data: *mut c_void) -> bool>,

    /// As `for_each`, in the order of the keys (see `KUMO_CAP_ORDERED`), from the
    /// first key that is not below `key`; an empty `key` shows all. For engines that
    /// keep an order.
    pub seek: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            key: *const c_char,
            keylen: usize,
            user: *mut c_void,
            func: kumo_storage_visit,
        ) -> c_int,
    >,

    /// `get` for `num` keys at once: `vals[i]` and `vallens[i]` are set as `get`
    /// would, `vals[i]` to NULL where the key is not found. A key may come twice;
    /// `num` may be 0. The keys are not read at one moment. False: failed, with
    /// `set_error`, and nothing of what it set counts; what the zone has taken by
    /// then stays in it.
    ///
    /// NULL: the host calls `get`.
    pub getv: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            keys: *const *const c_char,
            keylens: *const u32,
            num: u32,
            vals: *mut *const c_char,
            vallens: *mut u32,
            zone: *mut msgpack_zone,
        ) -> bool,
    >,

    /// Carries out `num` puts and deletes, in order, all or none: also when the
    /// process is killed in the middle. To other threads they happen at once: who
    /// has seen one of them sees them all. A key may come several times: the last
    /// one holds. To delete a key that is not there is no failure; `num` may be 0.
    /// An engine may bound how large a batch is; a larger one fails with
    /// `KUMO_ERROR_INVALID`. False: none of them, with `set_error`.
    pub batch: Option<
        unsafe extern "C-unwind" fn(
            data: *mut c_void,
            changes: *const kumo_change,
            num: usize,
        ) -> bool,
    >,

    /// Salvages what is whole of a damaged database, which `open` may refuse: the
    /// newest record of every key, as far as that can be told, is written to a new
    /// database at `to`, by way of `to` with `.tmp` behind it, as `backup` does. What
    /// stands at `to` already is not replaced. `from` is only read, and must not be
    /// open anywhere (`KUMO_ERROR_BUSY`). Both are C strings, valid during the call,
    /// without parameters.
    ///
    /// `report` is called for everything that is lost, with one line of text, copied,
    /// that says what and where. Returns the number of records in the new database,
    /// or a negative value, with `set_error`: there is none then.
    ///
    /// Called without an instance, on any thread, but as the thread model says.
    pub repair: Option<
        unsafe extern "C-unwind" fn(
            from: *const c_char,
            to: *const c_char,
            report: kumo_verify_report,
            user: *mut c_void,
        ) -> i64,
    >,
}

/// Takes one statistic, for `kumo_plugin.stats`. `user` is what `stats` was
/// called with.
pub type kumo_stats_add =
    Option<unsafe extern "C" fn(user: *mut c_void, name: *const c_char, value: *const c_char)>;

/// Takes one fault, for `kumo_plugin.verify`, or one loss, for `repair`. `user`
/// is what that was called with.
pub type kumo_verify_report = Option<unsafe extern "C" fn(user: *mut c_void, text: *const c_char)>;

/// The type of a parameter: what the host checks before `open`.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamType {
    /// Any text without `#`.
    String = 0,
    /// Digits, perhaps behind a minus: a number of 64 bits.
    Int = 1,
    /// `true` or `false`, `yes` or `no`, `on` or `off`, `1` or `0`.
    Bool = 2,
    /// A number of bytes: digits, perhaps with k, m, g or t behind them.
    Size = 3,
}

/// A parameter that `open` takes: `PATH#name=value`. The host checks what is
/// typed against the list, and shows the list to users; `open` reads the values
/// from the path, and sees to the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kumo_param {
    /// Letters, digits, `_`, `-` and `.`.
    pub name: *const c_char,
    /// A `kumo_param_type`.
    pub value_type: u32,
    /// What holds where it is not given, as text; NULL: nothing does.
    pub default_value: *const c_char,
    /// One line of help.
    pub help: *const c_char,
}

// SAFETY: the pointers of a `kumo_param` are to constants of the plugin.
unsafe impl Sync for kumo_param {}

/// A put or a delete, for `kumo_plugin.batch`. What it points to is the host's,
/// and readable during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kumo_change {
    /// The key.
    pub key: *const c_char,
    /// Its length.
    pub keylen: usize,
    /// The value to store; NULL: delete the key, if it is there.
    pub val: *const c_char,
    /// The value's length.
    pub vallen: usize,
}

// SAFETY: the pointers of a `kumo_plugin` are to constants of the plugin.
unsafe impl Sync for kumo_plugin {}
// SAFETY: as for Sync.
unsafe impl Send for kumo_plugin {}

/// `kumo_storage_init`, the symbol of a classic module: returns the table by
/// value.
pub type kumo_storage_init_fn = unsafe extern "C-unwind" fn() -> kumo_storage_op;

/// `kumo_plugin_init`, the symbol of a described plugin. `host_abi` is the
/// host's `KUMO_ABI_VERSION`. Returns the description, which lives as long as
/// the process, or NULL, having called `host->set_error`: the host gives up.
pub type kumo_plugin_init_fn =
    unsafe extern "C-unwind" fn(host_abi: u32, host: *const kumo_host) -> *const kumo_plugin;

const _: () = {
    use std::mem::{align_of, offset_of, size_of};
    assert!(size_of::<kumo_storage_op>() == 176 && align_of::<kumo_storage_op>() == 8);
    assert!(offset_of!(kumo_storage_op, create) == 0);
    assert!(offset_of!(kumo_storage_op, free) == 8);
    assert!(offset_of!(kumo_storage_op, open) == 16);
    assert!(offset_of!(kumo_storage_op, close) == 24);
    assert!(offset_of!(kumo_storage_op, get) == 32);
    assert!(offset_of!(kumo_storage_op, get_header) == 40);
    assert!(offset_of!(kumo_storage_op, set) == 48);
    assert!(offset_of!(kumo_storage_op, del) == 56);
    assert!(offset_of!(kumo_storage_op, update) == 64);
    assert!(offset_of!(kumo_storage_op, updatev) == 72);
    assert!(offset_of!(kumo_storage_op, rnum) == 80);
    assert!(offset_of!(kumo_storage_op, backup) == 88);
    assert!(offset_of!(kumo_storage_op, error) == 96);
    assert!(offset_of!(kumo_storage_op, for_each) == 104);
    assert!(offset_of!(kumo_storage_op, iterator_key) == 112);
    assert!(offset_of!(kumo_storage_op, iterator_val) == 120);
    assert!(offset_of!(kumo_storage_op, iterator_keylen) == 128);
    assert!(offset_of!(kumo_storage_op, iterator_vallen) == 136);
    assert!(offset_of!(kumo_storage_op, iterator_release_key) == 144);
    assert!(offset_of!(kumo_storage_op, iterator_release_val) == 152);
    assert!(offset_of!(kumo_storage_op, iterator_del) == 160);
    assert!(offset_of!(kumo_storage_op, iterator_del_force) == 168);
    assert!(size_of::<kumo_plugin>() == 304 && offset_of!(kumo_plugin, op) == 64);
    assert!(offset_of!(kumo_plugin, sync) == 240 && offset_of!(kumo_plugin, batch) == 288);
    assert!(offset_of!(kumo_plugin, repair) == 296);
    assert!(size_of::<kumo_param>() == 32 && size_of::<kumo_change>() == 32);
    assert!(offset_of!(kumo_plugin, struct_size) == 0);
    assert!(size_of::<kumo_host>() == 72 && offset_of!(kumo_host, progress) == 48);
    assert!(offset_of!(kumo_host, unregister_mapping) == 64);
    assert!(offset_of!(kumo_host, log) == 16 && offset_of!(kumo_host, set_error) == 24);
    assert!(offset_of!(kumo_host, zone_push_finalizer) == 32);
};
