//! What a connection is to the engine, and what the engine may do with it from
//! any thread.

use super::abi::Code;
use libc::c_void;
use parking_lot::Mutex;
use std::{
    os::fd::RawFd,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

/// The engine sees its address. It lives as long as the connection, as the
/// engine has it reserved, and as it owes a notify.
pub(super) struct Cookie {
    socket: AtomicI32,
    engine_specific: AtomicPtr<c_void>,
    reserved: AtomicUsize,
    notified: AtomicUsize,
    waiting: Mutex<Waiting>,
    /// What the present call reports.
    pub reported: Mutex<Reported>,
}

/// An answer that comes later.
#[derive(Default)]
struct Waiting {
    /// What the engine has told.
    status: Option<Code>,
    /// It has not yet: this cookie has a reference more until it does.
    owed: bool,
    task: Option<Waker>,
}

/// What the engine hands over in the course of a call.
#[derive(Default)]
pub(super) struct Reported {
    pub stats: Vec<(String, String)>,
    /// They are wanted as they came, in `raw`.
    pub as_they_came: bool,
    pub raw: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many bytes these have.
    pub stats_size: usize,
    pub response: Option<super::connection::Response>,
}

impl Cookie {
    pub fn new(socket: RawFd) -> Arc<Self> {
        Arc::new(Self {
            socket: AtomicI32::new(socket),
            engine_specific: AtomicPtr::new(ptr::null_mut()),
            reserved: AtomicUsize::new(0),
            notified: AtomicUsize::new(0),
            waiting: Mutex::default(),
            reported: Mutex::default(),
        })
    }

    /// The cookie that the engine names; none for NULL.
    ///
    /// # Safety
    /// The engine keeps the contract: a cookie that is valid.
    pub unsafe fn of<'a>(cookie: *const c_void) -> Option<&'a Self> {
        // SAFETY: the caller's promise.
        unsafe { cookie.cast::<Self>().as_ref() }
    }

    pub fn address(self: &Arc<Self>) -> *const c_void {
        Arc::as_ptr(self).cast()
    }

    pub fn socket(&self) -> RawFd {
        self.socket.load(Relaxed)
    }

    /// The client is gone: its descriptor may soon be another's.
    pub fn hang_up(&self) {
        self.socket.store(-1, Relaxed);
    }

    pub fn engine_specific(&self) -> &AtomicPtr<c_void> {
        &self.engine_specific
    }

    /// A call begins: what was told before is of no interest.
    pub fn begin(&self) {
        self.waiting.lock().status = None;
    }

    /// The call has been answered with EWOULDBLOCK.
    pub fn blocked(self: &Arc<Self>) {
        let mut waiting = self.waiting.lock();
        if waiting.status.is_none() && !waiting.owed {
            waiting.owed = true;
            // Given back by the notify.
            std::mem::forget(Arc::clone(self));
        }
    }

    /// What the engine has told since the call began.
    pub fn take_status(&self) -> Option<Code> {
        self.waiting.lock().status.take()
    }

    /// Ready when the engine has told its status.
    pub fn poll(&self, task: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.waiting.lock();
        if waiting.status.is_some() {
            return Poll::Ready(());
        }
        waiting.task = Some(task.waker().clone());
        Poll::Pending
    }

    /// The engine tells the status of a call, from any thread.
    pub fn notify(&self, status: Code) {
        self.notified.fetch_add(1, Relaxed);
        let mut waiting = self.waiting.lock();
        waiting.status = Some(status);
        let (task, owed) = (waiting.task.take(), std::mem::take(&mut waiting.owed));
        drop(waiting);
        if let Some(task) = task {
            task.wake();
        }
        if owed {
            // SAFETY: every cookie is an Arc's, and `blocked` has left one
            // reference for this. It is the last thing that is done with it.
            unsafe { Arc::decrement_strong_count(ptr::from_ref(self)) };
        }
    }

    /// How often the engine has told a status.
    pub fn notified(&self) -> usize {
        self.notified.load(Relaxed)
    }

    /// How many times it is reserved.
    pub fn is_reserved(&self) -> usize {
        self.reserved.load(Relaxed)
    }

    /// The engine wants it to stay valid.
    pub fn reserve(&self) {
        self.reserved.fetch_add(1, Relaxed);
        // SAFETY: every cookie is an Arc's, and it lives.
        unsafe { Arc::increment_strong_count(ptr::from_ref(self)) };
    }

    /// Undoes a reserve; false where there was none.
    pub fn release(&self) -> bool {
        let one_less = self.reserved.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
        if one_less.is_ok() {
            // SAFETY: `reserve` has left one reference for this. It is the last
            // thing that is done with it.
            unsafe { Arc::decrement_strong_count(ptr::from_ref(self)) };
        }
        one_less.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn is_ready(cookie: &Cookie) -> bool {
        cookie.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_notify_before_the_call_has_returned_is_not_lost() {
        let cookie = Cookie::new(-1);
        cookie.begin();
        cookie.notify(Code::SUCCESS);
        cookie.blocked();
        assert!(is_ready(&cookie));
        assert_eq!(cookie.take_status(), Some(Code::SUCCESS));
        assert_eq!(Arc::strong_count(&cookie), 1);
    }

    #[test]
    fn a_notify_from_another_thread_finds_the_cookie_of_a_client_that_is_gone() {
        let cookie = Cookie::new(-1);
        cookie.begin();
        cookie.blocked();
        assert!(!is_ready(&cookie));
        let weak = Arc::downgrade(&cookie);
        let address = cookie.address() as usize;
        drop(cookie);
        assert!(weak.upgrade().is_some());
        let notify = move || {
            // SAFETY: it is owed.
            let cookie = unsafe { Cookie::of(address as *const c_void) };
            cookie.unwrap().notify(Code::FAILED);
        };
        thread::spawn(notify).join().unwrap();
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn a_notify_that_nobody_waits_for_is_forgotten_by_the_next_call() {
        let cookie = Cookie::new(-1);
        cookie.notify(Code::FAILED);
        cookie.notify(Code::FAILED);
        cookie.begin();
        cookie.blocked();
        assert!(!is_ready(&cookie));
        cookie.notify(Code::SUCCESS);
        assert_eq!(cookie.take_status(), Some(Code::SUCCESS));
    }

    #[test]
    fn a_reserved_cookie_outlives_its_connection_and_no_release_too_many() {
        let cookie = Cookie::new(-1);
        assert!(!cookie.release());
        cookie.reserve();
        let weak = Arc::downgrade(&cookie);
        let address = cookie.address();
        drop(cookie);
        // SAFETY: it is reserved.
        let cookie = unsafe { Cookie::of(address) }.unwrap();
        assert!(cookie.release());
        assert!(weak.upgrade().is_none());
    }
}
