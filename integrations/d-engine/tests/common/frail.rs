//! An engine whose writes stop when a test says so, and whose "disk" stays: what a
//! kill between two writes leaves behind can be opened again. It has no batch.

use kumo_plugin::{CasProc, Error, Location, Optional, Storage, Value, Visit};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    ffi::CStr,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

#[derive(Default)]
struct Disk {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How many writes there may be still; None: any number.
    writes: Option<usize>,
}

impl Disk {
    fn write(&mut self) -> Result<(), Error> {
        match &mut self.writes {
            None => {}
            Some(0) => return Err(Error::other("the disk is gone")),
            Some(left) => *left -= 1,
        }
        Ok(())
    }
}

static DISKS: LazyLock<Mutex<HashMap<PathBuf, Arc<Mutex<Disk>>>>> = LazyLock::new(Mutex::default);

/// The disk of a database.
fn disk(path: &Path) -> Arc<Mutex<Disk>> {
    Arc::clone(DISKS.lock().entry(path.to_owned()).or_default())
}

/// Has the writes of all databases in a directory stop after so many each, or go
/// on.
pub fn allow_writes(directory: &Path, writes: Option<usize>) {
    for (path, disk) in &*DISKS.lock() {
        if path.starts_with(directory) {
            disk.lock().writes = writes;
        }
    }
}

/// Damages the values of the longest record in a directory.
pub fn damage(directory: &Path) {
    for (path, disk) in &*DISKS.lock() {
        if path.starts_with(directory) {
            let mut disk = disk.lock();
            let longest = disk.records.values_mut().max_by_key(|value| value.len());
            if let Some(last) = longest.and_then(|value| value.last_mut()) {
                *last ^= 1;
            }
        }
    }
}

/// Loses the longest record in a directory.
pub fn lose(directory: &Path) {
    for (path, disk) in &*DISKS.lock() {
        if path.starts_with(directory) {
            let records = &mut disk.lock().records;
            let longest = records.iter().max_by_key(|(_, value)| value.len());
            if let Some(key) = longest.map(|(key, _)| key.clone()) {
                records.remove(&key);
            }
        }
    }
}

pub struct Frail(Arc<Mutex<Disk>>);

impl Storage for Frail {
    const NAME: &'static CStr = c"frail";
    const VERSION: &'static CStr = c"1.0.0";
    const DESCRIPTION: &'static CStr = c"stops when a test says so";
    const OPTIONAL: Optional<Self> = Optional::NONE;

    fn open(location: &Location) -> Result<Self, Error> {
        Ok(Self(disk(&location.path)))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        Ok(self.0.lock().records.get(key).cloned().map(Value::from))
    }

    fn set(&self, key: &[u8], val: &[u8]) -> Result<(), Error> {
        let mut disk = self.0.lock();
        disk.write()?;
        disk.records.insert(key.to_vec(), val.to_vec());
        Ok(())
    }

    fn del(&self, key: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let mut disk = self.0.lock();
        let Some(value) = disk.records.get(key) else { return Ok(false) };
        if !proc(value) {
            return Ok(false);
        }
        disk.write()?;
        disk.records.remove(key);
        Ok(true)
    }

    fn update(&self, key: &[u8], val: &[u8], proc: CasProc<'_>) -> Result<bool, Error> {
        let mut disk = self.0.lock();
        if disk.records.get(key).is_some_and(|value| !proc(value)) {
            return Ok(false);
        }
        disk.write()?;
        disk.records.insert(key.to_vec(), val.to_vec());
        Ok(true)
    }

    fn for_each(&self, visit: Visit<'_>) -> Result<(), Error> {
        for (key, value) in &self.0.lock().records {
            if let ControlFlow::Break(()) = visit(key, value) {
                break;
            }
        }
        Ok(())
    }
}
