//! The operations on one key, or on several.

use super::{
    casproc::Comparison,
    failure::Failure,
    services::take_error,
    storage::{Opened, Pins, Storage, c_bytes, check, slice_at},
};
use kumo_plugin::{
    ErrorCode,
    abi::kumo_change,
    zone::{Zone, msgpack_zone},
};
use libc::c_char;
use std::ptr;

/// What became of a delete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delete {
    /// The record is gone.
    Deleted,
    /// The comparison refused.
    Refused,
    /// There was no such record.
    Absent,
}

/// What became of an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// The value is stored.
    Stored,
    /// The comparison refused.
    Refused,
}

/// A comparison that a delete or an update asks: shown the present value, it
/// says whether to go on. It may run on another thread.
pub type Ask<'a> = &'a mut (dyn FnMut(&[u8]) -> bool + Send);

/// A put or a delete, of several that are carried out together.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Store this value under this key.
    Put(&'a [u8], &'a [u8]),
    /// Delete this key, if it is there.
    Delete(&'a [u8]),
}

/// What the table's `get` found: where, and how long.
type FoundAt = Option<(*const c_char, usize)>;

impl Opened {
    fn find(&self, key: &[u8], zone: *mut msgpack_zone) -> Result<FoundAt, Failure> {
        let (key, keylen) = c_bytes(key);
        let mut len = 0;
        // SAFETY: `data` is open; the zone is this call's.
        let value = unsafe { (self.plugin.table.get)(self.data(), key, keylen, &mut len, zone) };
        if value.is_null() {
            return take_error().map_or(Ok(None), Err);
        }
        Ok(Some((value, len as usize)))
    }

    /// A value, copied: for engines whose finalizers may not run just anywhere.
    pub fn copied(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.call("get", |it| {
            let mut zone = Zone::new();
            let found = it.find(key, zone.as_ptr())?;
            // SAFETY: the contract: the value lives until the zone is cleared.
            let copy = found.map(|(value, len)| unsafe { slice_at(value, len) }.to_vec());
            zone.clear();
            Ok(copy)
        })
    }

    /// Makes a write that a backup of the host's may have to see first.
    fn write<R>(&self, keys: &[&[u8]], write: impl FnOnce() -> R) -> R {
        match &self.gate {
            None => write(),
            Some(gate) => gate.write(self, keys, write),
        }
    }
}

/// Moves bytes into a zone: they live until it is cleared.
fn keep<'a>(bytes: &[u8], zone: &'a Zone) -> Result<&'a [u8], Failure> {
    // SAFETY: a zone is not shared between threads, and no one else has a
    // reference into it now.
    let memory = unsafe { &mut *zone.as_ptr() }.malloc(bytes.len().max(1)).cast::<u8>();
    if memory.is_null() {
        return Err(Failure::new(ErrorCode::Memory, "no memory for a value"));
    }
    // SAFETY: the memory is new and long enough, and lives as the zone does.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
        Ok(slice_at(memory.cast(), bytes.len()))
    }
}

