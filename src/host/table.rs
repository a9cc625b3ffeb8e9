//! A plugin's functions, checked: those that it must have, and those that it
//! may.

use ::kumo_plugin::{
    abi::{
        kumo_change, kumo_plugin, kumo_stats_add, kumo_storage_casproc, kumo_storage_op,
        kumo_storage_visit, kumo_verify_report,
    },
    zone::msgpack_zone,
};
use libc::{c_char, c_int, c_void};

type Text = *const c_char;
type Data = *mut c_void;

/// The functions that the host calls.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub create: unsafe extern "C-unwind" fn() -> Data,
    pub free: unsafe extern "C-unwind" fn(Data),
    pub open: unsafe extern "C-unwind" fn(Data, Text) -> bool,
    pub close: unsafe extern "C-unwind" fn(Data),
    pub get: unsafe extern "C-unwind" fn(Data, Text, u32, *mut u32, *mut msgpack_zone) -> Text,
    pub set: unsafe extern "C-unwind" fn(Data, Text, u32, Text, u32) -> bool,
    pub del: unsafe extern "C-unwind" fn(Data, Text, u32, kumo_storage_casproc, Data) -> bool,
    pub update:
        unsafe extern "C-unwind" fn(Data, Text, u32, Text, u32, kumo_storage_casproc, Data) -> bool,
    pub for_each: unsafe extern "C-unwind" fn(Data, Data, kumo_storage_visit) -> c_int,
    pub iterator_key: unsafe extern "C-unwind" fn(Data) -> Text,
    pub iterator_val: unsafe extern "C-unwind" fn(Data) -> Text,
    pub iterator_keylen: unsafe extern "C-unwind" fn(Data) -> usize,
    pub iterator_vallen: unsafe extern "C-unwind" fn(Data) -> usize,

    // A described plugin may do without these, and the host does then.
    pub get_header: Option<unsafe extern "C-unwind" fn(Data, Text, u32, *mut c_char, u32) -> i32>,
    pub rnum: Option<unsafe extern "C-unwind" fn(Data) -> u64>,
    pub backup: Option<unsafe extern "C-unwind" fn(Data, Text) -> bool>,
    pub error: Option<unsafe extern "C-unwind" fn(Data) -> Text>,

    // Any plugin may do without these.
    pub updatev: Option<
        unsafe extern "C-unwind" fn(
            Data,
            *mut Text,
            *const usize,
            *mut Text,
            *const usize,
            u16,
        ) -> c_int,
    >,
    pub sync: Option<unsafe extern "C-unwind" fn(Data) -> bool>,
    pub stats: Option<unsafe extern "C-unwind" fn(Data, kumo_stats_add, Data) -> bool>,
    pub verify: Option<unsafe extern "C-unwind" fn(Data, kumo_verify_report, Data) -> i64>,
    pub compact: Option<unsafe extern "C-unwind" fn(Data) -> bool>,
    pub seek:
        Option<unsafe extern "C-unwind" fn(Data, Text, usize, Data, kumo_storage_visit) -> c_int>,
    pub getv: Option<
        unsafe extern "C-unwind" fn(
            Data,
            *const Text,
            *const u32,
            u32,
            *mut Text,
            *mut u32,
            *mut msgpack_zone,
        ) -> bool,
    >,
    pub batch: Option<unsafe extern "C-unwind" fn(Data, *const kumo_change, usize) -> bool>,
    pub repair: Option<unsafe extern "C-unwind" fn(Text, Text, kumo_verify_report, Data) -> i64>,
}

impl Table {
    /// Checks a classic table, in which only `updatev` may be NULL. An error
    /// names the slot.
    pub fn classic(op: &kumo_storage_op) -> Result<Self, &'static str> {
        op.get_header.ok_or("get_header")?;
        op.rnum.ok_or("rnum")?;
        op.backup.ok_or("backup")?;
        op.error.ok_or("error")?;
        op.iterator_release_key.ok_or("iterator_release_key")?;
        op.iterator_release_val.ok_or("iterator_release_val")?;
        op.iterator_del.ok_or("iterator_del")?;
        op.iterator_del_force.ok_or("iterator_del_force")?;
        Self::required(op)
    }

    /// Checks a described plugin's table and takes its tail along.
    pub fn described(plugin: &kumo_plugin) -> Result<Self, &'static str> {
        Ok(Self {
            sync: plugin.sync,
            stats: plugin.stats,
            verify: plugin.verify,
            compact: plugin.compact,
            seek: plugin.seek,
            getv: plugin.getv,
            batch: plugin.batch,
            repair: plugin.repair,
            ..Self::required(&plugin.op)?
        })
    }

    fn required(op: &kumo_storage_op) -> Result<Self, &'static str> {
        Ok(Self {
            create: op.create.ok_or("create")?,
            free: op.free.ok_or("free")?,
            open: op.open.ok_or("open")?,
            close: op.close.ok_or("close")?,
            get: op.get.ok_or("get")?,
            set: op.set.ok_or("set")?,
            del: op.del.ok_or("del")?,
            update: op.update.ok_or("update")?,
            for_each: op.for_each.ok_or("for_each")?,
            iterator_key: op.iterator_key.ok_or("iterator_key")?,
            iterator_val: op.iterator_val.ok_or("iterator_val")?,
            iterator_keylen: op.iterator_keylen.ok_or("iterator_keylen")?,
            iterator_vallen: op.iterator_vallen.ok_or("iterator_vallen")?,
            get_header: op.get_header,
            rnum: op.rnum,
            backup: op.backup,
            error: op.error,
            updatev: op.updatev,
            sync: None,
            stats: None,
            verify: None,
            compact: None,
            seek: None,
            getv: None,
            batch: None,
            repair: None,
        })
    }

    /// The names of the optional functions that are there.
    pub fn optional(&self) -> Vec<&'static str> {
        [
            ("get_header", self.get_header.is_some()),
            ("updatev", self.updatev.is_some()),
            ("rnum", self.rnum.is_some()),
            ("backup", self.backup.is_some()),
            ("error", self.error.is_some()),
            ("sync", self.sync.is_some()),
            ("stats", self.stats.is_some()),
            ("verify", self.verify.is_some()),
            ("compact", self.compact.is_some()),
            ("seek", self.seek.is_some()),
            ("getv", self.getv.is_some()),
            ("batch", self.batch.is_some()),
            ("repair", self.repair.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_there)| is_there.then_some(name))
        .collect()
    }
}
