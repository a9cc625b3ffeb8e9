//! The functions of the table, with all that they answer.

use super::{Client, Item, Told};
use crate::host::memcached::{
    Code, Operation, Response, abi, calls, cookie::Reported, packet::packet,
};
use libc::time_t;
use std::ptr::{self, NonNull};

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
        let mut item = ptr::null_mut();
        let code = self.call("get", |to| to.get(key, &mut item))?;
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
        let mut item = ptr::null_mut();
        let code = self.call("allocate", |to| to.allocate(key, size, flags, exptime, &mut item))?;
        Ok(self.item(code, item))
    }

    /// `store`: its code, and the CAS unique that it sets, where it was `before`.
    pub fn store(&self, item: &Item, operation: Operation, before: u64) -> Told<(Code, u64)> {
        let mut cas = before;
        // SAFETY: it is released when it is dropped.
        let code = self.call("store", |to| unsafe { to.store(item.item, operation, &mut cas) })?;
        Ok((code, cas))
    }

    /// `remove`, with a CAS unique to compare with, or 0.
    pub fn remove(&self, key: &[u8], cas: u64) -> Told<Code> {
        self.call("remove", |to| to.remove(key, cas))
    }

    /// `arithmetic`. None: it is NULL.
    pub fn arithmetic(
        &self,
        key: &[u8],
        increment: bool,
        delta: u64,
        create: Option<Created>,
    ) -> Option<Told<(Code, Sum)>> {
        let function = self.line.instance.table.arithmetic?;
        let create = create.map(|created| (created.initial, created.exptime));
        let asked = calls::Sum { increment, delta, create };
        let mut sum = Sum::default();
        let code = self.call("arithmetic", |to| {
            to.arithmetic(function, key, asked, &mut sum.cas, &mut sum.result)
        });
        Some(code.map(|code| (code, sum)))
    }

    /// `flush`.
    pub fn flush(&self, when: i64) -> Told<Code> {
        self.call("flush", |to| to.flush(when as time_t))
    }

    /// `get_stats`: its code, and the lines as they came, or as many as fit in
    /// 1 MiB.
    pub fn stats(&self, name: &[u8]) -> Told<(Code, Vec<StatLine>)> {
        *self.line.cookie.reported.lock() = Reported { as_they_came: true, ..Reported::default() };
        let code = self.call("get_stats", |to| to.get_stats(name))?;
        Ok((code, std::mem::take(&mut self.line.cookie.reported.lock().raw)))
    }

    /// `reset_stats`.
    pub fn reset_stats(&self) {
        self.line.call("reset_stats", |to| to.reset_stats());
    }

    /// `unknown_command`, with a packet of this opcode, and its response if there
    /// was one. None: it is NULL.
    pub fn unknown_command(
        &self,
        opcode: u8,
        extras: &[u8],
        key: &[u8],
    ) -> Option<Told<(Code, Option<Response>)>> {
        let function = self.line.instance.table.unknown_command?;
        self.line.cookie.reported.lock().response = None;
        let mut packet = packet(opcode, extras, key);
        let code = self.call("unknown_command", |to| to.unknown_command(function, &mut packet));
        let response = self.line.cookie.reported.lock().response.take();
        Some(code.map(|code| (code, response)))
    }

    /// `errinfo`: its text and the length that it says. None: it is NULL.
    pub fn errinfo(&self) -> Option<(Vec<u8>, usize)> {
        let function = self.line.instance.table.errinfo?;
        Some(self.line.call("errinfo", |to| to.errinfo(function)))
    }
}
