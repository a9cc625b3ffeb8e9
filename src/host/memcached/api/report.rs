//! What an engine hands over in the course of a call.

use crate::host::{
    memcached::{abi::cookie, connection::Response, cookie::Cookie},
    storage::slice_at,
};
use libc::{c_char, c_void};

/// The most that one report of statistics may hold, in bytes.
const MAX_STATS: usize = 1 << 20;

/// `ADD_STAT`. What does not fit is left out.
pub(in crate::host::memcached) unsafe extern "C-unwind" fn add_stat(
    key: *const c_char,
    key_len: u16,
    value: *const c_char,
    value_len: u32,
    cookie: cookie,
) {
    // SAFETY: the contract: the cookie of the present call.
    let Some(cookie) = (unsafe { Cookie::of(cookie) }) else { return };
    let mut reported = cookie.reported.lock();
    let size = usize::from(key_len) + value_len as usize;
    if (key_len == 0 && !reported.as_they_came) || reported.stats_size + size > MAX_STATS {
        return;
    }
    reported.stats_size += size;
    // SAFETY: the contract: so many bytes each.
    let (key, value) =
        unsafe { (slice_at(key, key_len.into()), slice_at(value, value_len as usize)) };
    if reported.as_they_came {
        reported.raw.push((key.to_vec(), value.to_vec()));
        return;
    }
    reported.stats.push((on_a_line(key, b'_'), on_a_line(value, b' ')));
}

/// A text that breaks no line: other bytes in the place of control characters,
/// and, in a name, of spaces.
fn on_a_line(text: &[u8], instead: u8) -> String {
    let breaks = |byte: u8| byte.is_ascii_control() || (byte == b' ' && instead != b' ');
    let fit = text.iter().map(|&byte| if breaks(byte) { instead } else { byte });
    String::from_utf8_lossy(&fit.collect::<Vec<_>>()).into_owned()
}

/// `ADD_RESPONSE`.
#[allow(clippy::too_many_arguments)] // the interface's
pub(in crate::host::memcached) unsafe extern "C-unwind" fn add_response(
    _key: *const c_void,
    _key_len: u16,
    extras: *const c_void,
    extras_len: u8,
    body: *const c_void,
    body_len: u32,
    _datatype: u8,
    status: u16,
    cas: u64,
    cookie: cookie,
) -> bool {
    // SAFETY: the contract: the cookie of the present call.
    let Some(cookie) = (unsafe { Cookie::of(cookie) }) else { return false };
    // SAFETY: the contract: so many bytes each.
    let (extras, body) = unsafe {
        (slice_at(extras.cast(), extras_len.into()), slice_at(body.cast(), body_len as usize))
    };
    let mut copy = Vec::new();
    if copy.try_reserve_exact(body.len()).is_err() {
        return false;
    }
    copy.extend_from_slice(body);
    let response = Response { status, cas, extras: extras.to_vec(), body: copy };
    cookie.reported.lock().response = Some(response);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_break_no_line() {
        assert_eq!(on_a_line(b"a b\r\nc", b'_'), "a_b__c");
        assert_eq!(on_a_line(b"a b\r\nc", b' '), "a b  c");
    }
}