impl Storage {
    /// Finds a value. It stays where it is until the pins are cleared.
    pub fn get<'a>(&self, key: &[u8], pins: &'a Pins) -> Result<Option<&'a [u8]>, Failure> {
        let it = &*self.0;
        let zone = pins.hold(self)?;
        check(key, &[])?;
        if !it.plugin.threads.is_parallel() {
            return it.copied(key)?.map(|value| keep(&value, zone)).transpose();
        }
        let found = it.here("get", |it| it.find(key, zone.as_ptr()))?;
        // SAFETY: the contract: the value lives until the zone is cleared,
        // which takes the pins exclusively; and they keep the storage open.
        Ok(found.map(|(value, len)| unsafe { slice_at(value, len) }))
    }

    /// Whether several values are found in one call.
    pub fn has_get_many(&self) -> bool {
        self.0.plugin.table.getv.is_some() && self.0.plugin.threads.is_parallel()
    }

    /// Finds several values, in one call where the engine can.
    pub fn get_many<'a>(
        &self,
        keys: &[&[u8]],
        pins: &'a Pins,
    ) -> Result<Vec<Option<&'a [u8]>>, Failure> {
        let it = &*self.0;
        let zone = pins.hold(self)?;
        let (Some(getv), true, Ok(num)) =
            (it.plugin.table.getv, it.plugin.threads.is_parallel(), u32::try_from(keys.len()))
        else {
            return keys.iter().map(|key| self.get(key, pins)).collect();
        };
        keys.iter().try_for_each(|key| check(key, &[]))?;
        let (starts, lens): (Vec<_>, Vec<_>) = keys.iter().map(|key| c_bytes(key)).unzip();
        let mut vals = vec![ptr::null(); keys.len()];
        let mut vallens = vec![0; keys.len()];
        it.here("getv", |it| {
            // SAFETY: `data` is open; the arrays have `num` elements.
            let done = unsafe {
                getv(
                    it.data(),
                    starts.as_ptr(),
                    lens.as_ptr(),
                    num,
                    vals.as_mut_ptr(),
                    vallens.as_mut_ptr(),
                    zone.as_ptr(),
                )
            };
            if done { Ok(()) } else { Err(it.failure("getv")) }
        })?;
        let found = vals.into_iter().zip(vallens).map(|(value, len)| {
            // SAFETY: as for `get`.
            (!value.is_null()).then(|| unsafe { slice_at(value, len as usize) })
        });
        Ok(found.collect())
    }

    /// Copies as much of the start of a value as fits into `head`; None where
    /// there is no such key.
    pub fn get_header<'a>(
        &self,
        key: &[u8],
        head: &'a mut [u8],
    ) -> Result<Option<&'a [u8]>, Failure> {
        check(key, head)?;
        let Some(get_header) = self.0.plugin.table.get_header else {
            let pins = Pins::new();
            let value = self.get(key, &pins)?;
            return Ok(value.map(|value| {
                let len = value.len().min(head.len());
                head[..len].copy_from_slice(&value[..len]);
                &head[..len]
            }));
        };
        let copied = self.0.call("get_header", |it| {
            let ((key, keylen), room) = (c_bytes(key), head.len() as u32);
            // SAFETY: `data` is open; `head` has `room` bytes.
            let copied =
                unsafe { get_header(it.data(), key, keylen, head.as_mut_ptr().cast(), room) };
            take_error().map_or(Ok(copied), Err)
        })?;
        // Two of the original modules say 0 for "not there"; a record of the
        // host's is never empty.
        let copied = usize::try_from(copied).unwrap_or(0).min(head.len());
        Ok((copied > 0).then(|| &head[..copied]))
    }

    /// Stores a value.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        check(key, value)?;
        let it = &*self.0;
        it.write(&[key], || {
            it.call("set", |it| {
                let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(value));
                // SAFETY: `data` is open.
                let stored = unsafe { (it.plugin.table.set)(it.data(), key, keylen, val, vallen) };
                if stored { Ok(()) } else { Err(it.failure("set")) }
            })
        })
    }

    /// Deletes a record if `ask`, shown its value, agrees.
    pub fn del(&self, key: &[u8], ask: Ask<'_>) -> Result<Delete, Failure> {
        check(key, &[])?;
        let it = &*self.0;
        it.write(&[key], || {
            it.call("del", |it| {
                let (key, keylen) = c_bytes(key);
                let mut cas = Comparison::new(ask);
                let (proc, casdata) = (cas.proc(), cas.data());
                // SAFETY: `data` is open; the comparison outlives the call.
                let deleted =
                    unsafe { (it.plugin.table.del)(it.data(), key, keylen, proc, casdata) };
                match (deleted, cas.asked, cas.agreed) {
                    (true, ..) => Ok(Delete::Deleted),
                    (false, true, false) => Ok(Delete::Refused),
                    (false, true, true) => Err(it.failure("del")),
                    (false, false, _) => take_error().map_or(Ok(Delete::Absent), Err),
                }
            })
        })
    }

    /// Stores a value if there is none yet, or if `ask`, shown the present
    /// one, agrees.
    pub fn update(&self, key: &[u8], value: &[u8], ask: Ask<'_>) -> Result<Update, Failure> {
        check(key, value)?;
        let it = &*self.0;
        it.write(&[key], || {
            it.call("update", |it| {
                let ((key, keylen), (val, vallen)) = (c_bytes(key), c_bytes(value));
                let mut cas = Comparison::new(ask);
                let (proc, casdata) = (cas.proc(), cas.data());
                let update = it.plugin.table.update;
                // SAFETY: `data` is open; the comparison outlives the call.
                let stored = unsafe { update(it.data(), key, keylen, val, vallen, proc, casdata) };
                match (stored, cas.asked, cas.agreed) {
                    (true, ..) => Ok(Update::Stored),
                    (false, true, false) => Ok(Update::Refused),
                    (false, ..) => Err(it.failure("update")),
                }
            })
        })
    }

    /// Stores several values, in order; in few calls where the engine can. What
    /// precedes one that fails is stored.
    pub fn set_many(&self, records: &[(&[u8], &[u8])]) -> Result<(), Failure> {
        let Some(updatev) = self.0.plugin.table.updatev else {
            return records.iter().try_for_each(|(key, value)| self.set(key, value));
        };
        records.iter().try_for_each(|(key, value)| check(key, value))?;
        let it = &*self.0;
        for part in records.chunks(usize::from(u16::MAX)) {
            let written: Vec<&[u8]> = part.iter().map(|(key, _)| *key).collect();
            it.write(&written, || {
                it.call("updatev", |it| {
                    let start = |bytes: &[u8]| bytes.as_ptr().cast::<c_char>();
                    let mut keys: Vec<_> = part.iter().map(|(key, _)| start(key)).collect();
                    let keylens: Vec<_> = part.iter().map(|(key, _)| key.len()).collect();
                    let mut vals: Vec<_> = part.iter().map(|(_, value)| start(value)).collect();
                    let vallens: Vec<_> = part.iter().map(|(_, value)| value.len()).collect();
                    // SAFETY: `data` is open; the arrays have as many elements.
                    let stored = unsafe {
                        updatev(
                            it.data(),
                            keys.as_mut_ptr(),
                            keylens.as_ptr(),
                            vals.as_mut_ptr(),
                            vallens.as_ptr(),
                            part.len() as u16,
                        )
                    };
                    if usize::try_from(stored).is_ok_and(|stored| stored == part.len()) {
                        Ok(())
                    } else {
                        Err(it.failure("updatev"))
                    }
                })
            })?;
        }
        Ok(())
    }

    /// Carries out several changes, in order, all or none. None: the engine
    /// cannot, and nothing has been done.
    pub fn batch(&self, changes: &[Change<'_>]) -> Result<Option<()>, Failure> {
        let Some(batch) = self.0.plugin.table.batch else { return Ok(None) };
        let keys: Vec<&[u8]> = changes
            .iter()
            .map(|change| match *change {
                Change::Put(key, _) | Change::Delete(key) => key,
            })
            .collect();
        let it = &*self.0;
        it.write(&keys, || {
            it.call("batch", |it| {
                let changes: Vec<kumo_change> = changes.iter().map(c_change).collect();
                // SAFETY: `data` is open; so many changes are there.
                let done = unsafe { batch(it.data(), changes.as_ptr(), changes.len()) };
                if done { Ok(Some(())) } else { Err(it.failure("batch")) }
            })
        })
    }
}

/// A change as C takes it.
pub(super) fn c_change(change: &Change<'_>) -> kumo_change {
    let (key, value) = match *change {
        Change::Put(key, value) => (key, Some(value)),
        Change::Delete(key) => (key, None),
    };
    kumo_change {
        key: key.as_ptr().cast(),
        keylen: key.len(),
        val: value.map_or(ptr::null(), |value| value.as_ptr().cast()),
        vallen: value.map_or(0, <[u8]>::len),
    }
}
