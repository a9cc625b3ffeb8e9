//! What an engine wants to be told of.

use crate::host::{
    guard::guarded,
    memcached::abi::{callback_api, cookie, engine_handle, event_callback},
};
use libc::{c_int, c_void};
use parking_lot::RwLock;

pub(super) static API: callback_api =
    callback_api { register_callback, perform_callbacks: perform };

/// In the order of registering.
static REGISTERED: RwLock<Vec<Registered>> = RwLock::new(Vec::new());

#[derive(Clone, Copy)]
struct Registered {
    engine: *mut engine_handle,
    event: c_int,
    callback: event_callback,
    data: *const c_void,
}

// SAFETY: the pointers are only handed on.
unsafe impl Send for Registered {}
// SAFETY: as for Send.
unsafe impl Sync for Registered {}

extern "C-unwind" fn register_callback(
    engine: *mut engine_handle,
    event: c_int,
    callback: Option<event_callback>,
    data: *const c_void,
) {
    if let Some(callback) = callback {
        REGISTERED.write().push(Registered { engine, event, callback, data });
    }
}

/// Raises an event. What is called may register and raise in turn.
pub(in crate::host::memcached) extern "C-unwind" fn perform(
    event: c_int,
    event_data: *const c_void,
    cookie: cookie,
) {
    let those: Vec<_> =
        REGISTERED.read().iter().filter(|those| those.event == event).copied().collect();
    for Registered { callback, data, .. } in those {
        guarded("the memcached engine", "a callback", || {
            // SAFETY: the engine's own function, for an event that it asked for.
            unsafe { callback(cookie, event, event_data, data) }
        });
    }
}

/// The engine is gone, and its callbacks with it.
pub(in crate::host::memcached) fn forget(engine: *mut engine_handle) {
    REGISTERED.write().retain(|those| those.engine != engine);
}
