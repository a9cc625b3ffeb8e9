//! Time, the version, a hash, the configuration, and the end.

use super::{SERVICES, config};
use crate::host::{
    memcached::abi::{config_item, core_api, rel_time_t},
    storage::slice_at,
};
use libc::{FILE, c_char, c_int, c_void, time_t};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::LazyLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

pub(super) static API: core_api = core_api {
    get_current_time,
    realtime,
    abstime,
    server_version,
    hash,
    parse_config,
    shutdown,
    get_config,
};

/// What is more than this is a UNIX time, in seconds.
const MAX_DELTA: time_t = 60 * 60 * 24 * 30;

/// Relative times count from so many seconds before the start, so that none of
/// a moment since then is 0, which stands for never, or 1, for what has passed.
const BEFORE: u64 = 2;

const VERSION: &str = concat!("kumo ", env!("CARGO_PKG_VERSION"), "\0");

/// The moment that relative times count from, on both clocks.
static STARTED: LazyLock<(Instant, time_t)> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (Instant::now(), (now.as_secs() - BEFORE) as time_t)
});

/// With keys of this process: no client can choose what falls together.
static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Relative times count from now on, if they do not yet.
pub fn start_clock() {
    LazyLock::force(&STARTED);
}

extern "C-unwind" fn get_current_time() -> rel_time_t {
    (STARTED.0.elapsed().as_secs() + BEFORE) as rel_time_t
}

extern "C-unwind" fn realtime(exptime: time_t) -> rel_time_t {
    match exptime {
        0 => 0,
        1..=MAX_DELTA => get_current_time() + exptime as rel_time_t,
        _ => (exptime.saturating_sub(STARTED.1)).clamp(1, time_t::from(u32::MAX)) as rel_time_t,
    }
}

extern "C-unwind" fn abstime(exptime: rel_time_t) -> time_t {
    STARTED.1 + time_t::from(exptime)
}

/// An item's expiry, as it is told by `get_item_info`, in the form that
/// `allocate` takes: a UNIX time, or 0 for never.
pub fn exptime(told: rel_time_t) -> u32 {
    match told {
        0 => 0,
        // Some engines tell a UNIX time.
        _ if time_t::from(told) >= STARTED.1 => told,
        _ => abstime(told) as u32,
    }
}

extern "C-unwind" fn server_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

unsafe extern "C-unwind" fn hash(data: *const c_void, size: usize, seed: u32) -> u32 {
    let mut hasher = HASH.build_hasher();
    hasher.write_u32(seed);
    // SAFETY: the contract: so many bytes.
    hasher.write(unsafe { slice_at(data.cast(), size) });
    hasher.finish() as u32
}

unsafe extern "C-unwind" fn parse_config(
    text: *const c_char,
    items: *mut config_item,
    error: *mut FILE,
) -> c_int {
    // SAFETY: the contract: C strings, and items that end with a NULL key.
    unsafe { config::parse(text, items, error) }
}

/// As a signal would; the server stops in order.
extern "C-unwind" fn shutdown() {
    tracing::info!("the engine asks the server to stop");
    // To the process: the calling thread may have signals blocked.
    if let Err(error) = kill(Pid::this(), Signal::SIGTERM) {
        tracing::error!("cannot stop the server: {error}");
    }
}

unsafe extern "C-unwind" fn get_config(items: *mut config_item) -> bool {
    let services = SERVICES.read();
    let value = |key: &str| services.settings.iter().find(|(name, _)| *name == key);
    // SAFETY: the contract: items that end with a NULL key.
    unsafe { config::fill(items, |key| value(key).map(|(_, value)| value.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_what_memcached_makes_of_them() {
        let now = get_current_time();
        assert!(now >= 2);
        assert_eq!(realtime(0), 0);
        assert!((10..=11).contains(&(realtime(10) - now)));
        assert!(realtime(MAX_DELTA) >= now + MAX_DELTA as u32);
        assert_eq!(realtime(MAX_DELTA + 1), 1);
        assert_eq!(realtime(-1), 1);
        assert_eq!(realtime(abstime(now + 100)), now + 100);
        assert_eq!(realtime(time_t::MAX), u32::MAX);
    }

    #[test]
    fn a_hash_depends_on_the_bytes_and_the_seed() {
        // SAFETY: three bytes each.
        let of = |bytes: &[u8; 3], seed| unsafe { hash(bytes.as_ptr().cast(), 3, seed) };
        assert_eq!(of(b"abc", 1), of(b"abc", 1));
        assert_ne!(of(b"abc", 1), of(b"abd", 1));
        assert_ne!(of(b"abc", 1), of(b"abc", 2));
    }
}
