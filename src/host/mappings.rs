//! Mappings of files whose pages may become unreadable: the one handler of
//! SIGBUS.
//!
//! A page that cannot be read, because the disk fails or the file has been cut
//! short, raises SIGBUS in the thread that touches it. Where it is of a mapping
//! that a plugin has registered, a page of zeros takes its place, and the
//! mapping's flag is set; the thread goes on. Every other SIGBUS goes to who had
//! the signal before.
//!
//! The handler takes no lock and no memory: the mappings stand in a fixed table
//! of atomics.

use libc::{c_int, c_void};
use std::{
    mem::zeroed,
    ptr,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{
            AtomicPtr, AtomicU32, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release, SeqCst},
        },
    },
};

/// How many mappings there may be at once.
const SLOTS: usize = 4096;

/// After so many pages of zeros in a mapping, all that follows is replaced at
/// once: the system has a limit on how many pieces there are.
const MOST_PAGES: u32 = 1024;

/// A mapping. Free: it begins at 0.
struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
    failed: AtomicPtr<u32>,
    pages: AtomicU32,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        failed: AtomicPtr::new(ptr::null_mut()),
        pages: AtomicU32::new(0),
    }
}; SLOTS];

/// Held by who changes the table.
static CHANGING: Mutex<()> = Mutex::new(());

/// The size of a page, and what had the signal before.
static BEFORE: OnceLock<(usize, libc::sigaction)> = OnceLock::new();

/// `kumo_host.register_mapping`.
pub(super) unsafe extern "C" fn register(
    address: *mut c_void,
    length: usize,
    failed: *mut u32,
) -> bool {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let start = address.addr();
    let Some(end) = start.checked_add(length).filter(|end| *end > start && start > 0) else {
        return false;
    };
    let slot = TABLE.iter().find(|slot| slot.start.load(Relaxed) == 0);
    let Some(slot) = slot.filter(|_| !failed.is_null() && installed()) else { return false };
    slot.end.store(end, Relaxed);
    slot.failed.store(failed, Relaxed);
    slot.pages.store(0, Relaxed);
    // What was stored before is seen by who sees this.
    slot.start.store(start, SeqCst);
    true
}

/// `kumo_host.unregister_mapping`.
pub(super) unsafe extern "C" fn unregister(address: *mut c_void) {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let start = address.addr();
    if let Some(slot) = TABLE.iter().find(|slot| start > 0 && slot.start.load(Relaxed) == start) {
        slot.start.store(0, SeqCst);
    }
}

/// Installs the handler, once. The caller holds `CHANGING`.
fn installed() -> bool {
    if BEFORE.get().is_some() {
        return true;
    }
    // SAFETY: a zeroed sigaction is valid, and both are ours; the handler is
    // async-signal-safe, and runs on the thread's alternate stack.
    unsafe {
        let page = libc::sysconf(libc::_SC_PAGESIZE);
        let (mut before, mut action): (libc::sigaction, libc::sigaction) = (zeroed(), zeroed());
        let known = libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut before) == 0;
        let Some(page) = usize::try_from(page).ok().filter(|page| known && page.is_power_of_two())
        else {
            return false;
        };
        let _ = BEFORE.set((page, before));
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) == 0
    }
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: errno is the thread's own, which this must not change; the system
    // hands in what happened.
    unsafe {
        let errno = *libc::__errno_location();
        // A page that is not there, or whose memory is broken; the third kind is
        // an address that is not aligned.
        let is_page = matches!((*info).si_code, libc::BUS_ADRERR | libc::BUS_MCEERR_AR);
        let is_ours = is_page && replace((*info).si_addr().addr());
        *libc::__errno_location() = errno;
        if !is_ours {
            chain(signal, info, context);
        }
    }
}

/// Puts zeros in the place of the page there, if it is of a registered mapping.
fn replace(address: usize) -> bool {
    let Some((page, _)) = BEFORE.get() else { return false };
    for slot in &TABLE {
        let start = slot.start.load(Acquire);
        let end = slot.end.load(Relaxed);
        let failed = slot.failed.load(Relaxed);
        // If another mapping has taken the slot meanwhile, `end` may be its own.
        if !(start..end).contains(&address) || slot.start.load(SeqCst) != start || start == 0 {
            continue;
        }
        let at = address & !(page - 1);
        let is_last = slot.pages.fetch_add(1, Relaxed) >= MOST_PAGES;
        let len = if is_last { end - at } else { *page };
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the contract: the flag is there as long as the mapping is
        // registered, and atomic; the pages are the mapping's, whose owner has
        // agreed to this. mmap is a bare system call.
        return unsafe {
            AtomicU32::from_ptr(failed).store(1, Release);
            libc::mmap(ptr::without_provenance_mut(at), len, access, flags, -1, 0)
                != libc::MAP_FAILED
        };
    }
    false
}

