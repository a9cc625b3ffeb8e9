//! A table whose every slot has been checked.

use kumo_plugin::{
    abi::{kumo_storage_casproc, kumo_storage_op, kumo_storage_visit},
    zone::msgpack_zone,
};
use libc::{c_char, c_int, c_void};

type Text = *const c_char;
type Data = *mut c_void;

/// The functions that the host calls, none of them NULL.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub create: unsafe extern "C-unwind" fn() -> Data,
    pub free: unsafe extern "C-unwind" fn(Data),
    pub open: unsafe extern "C-unwind" fn(Data, Text) -> bool,
    pub close: unsafe extern "C-unwind" fn(Data),
    pub get: unsafe extern "C-unwind" fn(Data, Text, u32, *mut u32, *mut msgpack_zone) -> Text,
    pub get_header: unsafe extern "C-unwind" fn(Data, Text, u32, *mut c_char, u32) -> i32,
    pub set: unsafe extern "C-unwind" fn(Data, Text, u32, Text, u32) -> bool,
    pub del: unsafe extern "C-unwind" fn(Data, Text, u32, kumo_storage_casproc, Data) -> bool,
    pub update:
        unsafe extern "C-unwind" fn(Data, Text, u32, Text, u32, kumo_storage_casproc, Data) -> bool,
    pub rnum: unsafe extern "C-unwind" fn(Data) -> u64,
    pub backup: unsafe extern "C-unwind" fn(Data, Text) -> bool,
    pub error: unsafe extern "C-unwind" fn(Data) -> Text,
    pub for_each: unsafe extern "C-unwind" fn(Data, Data, kumo_storage_visit) -> c_int,
    pub iterator_key: unsafe extern "C-unwind" fn(Data) -> Text,
    pub iterator_val: unsafe extern "C-unwind" fn(Data) -> Text,
    pub iterator_keylen: unsafe extern "C-unwind" fn(Data) -> usize,
    pub iterator_vallen: unsafe extern "C-unwind" fn(Data) -> usize,
}

impl Table {
    /// Checks every slot but `updatev`, which may be NULL. An error names the
    /// slot.
    pub fn check(op: &kumo_storage_op) -> Result<Self, &'static str> {
        op.iterator_release_key.ok_or("iterator_release_key")?;
        op.iterator_release_val.ok_or("iterator_release_val")?;
        op.iterator_del.ok_or("iterator_del")?;
        op.iterator_del_force.ok_or("iterator_del_force")?;
        Ok(Self {
            create: op.create.ok_or("create")?,
            free: op.free.ok_or("free")?,
            open: op.open.ok_or("open")?,
            close: op.close.ok_or("close")?,
            get: op.get.ok_or("get")?,
            get_header: op.get_header.ok_or("get_header")?,
            set: op.set.ok_or("set")?,
            del: op.del.ok_or("del")?,
            update: op.update.ok_or("update")?,
            rnum: op.rnum.ok_or("rnum")?,
            backup: op.backup.ok_or("backup")?,
            error: op.error.ok_or("error")?,
            for_each: op.for_each.ok_or("for_each")?,
            iterator_key: op.iterator_key.ok_or("iterator_key")?,
            iterator_val: op.iterator_val.ok_or("iterator_val")?,
            iterator_keylen: op.iterator_keylen.ok_or("iterator_keylen")?,
            iterator_vallen: op.iterator_vallen.ok_or("iterator_vallen")?,
        })
    }
}
