//! What `get` returns: bytes, and whatever keeps them where they are.

use crate::{error::Error, guard};
use libc::c_void;
use std::{
    alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error},
    fmt,
    marker::PhantomData,
    ops::Deref,
    ptr, slice,
    sync::Arc,
};

/// A value that `get` found. The host reads it where it is; no way of making
/// one but [`copy`](Self::copy) copies a byte.
///
/// | what the engine has                     | how it returns it            | allocations |
/// |-----------------------------------------|------------------------------|-------------|
/// | bytes that stay while the engine lives  | `Value::from(&self.bytes)`   | none        |
/// | an `Arc` of something that has bytes    | [`Value::shared`]            | none        |
/// | bytes that a count of readers keeps     | [`Value::held`]              | none        |
/// | bytes that it must copy (under a lock)  | [`Value::copy`]              | one in all  |
/// | bytes that it reads, say from a file    | [`Value::fill`]              | one in all  |
/// | a guard, a mapping, any other owner     | [`Value::pin`]               | one more    |
/// | `Vec<u8>`, `Box<[u8]>`, `Arc<[u8]>`     | `Value::from(bytes)`         | one more    |
///
/// The host keeps a value until it has sent it: it stays as it was read,
/// whatever happens to the record meanwhile, and goes before `close` is called.
/// The owner is dropped then, in a parallel engine perhaps on another thread. A
/// panic in that drop is caught and logged.
pub struct Value<'a> {
    bytes: *const [u8],
    owner: Option<Owner>,
    // What is borrowed, or what the owner borrows.
    lives: PhantomData<&'a [u8]>,
}

/// What counts the values that are read from it: see [`Value::held`].
pub trait Hold: Sync {
    /// Ends the hold of one value; perhaps on another thread than it began.
    fn release(&self);
}

/// One hold, which ends when this is dropped.
struct Held<'a, T: Hold>(&'a T);

impl<T: Hold> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Something in memory that `release(data)` gives back: what a zone's finalizer
/// is made of.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub release: unsafe extern "C-unwind" fn(*mut c_void),
    pub data: *mut c_void,
}

// SAFETY: the bytes are only read, and every owner is Send.
unsafe impl Send for Value<'_> {}

