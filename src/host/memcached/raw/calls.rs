//! The functions of the table, with all that they answer.

use super::{Client, Item, Told};
use crate::host::memcached::{
    Code, Operation, Response,
    abi::{self, engine_handle},
    api,
    cookie::Reported,
    packet::packet,
};
use libc::{c_int, c_void, time_t};
use std::ptr::{self, NonNull};

/// The most of errinfo's text that is read, in bytes.
const MAX_ERRINFO: usize = 512;

/// What `arithmetic` sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The new number.
    pub result: u64,
    /// The new CAS unique.
    pub cas: u64,
}

/// What `arithmetic` makes of a key that is not there.
#[derive(Clone, Copy, Debug)]
pub struct Created {
    /// The number.
    pub initial: u64,
    /// Its expiry, as a client gives it.
    pub exptime: u32,
}

/// A line of statistics: a name and a value.
pub type StatLine = (Vec<u8>, Vec<u8>);

impl Client {
    fn item(&self, code: Code, item: *mut abi::item) -> (Code, Option<Item>) {
        let item = NonNull::new(item).filter(|_| code == Code::SUCCESS);
        (code, item.map(|item| Item::new(item, &self.line)))
    }

    /// `get`: no item behind SUCCESS is the engine's mistake.
    pub fn get(&self, key: &[u8]) -> Told<(Code, Option<Item>)> {
        let get = self.line.instance.table.get;
        let mut item = ptr::null_mut();
        let code = self.call("get", |handle, cookie| {
            // SAFETY: initialized; the key is readable during the call.
            unsafe { get(handle, cookie, &mut item, key.as_ptr().cast(), key.len() as c_int, 0) }
        })?;
        Ok(self.item(code, item))
    }

    /// `allocate`, for flags that are to be told in network order.
    pub fn allocate(
        &self,
        key: &[u8],
        size: usize,
        flags: u32,
        exptime: u32,
    ) -> Told<(Code, Option<Item>)> {
        let allocate = self.line.instance.table.allocate;
        let (data, len, flags) = (key.as_ptr().cast(), key.len(), flags.to_be() as c_int);
        let mut item = ptr::null_mut();
        let code = self.call("allocate", |handle, cookie| {
            // SAFETY: initialized; the key is readable during the call.
            unsafe { allocate(handle, cookie, &mut item, data, len, size, flags, exptime) }
        })?;
        Ok(self.item(code, item))
    }

    /// `store`: its code, and the CAS unique that it sets, where it was `before`.
    pub fn store(&self, item: &Item, operation: Operation, before: u64) -> Told<(Code, u64)> {
        let store = self.line.instance.table.store;
        let mut cas = before;
        let code = self.call("store", |handle, cookie| {
            // SAFETY: initialized; the item is not released.
            unsafe { store(handle, cookie, item.item.as_ptr(), &mut cas, operation, 0) }
        })?;
        Ok((code, cas))
    }

    /// `remove`, with a CAS unique to compare with, or 0.
    pub fn remove(&self, key: &[u8], cas: u64) -> Told<Code> {
        let remove = self.line.instance.table.remove;
        self.call("remove", |handle, cookie| {
            // SAFETY: initialized; the key is readable during the call.
            unsafe { remove(handle, cookie, key.as_ptr().cast(), key.len(), cas, 0) }
        })
    }

    /// `arithmetic`. None: it is NULL.
    pub fn arithmetic(
        &self,
        key: &[u8],
        increment: bool,
        delta: u64,
        create: Option<Created>,
    ) -> Option<Told<(Code, Sum)>> {
        let arithmetic = self.line.instance.table.arithmetic?;
        let (data, len) = (key.as_ptr().cast(), key.len() as c_int);
        let made = create.unwrap_or(Created { initial: 0, exptime: 0 });
        let mut sum = Sum::default();
        let code = self.call("arithmetic", |handle, cookie| {
            let (cas, result) = (&raw mut sum.cas, &raw mut sum.result);
            let Created { initial, exptime } = made;
            let create = create.is_some();
            // SAFETY: initialized; the key is readable during the call.
            unsafe {
                arithmetic(
                    handle, cookie, data, len, increment, create, delta, initial, exptime, cas,
                    result, 0,
                )
            }
        });
        Some(code.map(|code| (code, sum)))
    }

    /// `flush`.
    pub fn flush(&self, when: i64) -> Told<Code> {
        let flush = self.line.instance.table.flush;
        // SAFETY: initialized.
        self.call("flush", |handle, cookie| unsafe { flush(handle, cookie, when as time_t) })
    }

    /// `get_stats`: its code, and the lines as they came, or as many as fit in
    /// 1 MiB.
    pub fn stats(&self, name: &[u8]) -> Told<(Code, Vec<StatLine>)> {
        let get_stats = self.line.instance.table.get_stats;
        *self.line.cookie.reported.lock() = Reported { as_they_came: true, ..Reported::default() };
        let code = self.call("get_stats", |handle, cookie| {
            let data = if name.is_empty() { ptr::null() } else { name.as_ptr().cast() };
            // SAFETY: initialized; the name is readable during the call.
            unsafe { get_stats(handle, cookie, data, name.len() as c_int, api::add_stat) }
        })?;
        Ok((code, std::mem::take(&mut self.line.cookie.reported.lock().raw)))
    }

    /// `reset_stats`.
    pub fn reset_stats(&self) {
        let reset = self.line.instance.table.reset_stats;
        // SAFETY: initialized.
        self.line.call("reset_stats", |handle, cookie| unsafe { reset(handle, cookie) });
    }

    /// `unknown_command`, with a packet of this opcode, and its response if there
    /// was one. None: it is NULL.
    pub fn unknown_command(
        &self,
        opcode: u8,
        extras: &[u8],
        key: &[u8],
    ) -> Option<Told<(Code, Option<Response>)>> {
        let unknown = self.line.instance.table.unknown_command?;
        self.line.cookie.reported.lock().response = None;
        let mut packet = packet(opcode, extras, key);
        let code = self.call("unknown_command", |handle: *mut engine_handle, cookie| {
            let packet = packet.as_mut_ptr().cast::<c_void>();
            // SAFETY: initialized; a whole packet, which the engine may write to.
            unsafe { unknown(handle, cookie, packet, api::add_response) }
        });
        let response = self.line.cookie.reported.lock().response.take();
        Some(code.map(|code| (code, response)))
    }

    /// `errinfo`: its text and the length that it says. None: it is NULL.
    pub fn errinfo(&self) -> Option<(Vec<u8>, usize)> {
        let errinfo = self.line.instance.table.errinfo?;
        let mut text = vec![0u8; MAX_ERRINFO];
        let size = self.line.call("errinfo", |handle, cookie| {
            // SAFETY: initialized; there is room for so many bytes.
            unsafe { errinfo(handle, cookie, text.as_mut_ptr().cast(), MAX_ERRINFO) }
        });
        text.truncate(size);
        Some((text, size))
    }
}
