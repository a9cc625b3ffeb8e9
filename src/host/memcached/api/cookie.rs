//! What an engine does with a cookie.

use crate::host::memcached::{
    abi::{Code, auth_data, cookie, cookie_api},
    cookie::Cookie,
};
use libc::{c_int, c_void};
use std::{
    ptr,
    sync::atomic::Ordering::{Acquire, Release},
};

pub(super) static API: cookie_api = cookie_api {
    get_socket_fd,
    get_auth_data,
    store_engine_specific,
    get_engine_specific,
    notify_io_complete,
    reserve,
    release,
};

unsafe extern "C-unwind" fn get_socket_fd(cookie: cookie) -> c_int {
    // SAFETY: the contract: a valid cookie.
    unsafe { Cookie::of(cookie) }.map_or(-1, Cookie::socket)
}

/// Nobody authenticates.
unsafe extern "C-unwind" fn get_auth_data(_: cookie, data: *mut auth_data) {
    // SAFETY: the contract: NULL or memory for the answer.
    if let Some(data) = unsafe { data.as_mut() } {
        *data = auth_data { username: ptr::null(), config: ptr::null() };
    }
}

unsafe extern "C-unwind" fn store_engine_specific(cookie: cookie, data: *mut c_void) {
    // SAFETY: the contract: a valid cookie.
    if let Some(cookie) = unsafe { Cookie::of(cookie) } {
        cookie.engine_specific().store(data, Release);
    }
}

unsafe extern "C-unwind" fn get_engine_specific(cookie: cookie) -> *mut c_void {
    // SAFETY: the contract: a valid cookie.
    let cookie = unsafe { Cookie::of(cookie) };
    cookie.map_or(ptr::null_mut(), |cookie| cookie.engine_specific().load(Acquire))
}

unsafe extern "C-unwind" fn notify_io_complete(cookie: cookie, status: Code) {
    // SAFETY: the contract: a valid cookie.
    if let Some(cookie) = unsafe { Cookie::of(cookie) } {
        cookie.notify(status);
    }
}

unsafe extern "C-unwind" fn reserve(cookie: cookie) -> Code {
    // SAFETY: the contract: a valid cookie.
    match unsafe { Cookie::of(cookie) } {
        Some(cookie) => {
            cookie.reserve();
            Code::SUCCESS
        }
        None => Code::EINVAL,
    }
}

unsafe extern "C-unwind" fn release(cookie: cookie) -> Code {
    // SAFETY: the contract: a valid cookie.
    match unsafe { Cookie::of(cookie) } {
        Some(cookie) if cookie.release() => Code::SUCCESS,
        _ => Code::EINVAL,
    }
}