impl<'a> Value<'a> {
    /// Bytes that `owner` keeps where they are, until it is dropped.
    ///
    /// ```
    /// # use kumo_plugin::Value;
    /// struct Record { key_len: usize, bytes: Vec<u8> }
    /// # let record = Record { key_len: 3, bytes: b"keyvalue".to_vec() };
    /// let value = Value::pin(record, |record| &record.bytes[record.key_len..]);
    /// assert_eq!(*value, *b"value");
    /// ```
    pub fn pin<T: Send + 'a>(owner: T, bytes: impl FnOnce(&T) -> &[u8]) -> Self {
        unsafe extern "C-unwind" fn release<T>(data: *mut c_void) {
            // SAFETY: pin made it of a Box<T>, and it is released once.
            give_back(unsafe { Box::from_raw(data.cast::<T>()) });
        }
        let owner = Box::into_raw(Box::new(owner));
        let mut value = Self::owned_by(Owner { release: release::<T>, data: owner.cast() });
        // SAFETY: the owner does not move, and nothing refers to it mutably
        // before it is released; so the bytes stay.
        value.bytes = bytes(unsafe { &*owner });
        value
    }

    /// Bytes that belong to something shared. No allocation.
    ///
    /// ```
    /// # use {kumo_plugin::Value, std::sync::Arc};
    /// let stored: Arc<Vec<u8>> = Arc::new(b"value".to_vec());
    /// let value = Value::shared(stored.clone(), |stored| stored);
    /// assert_eq!(*value, *b"value");
    /// ```
    pub fn shared<T: Send + Sync + 'a>(owner: Arc<T>, bytes: impl FnOnce(&T) -> &[u8]) -> Self {
        unsafe extern "C-unwind" fn release<T>(data: *mut c_void) {
            // SAFETY: shared made it of an Arc<T>, and it is released once.
            give_back(unsafe { Arc::from_raw(data.cast::<T>()) });
        }
        let owner = Arc::into_raw(owner);
        let data = owner.cast_mut().cast();
        let mut value = Self::owned_by(Owner { release: release::<T>, data });
        // SAFETY: what an Arc shares does not move and is not changed.
        value.bytes = bytes(unsafe { &*owner });
        value
    }

    /// Bytes that stay until `holder` is told that they are not needed any more,
    /// once for this value. No allocation.
    ///
    /// ```
    /// # use {kumo_plugin::{Hold, Value}, std::sync::atomic::{AtomicUsize, Ordering}};
    /// struct Page { readers: AtomicUsize, bytes: Vec<u8> }
    /// impl Hold for Page {
    ///     fn release(&self) {
    ///         self.readers.fetch_sub(1, Ordering::Release);
    ///     }
    /// }
    /// # let page = Page { readers: AtomicUsize::new(0), bytes: b"value".to_vec() };
    /// page.readers.fetch_add(1, Ordering::SeqCst);
    /// let value = Value::held(&page, &page.bytes);
    /// assert_eq!(*value, *b"value");
    /// ```
    pub fn held<T: Hold>(holder: &'a T, bytes: &'a [u8]) -> Self {
        unsafe extern "C-unwind" fn release<T: Hold>(data: *mut c_void) {
            // SAFETY: held made it of a &T that lives longer than the value.
            let holder = unsafe { &*data.cast::<T>() };
            give_back(Held(holder));
        }
        let data = ptr::from_ref(holder).cast_mut().cast();
        let mut value = Self::owned_by(Owner { release: release::<T>, data });
        value.bytes = bytes;
        value
    }

    /// A copy of bytes that do not stay, such as those behind a lock. One
    /// allocation; like `Vec`, it ends the process where there is no memory.
    pub fn copy(bytes: &[u8]) -> Self {
        let layout = buffer(bytes.len()).unwrap_or_else(|| handle_alloc_error(Layout::new::<u8>()));
        // SAFETY: the layout has a size above 0.
        let memory = unsafe { alloc(layout) };
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: as many bytes as the layout has are ours, and new.
        unsafe {
            memory.cast::<usize>().write(bytes.len());
            let start = memory.add(HEAD);
            ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
            Self::in_buffer(memory, bytes.len())
        }
    }

    /// `len` bytes that `fill` puts in the place of zeros. One allocation; an
    /// error where there is no memory for it.
    ///
    /// ```
    /// # use {kumo_plugin::{Error, Value}, std::{fs::File, os::unix::fs::FileExt}};
    /// fn read(file: &File, at: u64, len: usize) -> Result<Value<'static>, Error> {
    ///     Value::fill(len, |bytes| Ok(file.read_exact_at(bytes, at)?))
    /// }
    /// ```
    pub fn fill(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let layout = buffer(len).ok_or_else(|| Error::no_memory(len))?;
        // SAFETY: the layout has a size above 0.
        let memory = unsafe { alloc_zeroed(layout) };
        if memory.is_null() {
            return Err(Error::no_memory(len));
        }
        // SAFETY: as many bytes as the layout has are ours, and zeros; the
        // slice is gone before anything else reads them.
        unsafe {
            memory.cast::<usize>().write(len);
            let value = Self::in_buffer(memory, len);
            fill(slice::from_raw_parts_mut(memory.add(HEAD), len))?;
            Ok(value)
        }
    }

    /// # Safety
    /// `memory` was allocated with the layout of a buffer of `len` bytes and
    /// begins with that number; from now on it is the value's.
    unsafe fn in_buffer(memory: *mut u8, len: usize) -> Self {
        unsafe extern "C-unwind" fn release(data: *mut c_void) {
            // SAFETY: it begins with the length that its layout was made of.
            unsafe {
                if let Some(layout) = buffer(data.cast::<usize>().read()) {
                    dealloc(data.cast(), layout);
                }
            }
        }
        let mut value = Self::owned_by(Owner { release, data: memory.cast() });
        // SAFETY: the bytes stand behind the head.
        value.bytes = ptr::slice_from_raw_parts(unsafe { memory.add(HEAD) }, len);
        value
    }

    /// An owner from which no bytes have been taken yet.
    fn owned_by(owner: Owner) -> Self {
        Self { bytes: &[], owner: Some(owner), lives: PhantomData }
    }

    /// What is to be released when the bytes are not needed any more: the
    /// caller's from now on, as long as the bytes are read.
    #[inline]
    pub(crate) fn take_owner(&mut self) -> Option<Owner> {
        self.owner.take()
    }
}

