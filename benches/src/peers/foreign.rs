//! Databases in C and C++, behind the table of `peers/peer.h`.

use super::{Entry, Peer};
use anyhow::{Context, Result, bail};
use kumo::{
    bench::{Session, Target},
    host::{ErrorCode, Failure},
};
use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr, slice,
};

type Take = extern "C" fn(*mut c_void, *const c_char, usize);
type TakeNth = extern "C" fn(*mut c_void, usize, *const c_char, usize);
type TakeRecord = extern "C" fn(*mut c_void, *const c_char, usize, *const c_char, usize);

/// `struct peer`.
#[repr(C)]
struct Table {
    version: unsafe extern "C" fn() -> *const c_char,
    open: unsafe extern "C" fn(*const c_char, u64) -> *mut c_void,
    close: unsafe extern "C" fn(*mut c_void) -> bool,
    begin: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    end: unsafe extern "C" fn(*mut c_void),
    set: unsafe extern "C" fn(*mut c_void, *const c_char, usize, *const c_char, usize) -> bool,
    get: unsafe extern "C" fn(*mut c_void, *const c_char, usize, Take, *mut c_void) -> c_int,
    get_many: Option<GetMany>,
    del: unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> c_int,
    each: unsafe extern "C" fn(*mut c_void, TakeRecord, *mut c_void) -> bool,
    sync: unsafe extern "C" fn(*mut c_void) -> bool,
}

type GetMany = unsafe extern "C" fn(
    *mut c_void,
    usize,
    *const *const c_char,
    *const usize,
    TakeNth,
    *mut c_void,
) -> bool;

macro_rules! peers {
    ($($library:ident $symbol:ident $name:literal $text:literal)*) => {
        unsafe extern "C" {
            $(#[cfg($library)] static $symbol: Table;)*
        }

        /// Those whose libraries were there.
        pub fn entries() -> Vec<Entry> {
            vec![$(
                #[cfg($library)]
                Entry {
                    name: $name,
                    text: $text,
                    // SAFETY: the table is constant.
                    version: || version(unsafe { &$symbol }),
                    // SAFETY: as above.
                    open: |directory, records| open($name, unsafe { &$symbol }, directory, records),
                },
            )*]
        }
    };
}

peers! {
    tokyocabinet peer_tokyocabinet "tokyocabinet" "TCHDB, its direct API, with a mutex"
    tkrzw peer_tkrzw "tkrzw" "HashDBM"
    tkrzw peer_tkrzw_crc "tkrzw-crc32" "HashDBM with RECORD_CRC_32"
    kyotocabinet peer_kyotocabinet "kyotocabinet" "HashDB"
    lmdb peer_lmdb "lmdb" "a transaction for each write, MDB_NOSYNC and MDB_WRITEMAP"
    rocksdb peer_rocksdb "rocksdb" "with a log that is not synced, Bloom filters, no compression"
}

fn version(table: &'static Table) -> String {
    // SAFETY: a C string that stays.
    unsafe { CStr::from_ptr((table.version)()) }.to_string_lossy().into_owned()
}

/// An open one.
struct Foreign {
    name: &'static str,
    table: &'static Table,
    db: *mut c_void,
}

// SAFETY: all of them may be used by several threads, each with its session.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

fn open(
    name: &'static str,
    table: &'static Table,
    directory: &Path,
    records: u64,
) -> Result<Box<dyn Peer>> {
    let path = CString::new(directory.as_os_str().as_bytes()).context("a path with a NUL")?;
    // SAFETY: a C string.
    let db = unsafe { (table.open)(path.as_ptr(), records) };
    if db.is_null() {
        bail!("{name}: cannot open {}", directory.display());
    }
    Ok(Box::new(Foreign { name, table, db }))
}

impl Foreign {
    fn failure(&self, what: &str) -> Failure {
        Failure::new(ErrorCode::Other, format!("{} failed; {} has said why", what, self.name))
    }
}

impl Target for Foreign {
    fn name(&self) -> &str {
        self.name
    }

    fn session(&self) -> Box<dyn Session + '_> {
        // SAFETY: the database is open.
        let session = unsafe { (self.table.begin)(self.db) };
        assert!(!session.is_null(), "{} gives a thread no access", self.name);
        Box::new(ForeignSession { of: self, session })
    }

    fn count(&self) -> Result<Option<u64>, Failure> {
        Ok(None)
    }
}

