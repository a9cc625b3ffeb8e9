//! memcached's engine interface in C types, as its branch engine-pu had it in
//! 2013; `include/memcached/engine.h` is the manual.

#![allow(non_camel_case_types)]

use libc::{FILE, c_char, c_int, c_void, iovec, size_t, time_t};
use std::{mem::offset_of, sync::atomic::AtomicPtr};

/// The only version of the interface that ever was.
pub const INTERFACE: u64 = 1;

/// Seconds since a moment shortly before the server's start; 0 as an expiry is
/// never.
pub type rel_time_t = u32;

/// What a function answers; an enumeration in C, so any number may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Code(pub(super) c_int);

#[allow(missing_docs)]
impl Code {
    pub const SUCCESS: Self = Self(0);
    pub const KEY_ENOENT: Self = Self(1);
    pub const KEY_EEXISTS: Self = Self(2);
    pub const ENOMEM: Self = Self(3);
    pub const NOT_STORED: Self = Self(4);
    pub const EINVAL: Self = Self(5);
    pub const ENOTSUP: Self = Self(6);
    pub const EWOULDBLOCK: Self = Self(7);
    pub const E2BIG: Self = Self(8);
    pub const DISCONNECT: Self = Self(0xa);
    pub const EACCESS: Self = Self(0xb);
    pub const NOT_MY_VBUCKET: Self = Self(0xc);
    pub const TMPFAIL: Self = Self(0xd);
    pub const FAILED: Self = Self(0xff);
}

/// What `store` is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)]
pub enum Operation {
    Add = 1,
    Set,
    Replace,
    Append,
    Prepend,
    Cas,
}

/// An engine's `ENGINE_HANDLE`: opaque, but for the version that it begins with.
#[repr(C)]
pub struct engine_handle {
    pub interface: u64,
}

/// An engine's item.
pub type item = c_void;

/// What stands for a client's connection in calls.
pub type cookie = *const c_void;

/// What tells of an item, with room for `N` pieces of its value.
#[repr(C)]
pub struct item_info<const N: usize> {
    pub cas: u64,
    pub exptime: rel_time_t,
    pub nbytes: u32,
    pub flags: u32,
    pub clsid: u8,
    pub nkey: u16,
    pub nvalue: u16,
    pub key: *const c_void,
    pub value: [iovec; N],
}

#[repr(C)]
pub struct feature_info {
    pub feature: u32,
    pub description: *const c_char,
}

/// The features follow.
#[repr(C)]
pub struct engine_info {
    pub description: *const c_char,
    pub num_features: u32,
    pub features: [feature_info; 0],
}

pub type add_stat = unsafe extern "C-unwind" fn(*const c_char, u16, *const c_char, u32, cookie);

pub type add_response = unsafe extern "C-unwind" fn(
    *const c_void,
    u16,
    *const c_void,
    u8,
    *const c_void,
    u32,
    u8,
    u16,
    u64,
    cookie,
) -> bool;

pub type get_server_api = unsafe extern "C-unwind" fn() -> *const server_handle;

pub type create_instance =
    unsafe extern "C-unwind" fn(u64, get_server_api, *mut *mut engine_handle) -> Code;

type h = *mut engine_handle;
type key = *const c_void;

// The functions of an engine.
pub type get_info = unsafe extern "C-unwind" fn(h) -> *const engine_info;
pub type initialize = unsafe extern "C-unwind" fn(h, *const c_char) -> Code;
pub type destroy = unsafe extern "C-unwind" fn(h, bool);
pub type allocate = unsafe extern "C-unwind" fn(
    h,
    cookie,
    *mut *mut item,
    key,
    size_t,
    size_t,
    c_int,
    rel_time_t,
) -> Code;
pub type remove = unsafe extern "C-unwind" fn(h, cookie, key, size_t, u64, u16) -> Code;
pub type release = unsafe extern "C-unwind" fn(h, cookie, *mut item);
pub type get = unsafe extern "C-unwind" fn(h, cookie, *mut *mut item, key, c_int, u16) -> Code;
pub type store =
    unsafe extern "C-unwind" fn(h, cookie, *mut item, *mut u64, Operation, u16) -> Code;
pub type arithmetic = unsafe extern "C-unwind" fn(
    h,
    cookie,
    key,
    c_int,
    bool,
    bool,
    u64,
    u64,
    rel_time_t,
    *mut u64,
    *mut u64,
    u16,
) -> Code;
pub type flush = unsafe extern "C-unwind" fn(h, cookie, time_t) -> Code;
pub type get_stats = unsafe extern "C-unwind" fn(h, cookie, *const c_char, c_int, add_stat) -> Code;
pub type reset_stats = unsafe extern "C-unwind" fn(h, cookie);
pub type unknown_command =
    unsafe extern "C-unwind" fn(h, cookie, *mut c_void, add_response) -> Code;
