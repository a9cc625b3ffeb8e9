//! Expiry times: what a client gives, and what is stored.

use std::time::{SystemTime, UNIX_EPOCH};

/// From here on a client's expiry is a UNIX time and not a number of seconds
/// from now: 30 days, as in memcached.
const ABSOLUTE_FROM: i32 = 60 * 60 * 24 * 30;

/// A stored expiry that has always passed.
const AT_ONCE: u32 = 1;

/// The wall clock in UNIX seconds.
pub(super) fn wall() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

/// The UNIX time at which an item expires, from what the client gave; None:
/// never.
pub(super) fn expiry(exptime: i32, now: u32) -> Option<u32> {
    match exptime {
        0 => None,
        ..0 => Some(AT_ONCE),
        1..=ABSOLUTE_FROM => Some(now.saturating_add(exptime.unsigned_abs())),
        _ => Some(exptime.unsigned_abs()),
    }
}

/// Whether an item with this expiry is gone.
pub(super) fn has_expired(expiry: Option<u32>, now: u32) -> bool {
    expiry.is_some_and(|at| at <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_s_expiry_is_relative_up_to_thirty_days() {
        let now = 1_800_000_000;
        assert_eq!(expiry(0, now), None);
        assert_eq!(expiry(-1, now), Some(AT_ONCE));
        assert_eq!(expiry(i32::MIN, now), Some(AT_ONCE));
        assert_eq!(expiry(1, now), Some(now + 1));
        assert_eq!(expiry(2_592_000, now), Some(now + 2_592_000));
        assert_eq!(expiry(2_592_001, now), Some(2_592_001));
        assert_eq!(expiry(i32::MAX, now), Some(2_147_483_647));
    }

    #[test]
    fn an_item_is_gone_when_its_second_comes() {
        assert!(!has_expired(None, u32::MAX));
        assert!(!has_expired(Some(101), 100));
        assert!(has_expired(Some(100), 100));
        assert!(has_expired(expiry(-1, 100), 100));
    }
}
