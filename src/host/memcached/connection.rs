//! The calls into an engine, for one client.

use super::{
    abi::{self, Code, ON_CONNECT, ON_DISCONNECT, Operation},
    api,
    calls::{Sum, To},
    cookie::{Cookie, Reported},
    instance::Instance,
    item::Item,
    packet::packet,
};
use crate::host::guard::guarded;
use libc::time_t;
use std::{
    cell::Cell,
    os::fd::{AsRawFd, BorrowedFd},
    ptr::{self, NonNull},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

/// The engine owes an answer: the same call is to be made again when
/// [`Connection::poll`] is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later;

/// A client of an engine's. The engine is told when it connects, and when this
/// and its last item are gone.
pub struct Connection {
    inner: Rc<Inner>,
    /// The last call was answered with EWOULDBLOCK.
    waits: Cell<bool>,
}

pub(super) struct Inner {
    cookie: Arc<Cookie>,
    pub instance: Arc<Instance>,
}

/// What an engine answers to a packet of the binary protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The protocol's status; 0 is success.
    pub status: u16,
    /// The CAS unique.
    pub cas: u64,
    /// The extras, as they came.
    pub extras: Vec<u8>,
    /// The value.
    pub body: Vec<u8>,
}

/// A packet of the binary protocol that gives an item a new expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Touch {
    /// And nothing else.
    Touch = 0x1c,
    /// And answers with the item.
    GetAndTouch = 0x1d,
}

impl Inner {
    /// Makes a call that nothing unwinds out of.
    pub fn call<R>(&self, operation: &'static str, call: impl FnOnce(To<'_>) -> R) -> R {
        let to = To { instance: &self.instance, cookie: &self.cookie };
        guarded(&self.instance.name, operation, || call(to))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        api::perform(ON_DISCONNECT, ptr::null(), self.cookie.address());
        self.cookie.hang_up();
    }
}

impl Connection {
    /// A client has connected, by this socket if by any.
    pub fn new(instance: &Arc<Instance>, socket: Option<BorrowedFd<'_>>) -> Self {
        let cookie = Cookie::new(socket.map_or(-1, |socket| socket.as_raw_fd()));
        let inner = Rc::new(Inner { cookie, instance: Arc::clone(instance) });
        api::perform(ON_CONNECT, ptr::null(), inner.cookie.address());
        Self { inner, waits: Cell::new(false) }
    }

    /// The engine.
    pub fn instance(&self) -> &Instance {
        &self.inner.instance
    }

    /// Whether the engine has told the status of the call that it blocked; the
    /// task is woken when it does.
    pub fn poll(&self, task: &mut Context<'_>) -> Poll<()> {
        if self.waits.get() { self.inner.cookie.poll(task) } else { Poll::Ready(()) }
    }

    /// Makes a call that may be answered later. If it was, then what the engine
    /// has told since is the answer, unless that is success: then the call is
    /// made again.
    fn call(
        &self,
        operation: &'static str,
        call: impl FnOnce(To<'_>) -> Code,
    ) -> Result<Code, Later> {
        let cookie = &self.inner.cookie;
        if self.waits.get() {
            let status = cookie.take_status().ok_or(Later)?;
            self.waits.set(false);
            if status != Code::SUCCESS {
                return Ok(status);
            }
        }
        cookie.begin();
        match self.inner.call(operation, call) {
            Code::EWOULDBLOCK => {
                cookie.blocked();
                self.waits.set(true);
                Err(Later)
            }
            code => Ok(code),
        }
    }

    /// An item that the engine has handed out with success.
    fn item(&self, code: Code, item: *mut abi::item) -> Result<Item, Code> {
        match NonNull::new(item) {
            Some(item) if code == Code::SUCCESS => Ok(Item::new(item, &self.inner)),
            None if code == Code::SUCCESS => Err(Code::FAILED),
            _ => Err(code),
        }
    }

    /// Finds an item.
    pub fn get(&self, key: &[u8]) -> Result<Result<Item, Code>, Later> {
        let mut item = ptr::null_mut();
        let code = self.call("get", |to| to.get(key, &mut item))?;
        Ok(self.item(code, item))
    }

    /// Makes an item for a value of so many bytes. The expiry is as the client
    /// gave it, but not negative.
    pub fn allocate(
        &self,
        key: &[u8],
        size: usize,
        flags: u32,
        exptime: u32,
    ) -> Result<Result<Item, Code>, Later> {
        let mut item = ptr::null_mut();
        let code = self.call("allocate", |to| to.allocate(key, size, flags, exptime, &mut item))?;
        Ok(self.item(code, item))
    }

    /// Stores an item of `allocate`'s.
    pub fn store(&self, item: &Item, operation: Operation) -> Result<Code, Later> {
        // SAFETY: it is released when it is dropped.
        self.call("store", |to| unsafe { to.store(item.pointer(), operation, &mut 0) })
    }

    /// Deletes a key.
    pub fn remove(&self, key: &[u8]) -> Result<Code, Later> {
        self.call("remove", |to| to.remove(key, 0))
    }

    /// Adds to a number, or subtracts from it, and answers with the code and the
    /// result. None: the engine cannot.
    pub fn arithmetic(
        &self,
        key: &[u8],
        increment: bool,
        delta: u64,
    ) -> Option<Result<(Code, u64), Later>> {
        let function = self.inner.instance.table.arithmetic?;
        let sum = Sum { increment, delta, create: None };
        let mut result = 0;
        let code =
            self.call("arithmetic", |to| to.arithmetic(function, key, sum, &mut 0, &mut result));
        Some(code.map(|code| (code, result)))
    }

    /// Makes everything invisible, at once or at a time.
    pub fn flush(&self, when: time_t) -> Result<Code, Later> {
        self.call("flush", |to| to.flush(when))
    }

    /// What the engine reports, in general or under a name; names and values are
    /// fit for a line.
    pub fn stats(&self, name: &[u8]) -> Result<(Code, Vec<(String, String)>), Later> {
        *self.inner.cookie.reported.lock() = Reported::default();
        let code = self.call("get_stats", |to| to.get_stats(name))?;
        Ok((code, std::mem::take(&mut self.inner.cookie.reported.lock().stats)))
    }

    /// Sets the engine's counters back.
    pub fn reset_stats(&self) {
        self.inner.call("reset_stats", |to| to.reset_stats());
    }

    /// Gives an item a new expiry, by a packet of the binary protocol: the
    /// engine's code, and its response.
    pub fn touch(&self, touch: Touch, key: &[u8], exptime: u32) -> Result<(Code, Response), Later> {
        let Some(function) = self.inner.instance.table.unknown_command else {
            return Ok((Code::ENOTSUP, Response::default()));
        };
        self.inner.cookie.reported.lock().response = None;
        let mut packet = packet(touch as u8, &exptime.to_be_bytes(), key);
        let code = self.call("unknown_command", |to| to.unknown_command(function, &mut packet))?;
        let response = self.inner.cookie.reported.lock().response.take();
        Ok(match (code, response) {
            // Success goes without saying, but not its response.
            (Code::SUCCESS, None) => (Code::FAILED, Response::default()),
            (code, response) => (code, response.unwrap_or_default()),
        })
    }

    /// What the engine has to say of the last failure.
    pub fn errinfo(&self) -> Option<String> {
        let function = self.inner.instance.table.errinfo?;
        let (text, _) = self.inner.call("errinfo", |to| to.errinfo(function));
        let text = String::from_utf8_lossy(&text);
        Some(text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
    }
}
