//! The functions of an engine's table, each called in one place: for the server,
//! and for the kit, which make different things of what comes back.

use super::{
    abi::{self, Code, Operation, item_info},
    api,
    cookie::Cookie,
    instance::Instance,
};
use libc::{c_int, c_void, time_t};
use std::{
    ptr::{self, NonNull},
    sync::Arc,
};

/// The longest text of errinfo's that is read, in bytes.
const MAX_ERRINFO: usize = 512;

/// An engine that has been initialized, and a cookie that is valid: what every
/// call begins with. The interface's other rules are the caller's: one call at a
/// time for a cookie, nothing unwinds.
#[derive(Clone, Copy)]
pub(super) struct To<'a> {
    pub instance: &'a Instance,
    pub cookie: &'a Arc<Cookie>,
}

/// What `arithmetic` is asked for.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    pub increment: bool,
    pub delta: u64,
    /// What is made of a key that is not there: the number and its expiry.
    pub create: Option<(u64, u32)>,
}

/// Bytes as most functions take them.
fn data(bytes: &[u8]) -> *const c_void {
    bytes.as_ptr().cast()
}

impl To<'_> {
    fn handle(&self) -> *mut abi::engine_handle {
        self.instance.handle.as_ptr()
    }

    /// The item is only of interest after success.
    pub fn get(&self, key: &[u8], item: &mut *mut abi::item) -> Code {
        let (get, cookie) = (self.instance.table.get, self.cookie.address());
        // SAFETY: initialized; the key is readable during the call.
        unsafe { get(self.handle(), cookie, item, data(key), key.len() as c_int, 0) }
    }

    /// As `get`; the flags are told in network order.
    pub fn allocate(
        &self,
        key: &[u8],
        size: usize,
        flags: u32,
        exptime: u32,
        item: &mut *mut abi::item,
    ) -> Code {
        let (allocate, cookie) = (self.instance.table.allocate, self.cookie.address());
        let (handle, flags) = (self.handle(), flags.to_be() as c_int);
        // SAFETY: initialized; the key is readable during the call.
        unsafe { allocate(handle, cookie, item, data(key), key.len(), size, flags, exptime) }
    }

    pub fn remove(&self, key: &[u8], cas: u64) -> Code {
        let (remove, cookie) = (self.instance.table.remove, self.cookie.address());
        // SAFETY: initialized; the key is readable during the call.
        unsafe { remove(self.handle(), cookie, data(key), key.len(), cas, 0) }
    }

    /// Only where the engine has it.
    pub fn arithmetic(
        &self,
        arithmetic: abi::arithmetic,
        key: &[u8],
        sum: Sum,
        cas: &mut u64,
        result: &mut u64,
    ) -> Code {
        let (handle, cookie) = (self.handle(), self.cookie.address());
        let (key, len) = (data(key), key.len() as c_int);
        let Sum { increment, delta, create } = sum;
        let (initial, exptime) = create.unwrap_or_default();
        let create = create.is_some();
        // SAFETY: initialized; the key is readable during the call.
        unsafe {
            arithmetic(
                handle, cookie, key, len, increment, create, delta, initial, exptime, cas, result,
                0,
            )
        }
    }

    pub fn flush(&self, when: time_t) -> Code {
        // SAFETY: initialized.
        unsafe { (self.instance.table.flush)(self.handle(), self.cookie.address(), when) }
    }

    /// The lines come to the cookie.
    pub fn get_stats(&self, name: &[u8]) -> Code {
        let (get_stats, cookie) = (self.instance.table.get_stats, self.cookie.address());
        let text = if name.is_empty() { ptr::null() } else { name.as_ptr().cast() };
        // SAFETY: initialized; the name is readable during the call.
        unsafe { get_stats(self.handle(), cookie, text, name.len() as c_int, api::add_stat) }
    }

    pub fn reset_stats(&self) {
        // SAFETY: initialized.
        unsafe { (self.instance.table.reset_stats)(self.handle(), self.cookie.address()) }
    }

    /// Only where the engine has it. The response comes to the cookie.
    pub fn unknown_command(&self, unknown: abi::unknown_command, packet: &mut [u64]) -> Code {
        let packet = packet.as_mut_ptr().cast();
        // SAFETY: initialized; a whole packet, which the engine may write to.
        unsafe { unknown(self.handle(), self.cookie.address(), packet, api::add_response) }
    }

    /// Only where the engine has it: the text, and the length that it says.
    pub fn errinfo(&self, errinfo: abi::errinfo) -> (Vec<u8>, usize) {
        let mut text = vec![0u8; MAX_ERRINFO];
        let (handle, cookie) = (self.handle(), self.cookie.address());
        // SAFETY: initialized; there is room for so many bytes.
        let size = unsafe { errinfo(handle, cookie, text.as_mut_ptr().cast(), text.len()) };
        text.truncate(size);
        (text, size)
    }

    /// # Safety
    /// An item of this engine's that has not been released.
    pub unsafe fn store(
        &self,
        item: NonNull<abi::item>,
        operation: Operation,
        cas: &mut u64,
    ) -> Code {
        let (store, cookie) = (self.instance.table.store, self.cookie.address());
        // SAFETY: initialized; the rest is the caller's promise.
        unsafe { store(self.handle(), cookie, item.as_ptr(), cas, operation, 0) }
    }

    /// # Safety
    /// An item of this engine's that has not been released.
    pub unsafe fn item_set_cas(&self, item: NonNull<abi::item>, cas: u64) {
        let (set, cookie) = (self.instance.table.item_set_cas, self.cookie.address());
        // SAFETY: initialized; the rest is the caller's promise.
        unsafe { set(self.handle(), cookie, item.as_ptr(), cas) }
    }

    /// False: the engine does not tell.
    ///
    /// # Safety
    /// An item of this engine's that has not been released; `info.nvalue` is no
    /// more than there is room for.
    pub unsafe fn get_item_info<const N: usize>(
        &self,
        item: NonNull<abi::item>,
        info: &mut item_info<N>,
    ) -> bool {
        let (get_info, cookie) = (self.instance.table.get_item_info, self.cookie.address());
        let info = (&raw mut *info).cast::<c_void>();
        // SAFETY: initialized; the rest is the caller's promise.
        unsafe { get_info(self.handle(), cookie, item.as_ptr(), info) }
    }

    /// # Safety
    /// An item of this engine's that has not been released; it is, now.
    pub unsafe fn release(&self, item: NonNull<abi::item>) {
        let (release, cookie) = (self.instance.table.release, self.cookie.address());
        // SAFETY: initialized; the rest is the caller's promise.
        unsafe { release(self.handle(), cookie, item.as_ptr()) }
    }
}