pub type item_set_cas = unsafe extern "C-unwind" fn(h, cookie, *mut item, u64);
pub type get_item_info = unsafe extern "C-unwind" fn(h, cookie, *const item, *mut c_void) -> bool;
pub type errinfo = unsafe extern "C-unwind" fn(h, cookie, *mut c_char, size_t) -> size_t;

/// A slot that is not called.
type unused = Option<unsafe extern "C-unwind" fn()>;

/// `ENGINE_HANDLE_V1`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct engine_handle_v1 {
    pub interface: u64,
    pub get_info: Option<get_info>,
    pub initialize: Option<initialize>,
    pub destroy: Option<destroy>,
    pub allocate: Option<allocate>,
    pub remove: Option<remove>,
    pub release: Option<release>,
    pub get: Option<get>,
    pub store: Option<store>,
    pub arithmetic: Option<arithmetic>,
    pub flush: Option<flush>,
    pub get_stats: Option<get_stats>,
    pub reset_stats: Option<reset_stats>,
    pub get_stats_struct: unused,
    pub aggregate_stats: unused,
    pub unknown_command: Option<unknown_command>,
    pub tap_notify: unused,
    pub get_tap_iterator: unused,
    pub item_set_cas: Option<item_set_cas>,
    pub get_item_info: Option<get_item_info>,
    pub errinfo: Option<errinfo>,
}

/// The types of a configured value: `DT_SIZE` and so on.
pub const DT_SIZE: c_int = 0;
pub const DT_FLOAT: c_int = 1;
pub const DT_BOOL: c_int = 2;
pub const DT_STRING: c_int = 3;

/// A key that an engine knows; `value` points to what its type says.
#[repr(C)]
pub struct config_item {
    pub key: *const c_char,
    pub datatype: c_int,
    pub value: *mut c_void,
    /// A bool, which the engine need not have set.
    pub found: u8,
}

#[repr(C)]
pub struct auth_data {
    pub username: *const c_char,
    pub config: *const c_char,
}

pub const ON_CONNECT: c_int = 0;
pub const ON_DISCONNECT: c_int = 1;
pub const ON_LOG_LEVEL: c_int = 4;

pub type event_callback = unsafe extern "C-unwind" fn(cookie, c_int, *const c_void, *const c_void);

pub const EXTENSION_DAEMON: c_int = 0;
pub const EXTENSION_LOGGER: c_int = 1;

#[repr(C)]
pub struct daemon {
    pub get_name: Option<unsafe extern "C-unwind" fn() -> *const c_char>,
    pub next: *mut daemon,
}

#[repr(C)]
pub struct logger {
    pub get_name: unsafe extern "C-unwind" fn() -> *const c_char,
    pub log: unsafe extern "C-unwind" fn(c_int, cookie, *const c_char, ...),
}

#[repr(C)]
pub struct core_api {
    pub get_current_time: extern "C-unwind" fn() -> rel_time_t,
    pub realtime: extern "C-unwind" fn(time_t) -> rel_time_t,
    pub abstime: extern "C-unwind" fn(rel_time_t) -> time_t,
    pub server_version: extern "C-unwind" fn() -> *const c_char,
    pub hash: unsafe extern "C-unwind" fn(*const c_void, size_t, u32) -> u32,
    pub parse_config:
        unsafe extern "C-unwind" fn(*const c_char, *mut config_item, *mut FILE) -> c_int,
    pub shutdown: extern "C-unwind" fn(),
    pub get_config: unsafe extern "C-unwind" fn(*mut config_item) -> bool,
}

#[repr(C)]
pub struct stat_api {
    pub new_stats: extern "C-unwind" fn() -> *mut c_void,
    pub release_stats: unsafe extern "C-unwind" fn(*mut c_void),
    pub evicting: extern "C-unwind" fn(cookie, *const c_void, c_int),
}

#[repr(C)]
pub struct extension_api {
    pub register_extension: unsafe extern "C-unwind" fn(c_int, *mut c_void) -> bool,
    pub unregister_extension: unsafe extern "C-unwind" fn(c_int, *mut c_void),
    pub get_extension: extern "C-unwind" fn(c_int) -> *mut c_void,
}

#[repr(C)]
pub struct callback_api {
    pub register_callback:
        extern "C-unwind" fn(*mut engine_handle, c_int, Option<event_callback>, *const c_void),
    pub perform_callbacks: extern "C-unwind" fn(c_int, *const c_void, cookie),
}

#[repr(C)]
pub struct log_api {
    pub get_logger: extern "C-unwind" fn() -> *const logger,
    pub get_level: extern "C-unwind" fn() -> c_int,
    pub set_level: extern "C-unwind" fn(c_int),
}