impl Peer for Foreign {
    fn sync(&self) -> Result<(), Failure> {
        // SAFETY: the database is open.
        let done = unsafe { (self.table.sync)(self.db) };
        if done { Ok(()) } else { Err(self.failure("sync")) }
    }

    fn close(self: Box<Self>) -> Result<()> {
        // SAFETY: it is closed once: nothing else closes it.
        let done = unsafe { (self.table.close)(self.db) };
        if done { Ok(()) } else { bail!("{}: closing failed", self.name) }
    }
}

struct ForeignSession<'a> {
    of: &'a Foreign,
    session: *mut c_void,
}

impl Drop for ForeignSession<'_> {
    fn drop(&mut self) {
        // SAFETY: it is ended once.
        unsafe { (self.of.table.end)(self.session) }
    }
}

/// The bytes that a database shows.
///
/// # Safety
/// There are so many, for as long as they are used.
unsafe fn shown<'a>(bytes: *const c_char, len: usize) -> &'a [u8] {
    // SAFETY: the caller's promise; of no bytes there may be no address.
    if len == 0 { &[] } else { unsafe { slice::from_raw_parts(bytes.cast(), len) } }
}

extern "C" fn take(context: *mut c_void, value: *const c_char, len: usize) {
    // SAFETY: the context of `get`, below, and bytes that stay for this call.
    unsafe { (*context.cast::<&mut dyn FnMut(&[u8])>())(shown(value, len)) }
}

extern "C" fn take_nth(context: *mut c_void, n: usize, value: *const c_char, len: usize) {
    // SAFETY: as above, of `get_many`.
    unsafe { (*context.cast::<&mut dyn FnMut(usize, &[u8])>())(n, shown(value, len)) }
}

extern "C" fn take_record(
    context: *mut c_void,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    len: usize,
) {
    // SAFETY: as above, of `for_each`.
    unsafe {
        let take = &mut *context.cast::<&mut (dyn FnMut(&[u8], &[u8]) + Send)>();
        take(shown(key, key_len), shown(value, len));
    }
}

impl Session for ForeignSession<'_> {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        let (k, v) = (key.as_ptr().cast(), value.as_ptr().cast());
        // SAFETY: the session is this thread's; bytes and their numbers.
        let done = unsafe { (self.of.table.set)(self.session, k, key.len(), v, value.len()) };
        if done { Ok(()) } else { Err(self.of.failure("set")) }
    }

    fn get(&mut self, key: &[u8], mut shown: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let context = ptr::from_mut(&mut shown).cast();
        let k = key.as_ptr().cast();
        // SAFETY: as above; the context is what `take` expects.
        match unsafe { (self.of.table.get)(self.session, k, key.len(), take, context) } {
            -1 => Err(self.of.failure("get")),
            found => Ok(found == 1),
        }
    }

    fn get_many(
        &mut self,
        keys: &[&[u8]],
        mut shown: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), Failure> {
        let Some(get_many) = self.of.table.get_many else {
            for (n, key) in keys.iter().enumerate() {
                self.get(key, &mut |value| shown(n, value))?;
            }
            return Ok(());
        };
        let starts: Vec<*const c_char> = keys.iter().map(|key| key.as_ptr().cast()).collect();
        let lens: Vec<usize> = keys.iter().map(|key| key.len()).collect();
        let context = ptr::from_mut(&mut shown).cast();
        let (starts, lens) = (starts.as_ptr(), lens.as_ptr());
        // SAFETY: as above; two arrays of as many as there are keys.
        let done = unsafe { get_many(self.session, keys.len(), starts, lens, take_nth, context) };
        if done { Ok(()) } else { Err(self.of.failure("get_many")) }
    }

    fn del(
        &mut self,
        key: &[u8],
        _is: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<bool, Failure> {
        // SAFETY: as above.
        match unsafe { (self.of.table.del)(self.session, key.as_ptr().cast(), key.len()) } {
            -1 => Err(self.of.failure("delete")),
            found => Ok(found == 1),
        }
    }

    fn for_each(
        &mut self,
        mut shown: &mut (dyn FnMut(&[u8], &[u8]) + Send),
    ) -> Result<(), Failure> {
        let context = ptr::from_mut(&mut shown).cast();
        // SAFETY: as above.
        let done = unsafe { (self.of.table.each)(self.session, take_record, context) };
        if done { Ok(()) } else { Err(self.of.failure("the iteration")) }
    }
}
