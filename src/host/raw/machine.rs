//! What the machine gives the kit: limits, and how much memory is in use.

use std::io;

/// How much memory this process has allocated and not freed, in bytes, by libc's
/// own count; None where libc does not count.
pub fn heap_in_use() -> Option<u64> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it only reads the allocator's counts.
        let counts = unsafe { libc::mallinfo2() };
        Some(counts.uordblks as u64 + counts.hblkhd as u64)
    }
    #[cfg(not(target_env = "gnu"))]
    None
}

/// A write beyond the limit on file sizes shall fail with EFBIG, not end the
/// process.
pub fn ignore_file_size_signal() {
    // SAFETY: SIG_IGN is always allowed.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Lets this process have no more than `more` bytes of address space beyond
/// what it has now.
pub fn limit_memory(more: u64) -> io::Result<()> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")?
        .split(' ')
        .next()
        .and_then(|pages| pages.parse().ok())
        .ok_or_else(|| io::Error::other("no size in /proc/self/statm"))?;
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(1) as u64;
    let limit = pages * page + more;
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: the struct is valid.
    match unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