#[repr(C)]
pub struct cookie_api {
    pub get_socket_fd: unsafe extern "C-unwind" fn(cookie) -> c_int,
    pub get_auth_data: unsafe extern "C-unwind" fn(cookie, *mut auth_data),
    pub store_engine_specific: unsafe extern "C-unwind" fn(cookie, *mut c_void),
    pub get_engine_specific: unsafe extern "C-unwind" fn(cookie) -> *mut c_void,
    pub notify_io_complete: unsafe extern "C-unwind" fn(cookie, Code),
    pub reserve: unsafe extern "C-unwind" fn(cookie) -> Code,
    pub release: unsafe extern "C-unwind" fn(cookie) -> Code,
}

/// `SERVER_HANDLE_V1`.
#[repr(C)]
pub struct server_handle {
    pub interface: u64,
    pub core: &'static core_api,
    pub stat: &'static stat_api,
    pub extension: &'static extension_api,
    pub callback: &'static callback_api,
    pub engine: AtomicPtr<engine_handle>,
    pub log: &'static log_api,
    pub cookie: &'static cookie_api,
}

const _: () = {
    type v1 = engine_handle_v1;
    assert!(size_of::<v1>() == 168);
    assert!(offset_of!(v1, get_info) == 8 && offset_of!(v1, initialize) == 16);
    assert!(offset_of!(v1, destroy) == 24 && offset_of!(v1, allocate) == 32);
    assert!(offset_of!(v1, remove) == 40 && offset_of!(v1, release) == 48);
    assert!(offset_of!(v1, get) == 56 && offset_of!(v1, store) == 64);
    assert!(offset_of!(v1, arithmetic) == 72 && offset_of!(v1, flush) == 80);
    assert!(offset_of!(v1, get_stats) == 88 && offset_of!(v1, reset_stats) == 96);
    assert!(offset_of!(v1, get_stats_struct) == 104 && offset_of!(v1, aggregate_stats) == 112);
    assert!(offset_of!(v1, unknown_command) == 120 && offset_of!(v1, tap_notify) == 128);
    assert!(offset_of!(v1, get_tap_iterator) == 136 && offset_of!(v1, item_set_cas) == 144);
    assert!(offset_of!(v1, get_item_info) == 152 && offset_of!(v1, errinfo) == 160);

    type info = item_info<1>;
    assert!(size_of::<info>() == 56 && offset_of!(info, exptime) == 8);
    assert!(offset_of!(info, nbytes) == 12 && offset_of!(info, flags) == 16);
    assert!(offset_of!(info, clsid) == 20 && offset_of!(info, nkey) == 22);
    assert!(offset_of!(info, nvalue) == 24 && offset_of!(info, key) == 32);
    assert!(offset_of!(info, value) == 40);

    assert!(size_of::<engine_info>() == 16 && offset_of!(engine_info, num_features) == 8);
    assert!(size_of::<feature_info>() == 16);
    assert!(size_of::<server_handle>() == 64 && offset_of!(server_handle, core) == 8);
    assert!(offset_of!(server_handle, stat) == 16 && offset_of!(server_handle, extension) == 24);
    assert!(offset_of!(server_handle, callback) == 32 && offset_of!(server_handle, engine) == 40);
    assert!(offset_of!(server_handle, log) == 48 && offset_of!(server_handle, cookie) == 56);
    assert!(size_of::<config_item>() == 32 && offset_of!(config_item, found) == 24);
};

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match *self {
            Self::SUCCESS => "ENGINE_SUCCESS",
            Self::KEY_ENOENT => "ENGINE_KEY_ENOENT",
            Self::KEY_EEXISTS => "ENGINE_KEY_EEXISTS",
            Self::ENOMEM => "ENGINE_ENOMEM, there is no memory",
            Self::NOT_STORED => "ENGINE_NOT_STORED",
            Self::EINVAL => "ENGINE_EINVAL, the configuration is not as it should be",
            Self::ENOTSUP => "ENGINE_ENOTSUP",
            Self::EWOULDBLOCK => "ENGINE_EWOULDBLOCK",
            Self::E2BIG => "ENGINE_E2BIG",
            Self::DISCONNECT => "ENGINE_DISCONNECT",
            Self::EACCESS => "ENGINE_EACCESS, it may not",
            Self::NOT_MY_VBUCKET => "ENGINE_NOT_MY_VBUCKET",
            Self::TMPFAIL => "ENGINE_TMPFAIL, for now",
            Self::FAILED => "ENGINE_FAILED",
            Self(other) => return write!(f, "code {other:#x}"),
        };
        f.write_str(name)
    }
}
