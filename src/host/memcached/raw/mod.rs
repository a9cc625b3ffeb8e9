//! Raw access to an engine, for the kit that tests engines.
//!
//! [`Connection`](super::Connection) hides what the server need not know. Here
//! every call shows exactly what came of it: the code, the CAS unique, how often
//! the engine has notified. The interface's rules hold all the same: no call
//! before initialize or after destroy, one call at a time for a cookie, every
//! item released once.

mod calls;
mod item;

pub use calls::{Created, Sum};
pub use item::{Info, Item, Untold};

use super::{
    Code, Instance, Module, Services,
    abi::{ON_CONNECT, ON_DISCONNECT},
    api,
    calls::To,
    cookie::Cookie,
};
use crate::host::{error::LoadError, guard::guarded, raw::trace};
use parking_lot::Mutex;
use std::{
    cell::Cell,
    ptr,
    sync::Arc,
    task::{Context, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Starts an engine, as [`Module::start`] does.
pub fn start(module: &Module, config: Option<&str>) -> Result<Arc<Instance>, LoadError> {
    let _here = trace::enter("initialize");
    module.start(config, Services::default())
}

/// Destroys an engine. None: something of it is still in use, so it lives.
pub fn destroy(instance: Arc<Instance>) -> Option<()> {
    let _here = trace::enter("destroy");
    Arc::into_inner(instance).map(drop)
}

/// The engine answered with EWOULDBLOCK, and has not notified in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silent {
    /// The call.
    pub operation: &'static str,
}

/// What a call comes to.
pub type Told<T> = Result<T, Silent>;

/// A client of an engine's. The engine is told when it connects, and when this
/// and its last item are gone.
pub struct Client {
    line: Arc<Line>,
    /// How long a call that is answered with EWOULDBLOCK waits to be made again;
    /// None: that is its answer.
    patience: Cell<Option<Duration>>,
    /// How many calls were answered so.
    blocked: Cell<usize>,
}

/// What a client and its items share.
struct Line {
    cookie: Arc<Cookie>,
    instance: Arc<Instance>,
    /// Held in each call: there is never more than one for a cookie.
    calls: Mutex<()>,
}

/// What became of a cookie, also when its client is gone.
pub struct Watch(Arc<Cookie>);

impl Line {
    /// Makes a call.
    fn call<R>(&self, operation: &'static str, call: impl FnOnce(To<'_>) -> R) -> R {
        let _one = self.calls.lock();
        let _here = trace::enter(operation);
        let to = To { instance: &self.instance, cookie: &self.cookie };
        guarded(&self.instance.name, operation, || call(to))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _here = trace::enter("ON_DISCONNECT");
        api::perform(ON_DISCONNECT, ptr::null(), self.cookie.address());
        self.cookie.hang_up();
    }
}

impl Watch {
    /// How often the engine has called notify_io_complete for it.
    pub fn notified(&self) -> usize {
        self.0.notified()
    }

    /// How many times the engine has it reserved.
    pub fn reserved(&self) -> usize {
        self.0.is_reserved()
    }
}

impl Client {
    /// A client has connected.
    pub fn new(instance: &Arc<Instance>, patience: Duration) -> Self {
        let line =
            Line { cookie: Cookie::new(-1), instance: Arc::clone(instance), calls: Mutex::new(()) };
        {
            let _here = trace::enter("ON_CONNECT");
            api::perform(ON_CONNECT, ptr::null(), line.cookie.address());
        }
        Self { line: Arc::new(line), patience: Cell::new(Some(patience)), blocked: Cell::new(0) }
    }

    /// From now on, EWOULDBLOCK is an answer like any other.
    pub fn do_not_wait(&self) {
        self.patience.set(None);
    }

    /// How many calls were answered with EWOULDBLOCK.
    pub fn blocked(&self) -> usize {
        self.blocked.get()
    }

    /// What its cookie can be watched by.
    pub fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.line.cookie))
    }

    /// Makes a call, and makes it again as often as the engine says.
    fn call(&self, operation: &'static str, mut call: impl FnMut(To<'_>) -> Code) -> Told<Code> {
        loop {
            self.line.cookie.begin();
            let code = self.line.call(operation, &mut call);
            if code != Code::EWOULDBLOCK {
                return Ok(code);
            }
            self.line.cookie.blocked();
            self.blocked.set(self.blocked.get() + 1);
            let Some(patience) = self.patience.get() else { return Ok(code) };
            match self.wait(patience) {
                None => return Err(Silent { operation }),
                Some(Code::SUCCESS) => {}
                Some(status) => return Ok(status),
            }
        }
    }

    /// Waits for a notify, and takes its status.
    pub fn wait(&self, patience: Duration) -> Option<Code> {
        let end = Instant::now() + patience;
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut task = Context::from_waker(&waker);
        while self.line.cookie.poll(&mut task).is_pending() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            thread::park_timeout(left);
        }
        self.line.cookie.take_status()
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