/// Drops an owner. If that panics, it is reported and goes no further.
#[inline]
fn give_back<O>(owner: O) {
    guard::entry("the drop of a value", (), || {
        drop(owner);
        Ok(())
    });
}

/// A buffer's bytes stand behind their number, by which it can be given back
/// with a pointer alone.
const HEAD: usize = size_of::<usize>();

/// The memory of a buffer; None where no machine has as much.
fn buffer(len: usize) -> Option<Layout> {
    Layout::from_size_align(HEAD.checked_add(len)?, align_of::<usize>()).ok()
}

// Of Value and not of Owner: so the compiler knows that what an owner borrows
// must live when it is dropped.
impl Drop for Value<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(owner) = self.owner {
            // SAFETY: it is released once, here or by who took it.
            unsafe { (owner.release)(owner.data) };
        }
    }
}

impl Deref for Value<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: borrowed for longer than this value lives, or kept by its
        // owner.
        unsafe { &*self.bytes }
    }
}

impl AsRef<[u8]> for Value<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, owner: None, lives: PhantomData }
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    #[inline]
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::pin(bytes, |bytes| bytes)
    }
}

impl From<Box<[u8]>> for Value<'_> {
    fn from(bytes: Box<[u8]>) -> Self {
        Self::pin(bytes, |bytes| bytes)
    }
}

impl From<Arc<[u8]>> for Value<'_> {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::pin(bytes, |bytes| bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Readers(AtomicUsize);

    impl Hold for Readers {
        fn release(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_way_gives_the_bytes() {
        let long: Vec<u8> = (0..100_000).map(|n: u32| (n % 251) as u8).collect();
        for bytes in [&b""[..], b"x", b"\0binary\xff", &long] {
            let fill = |into: &mut [u8]| {
                assert!(into.iter().all(|&byte| byte == 0));
                into.copy_from_slice(bytes);
                Ok(())
            };
            for value in [
                Value::from(bytes),
                Value::from(&bytes.to_vec()),
                Value::from(bytes.to_vec()),
                Value::from(Box::<[u8]>::from(bytes)),
                Value::from(Arc::<[u8]>::from(bytes)),
                Value::pin(bytes.to_vec(), |owner| owner),
                Value::held(&Readers::default(), bytes),
                Value::shared(Arc::new(bytes.to_vec()), |owner| owner),
                Value::copy(bytes),
                Value::fill(bytes.len(), fill).unwrap(),
            ]
            .iter()
            .map(|value| (value.to_vec(), value.len()))
            {
                assert_eq!(value, (bytes.to_vec(), bytes.len()));
            }
        }
    }

    #[test]
    fn an_owner_is_dropped_once_whichever_way_it_goes() {
        struct Counted<'a>(&'a AtomicUsize, [u8; 3]);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let dropped = AtomicUsize::new(0);
        let counted = || Counted(&dropped, *b"abc");
        // Bytes within the owner itself do not move either.
        let value = Value::pin(counted(), |owner| &owner.1);
        let moved = vec![value];
        assert_eq!((&*moved[0], dropped.load(Ordering::Relaxed)), (&b"abc"[..], 0));
        drop(moved);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        let shared = Arc::new(counted());
        drop(Value::shared(shared.clone(), |owner| &owner.1));
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        drop(shared);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        let readers = Readers::default();
        let value = Value::held(&readers, b"abc");
        assert_eq!(readers.0.load(Ordering::Relaxed), 0);
        drop(value);
        assert_eq!(readers.0.load(Ordering::Relaxed), 1);
        let failed = std::panic::catch_unwind(|| Value::pin(counted(), |_| panic!("no bytes")));
        assert!(failed.is_err());
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_cannot_be_filled_is_an_error() {
        let error = Value::fill(usize::MAX, |_| Ok(())).unwrap_err();
        assert_eq!(error.code(), crate::ErrorCode::Memory);
        let error = Value::fill(5, |_| Err(Error::corrupt("oops"))).unwrap_err();
        assert_eq!(error.text(), "oops");
    }
}
