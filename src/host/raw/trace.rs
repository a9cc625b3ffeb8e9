//! What each thread is doing in the plugin, so that a crash or a hang can be
//! told with the name of the operation.

use libc::{c_int, c_void};
use std::{
    cell::Cell,
    ptr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicPtr, Ordering::Relaxed},
    },
};

/// An operation's name behind a thin pointer, which an atomic can hold.
type Name = &'static str;

/// The operation that a thread is in; NULL: none.
type Place = AtomicPtr<Name>;

static THREADS: Mutex<Vec<Weak<Place>>> = Mutex::new(Vec::new());

/// The names that have been used, so that each has an address.
static NAMES: Mutex<Vec<&'static Name>> = Mutex::new(Vec::new());

thread_local! {
    static HERE: Arc<Place> = {
        let here = Arc::new(Place::default());
        let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&here));
        here
    };
    /// As HERE, without a destructor: for the signal handler.
    static INSIDE: Cell<Option<Name>> = const { Cell::new(None) };
}

/// Marks the operation that this thread is in, until it is dropped.
pub(in crate::host) struct Inside(Option<Name>);

/// This thread enters an operation of the plugin.
pub(in crate::host) fn enter(operation: Name) -> Inside {
    let before = INSIDE.replace(Some(operation));
    mark(Some(operation));
    Inside(before)
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
        mark(self.0);
    }
}

fn mark(operation: Option<Name>) {
    let place = operation.map_or(ptr::null_mut(), |name| ptr::from_ref(address(name)).cast_mut());
    // At the end of a thread there is nothing to mark any more.
    let _ = HERE.try_with(|here| here.store(place, Relaxed));
}

/// Where the name stands, the same place for every use.
fn address(name: Name) -> &'static Name {
    thread_local!(static LAST: Cell<Option<&'static Name>> = const { Cell::new(None) });
    if let Some(last) = LAST.get()
        && ptr::eq(*last, name)
    {
        return last;
    }
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = names.iter().copied().find(|known| **known == name);
    let found = found.unwrap_or_else(|| {
        // As many as there are operations.
        let new: &'static Name = Box::leak(Box::new(name));
        names.push(new);
        new
    });
    LAST.set(Some(found));
    found
}

/// The operations that threads are in now, each named once for each thread.
pub fn doing() -> Vec<&'static str> {
    let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let places = threads.iter().filter_map(Weak::upgrade).map(|place| place.load(Relaxed));
    // SAFETY: NULL, or a leaked name.
    places.filter_map(|place| unsafe { place.as_ref() }).copied().collect()
}

/// Has crashes (SIGSEGV and the like) told on stderr, with the operation that
/// the thread was in, before the process ends as it would have.
pub fn tell_crashes() {
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT] {
        // SAFETY: a zeroed sigaction is valid; the handler calls nothing that
        // a signal handler may not. It runs on the threads' alternate stacks,
        // so an overflow of a stack is told too.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = crashed as *const () as usize;
            action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK | libc::SA_NODEFER;
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }
}

extern "C" fn crashed(signal: c_int) {
    let (name, inside) = (signal_name(signal), INSIDE.try_with(Cell::get).ok().flatten());
    let parts = match inside {
        Some(operation) => [name, " in ", operation, " of the plugin\n"],
        None => [name, " outside the plugin's functions", "", "\n"],
    };
    for part in parts {
        // SAFETY: write is allowed in a signal handler; the bytes are there.
        unsafe { libc::write(libc::STDERR_FILENO, part.as_ptr().cast::<c_void>(), part.len()) };
    }
    // SAFETY: raise is allowed; the default action is in force again.
    unsafe { libc::raise(signal) };
}

fn signal_name(signal: c_int) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGABRT => "SIGABRT",
        _ => "a signal",
    }
}
