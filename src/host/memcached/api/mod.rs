//! The server's tables, as an engine calls them. There is one server in a
//! process, and any thread may call.

mod callback;
mod config;
mod cookie;
mod core;
mod extension;
mod log;
mod report;
mod stat;

pub(super) use callback::{forget, perform};
pub use core::exptime;
pub(super) use extension::forget as forget_extensions;
pub use log::level_changed;
pub(super) use report::{add_response, add_stat};
pub use stat::{evictions, reset_evictions};

use super::abi::{INTERFACE, engine_handle, server_handle};
use parking_lot::RwLock;
use std::{
    ptr,
    sync::{
        LazyLock,
        atomic::{
            AtomicPtr,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
};

/// What an engine can ask of the program that serves it.
#[derive(Default)]
pub struct Services {
    /// The server's settings, by the names of `stats settings`.
    pub settings: Vec<(&'static str, String)>,
    /// Sets how much is logged: 0 for warnings, then more.
    pub verbosity: Option<Box<dyn Fn(u32) + Send + Sync>>,
}

static SERVICES: LazyLock<RwLock<Services>> = LazyLock::new(RwLock::default);

static SERVER: server_handle = server_handle {
    interface: INTERFACE,
    core: &core::API,
    stat: &stat::API,
    extension: &extension::API,
    callback: &callback::API,
    engine: AtomicPtr::new(ptr::null_mut()),
    log: &log::API,
    cookie: &cookie::API,
};

/// `get_server_api`.
pub(super) unsafe extern "C-unwind" fn server() -> *const server_handle {
    &raw const SERVER
}

/// Offers these to the engine that is created next.
pub(super) fn offer(services: Services) {
    core::start_clock();
    *SERVICES.write() = services;
}

/// An engine has been initialized.
pub(super) fn serve(engine: *mut engine_handle) {
    SERVER.engine.store(engine, Release);
}

/// An engine is about to be destroyed.
pub(super) fn withdraw(engine: *mut engine_handle) {
    // Another one may have taken its place.
    let _ = SERVER.engine.compare_exchange(engine, ptr::null_mut(), AcqRel, Acquire);
}
