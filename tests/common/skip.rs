//! A test that cannot run here says so, and fails where it must run.

use std::{env, fmt::Display, io::Write};

/// Returns from the test, with a reason. Where `KUMO_TEST_NO_SKIP=1`, as in
/// CI, it panics instead.
macro_rules! skip {
    ($($reason:tt)*) => {{
        $crate::common::skip::note(format_args!($($reason)*));
        return;
    }};
}
pub(crate) use skip;

pub fn note(reason: impl Display) {
    assert!(
        env::var_os("KUMO_TEST_NO_SKIP").is_none_or(|value| value != "1"),
        "skipped, where KUMO_TEST_NO_SKIP=1: {reason}"
    );
    // Not eprintln!, which the test harness swallows when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}