/// Lets who had the signal before have it.
///
/// # Safety
/// The arguments are those of the handler.
unsafe fn chain(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    type Plain = extern "C" fn(c_int);
    type Full = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
    let Some((_, before)) = BEFORE.get() else { return };
    let handler = before.sa_sigaction;
    // SAFETY: what sigaction said of itself: a handler of the one or the other
    // type, or none. Without one the signal comes again when this returns, or by
    // raise, and ends the process.
    unsafe {
        // One that somebody sent is of no address. Rust's own handler would take
        // it for a fault that comes again, and take this one away.
        let was_sent = (*info).si_code <= 0;
        if was_sent || handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            let mut default: libc::sigaction = zeroed();
            default.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(signal, &raw const default, ptr::null_mut());
            if was_sent {
                libc::raise(signal);
            }
        } else if before.sa_flags & libc::SA_SIGINFO != 0 {
            std::mem::transmute::<usize, Full>(handler)(signal, info, context);
        } else {
            std::mem::transmute::<usize, Plain>(handler)(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, os::fd::AsRawFd};

    /// A mapping of a file with so many pages, of which `left` are left.
    fn cut(pages: usize, left: usize) -> (*mut u8, usize, File) {
        // SAFETY: no arguments that matter.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let file = tempfile::tempfile().unwrap();
        file.set_len((pages * page) as u64).unwrap();
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping.
        let at = unsafe {
            libc::mmap(ptr::null_mut(), pages * page, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        assert_ne!(at, libc::MAP_FAILED);
        let at = at.cast::<u8>();
        for n in 0..pages {
            // SAFETY: within the mapping.
            unsafe { at.add(n * page).write_volatile(7) };
        }
        file.set_len((left * page) as u64).unwrap();
        (at, page, file)
    }

    #[test]
    fn what_is_gone_reads_as_zeros_and_the_flag_says_so() {
        let (at, page, _file) = cut(8, 3);
        let failed = AtomicU32::new(0);
        // SAFETY: the mapping and the flag outlive the registration; reads and
        // writes are within the mapping.
        unsafe {
            assert!(register(at.cast(), 8 * page, failed.as_ptr()));
            let read = |n: usize| at.add(n * page).read_volatile();
            assert_eq!((read(0), read(2), failed.load(SeqCst)), (7, 7, 0));
            assert_eq!((read(5), failed.load(SeqCst)), (0, 1));
            // What has been read once stays as it is; the others are as before.
            at.add(5 * page).write_volatile(9);
            assert_eq!((read(5), read(7), read(1)), (9, 0, 7));
            unregister(at.cast());
            libc::munmap(at.cast(), 8 * page);
        }
    }

    #[test]
    fn very_many_pages_are_replaced_at_once() {
        let pages = MOST_PAGES as usize * 2;
        let (at, page, _file) = cut(pages, 0);
        let failed = AtomicU32::new(0);
        // SAFETY: as above.
        unsafe {
            assert!(register(at.cast(), pages * page, failed.as_ptr()));
            assert!((0..pages).all(|n| at.add(n * page).read_volatile() == 0));
            let slot = TABLE.iter().find(|slot| slot.start.load(SeqCst) == at.addr()).unwrap();
            assert_eq!(slot.pages.load(SeqCst), MOST_PAGES + 1);
            unregister(at.cast());
            libc::munmap(at.cast(), pages * page);
        }
    }

    #[test]
    fn what_cannot_be_registered_is_refused() {
        let mut failed = 0;
        let (nothing, somewhere) = (ptr::null_mut(), ptr::without_provenance_mut(4096));
        // SAFETY: nothing is mapped there, and nothing is touched.
        unsafe {
            assert!(!register(nothing, 4096, &raw mut failed));
            assert!(!register(somewhere, 0, &raw mut failed));
            assert!(!register(somewhere, usize::MAX, &raw mut failed));
            assert!(!register(somewhere, 4096, ptr::null_mut()));
            unregister(nothing);
            unregister(somewhere);
        }
    }
}
