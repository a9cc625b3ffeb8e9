//! A backup for engines that have none of their own: a second instance, opened
//! at the copy's name, is filled by a scan.
//!
//! The copy is the database at one point in time although writes go on: from
//! that point on, a write first puts what its key had then into the copy, if it
//! is the first write of that key. The scan leaves such keys alone.

use super::{
    failure::Failure,
    storage::{Opened, Storage},
};
use kumo_plugin::{ErrorCode, abi::KUMO_CAP_VOLATILE};
use sha1::{Digest, Sha1};
use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::{self, File},
    ops::ControlFlow,
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// Where writes are seen while a backup is made.
#[derive(Default)]
pub(super) struct Gate(RwLock<Option<Arc<Copying>>>);

/// A backup under way.
struct Copying {
    copy: Storage,
    /// The keys that have been written since it began, as hashes of 160 bits:
    /// long enough to be taken for the keys.
    written: Mutex<HashSet<[u8; 20]>>,
    /// Why it cannot be completed.
    failed: Mutex<Option<Failure>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is changed in one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// Makes a write. Writes of one key do not come at the same time: who calls
    /// holds the key's lock.
    pub fn write<R>(&self, storage: &Opened, keys: &[&[u8]], write: impl FnOnce() -> R) -> R {
        let copying = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(copying) = &*copying {
            keys.iter().for_each(|key| copying.save(storage, key));
        }
        write()
    }

    /// Sets what the writes from now on are told. Waits for those under way.
    fn set(&self, copying: Option<Arc<Copying>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = copying;
    }
}

impl Copying {
    /// Puts what a key has into the copy, before its first write.
    fn save(&self, storage: &Opened, key: &[u8]) {
        if !lock(&self.written).insert(Sha1::digest(key).into()) {
            return;
        }
        let saved = storage.copied(key).and_then(|value| match value {
            Some(value) => self.copy.set(key, &value),
            None => Ok(()),
        });
        if let Err(failure) = saved {
            lock(&self.failed).get_or_insert(failure);
        }
    }

    /// Whether a record that the scan shows is still as it was. If it is written
    /// just now, the scan and the write both put the same value into the copy.
    fn is_unwritten(&self, key: &[u8]) -> bool {
        !lock(&self.written).contains::<[u8; 20]>(&Sha1::digest(key).into())
    }
}

/// Writes a copy to `dst` by way of `dst.tmp`. `location` is how the copy is
/// opened: `dst` and the parameters.
pub(super) fn backup(storage: &Storage, dst: &Path, location: &OsStr) -> Result<(), Failure> {
    let plugin = &storage.0.plugin;
    if plugin.caps & KUMO_CAP_VOLATILE != 0 {
        return Err(Failure::new(
            ErrorCode::Unsupported,
            format!("{} keeps its data in memory and has no backup", plugin.name),
        ));
    }
    if fs::symlink_metadata(dst).is_ok() {
        return Err(Failure::new(ErrorCode::Invalid, format!("{} exists", dst.display())));
    }
    let mut tmp = dst.as_os_str().to_owned();
    tmp.push(".tmp");
    remove(Path::new(&tmp)).map_err(|error| io("cannot remove the unfinished", &tmp, &error))?;
    let params = &location.as_bytes()[location.len().min(dst.as_os_str().len())..];
    let mut tmp_location = tmp.clone();
    tmp_location.push(OsStr::from_bytes(params));

    let made = fill(storage, &tmp_location).and_then(|()| publish(Path::new(&tmp), dst));
    if made.is_err()
        && let Err(error) = remove(Path::new(&tmp))
    {
        tracing::warn!("cannot remove {}: {error}", tmp.display());
    }
    made
}

/// Opens a copy and fills it.
fn fill(storage: &Storage, location: &OsString) -> Result<(), Failure> {
    let Some(gate) = &storage.0.gate else {
        return Err(Failure::other("the engine has a backup of its own"));
    };
    let copy = Storage::open(Arc::clone(&storage.0.plugin), location)
        .map_err(|error| Failure::other(error.to_string()))?;
    let copying = Arc::new(Copying { copy, written: Mutex::default(), failed: Mutex::default() });
    gate.set(Some(Arc::clone(&copying)));
    let scanned = scan(storage, &copying);
    gate.set(None);
    scanned?;
    if let Some(failure) = lock(&copying.failed).take() {
        return Err(failure);
    }
    copying.copy.sync()?;
    Ok(())
}

/// Copies every record, several at a time.
fn scan(storage: &Storage, copying: &Copying) -> Result<(), Failure> {
    let mut part = Part::default();
    let mut failed = None;
    storage.for_each(&mut |record| {
        if copying.is_unwritten(record.key) {
            part.push(record.key, record.value);
        }
        if part.bytes >= PART
            && let Err(failure) = part.store(&copying.copy)
        {
            failed = Some(failure);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or_else(|| part.store(&copying.copy), Err)
}

/// How many bytes are stored at a time.
const PART: usize = 256 << 10;

/// Records on their way into a copy.
#[derive(Default)]
struct Part {
    records: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl Part {
    fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes += key.len() + value.len();
        self.records.push((key.to_vec(), value.to_vec()));
    }

    fn store(&mut self, copy: &Storage) -> Result<(), Failure> {
        let records: Vec<(&[u8], &[u8])> =
            self.records.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        copy.set_many(&records)?;
        *self = Self::default();
        Ok(())
    }
}

/// Makes a copy that is closed safe, and gives it its name if that is free.
fn publish(tmp: &Path, dst: &Path) -> Result<(), Failure> {
    let named = || {
        let copy = File::open(tmp)?;
        copy.sync_all()?;
        if copy.metadata()?.is_dir() {
            fs::rename(tmp, dst)?;
        } else {
            // Unlike a rename, a link does not replace what is there.
            fs::hard_link(tmp, dst)?;
            fs::remove_file(tmp)?;
        }
        let parent = dst.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    named().map_err(|error| io("cannot complete the backup", dst.as_os_str(), &error))
}

/// Removes a file or a directory, if there is one.
fn remove(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn io(what: &str, path: &OsStr, error: &std::io::Error) -> Failure {
    Failure::new(ErrorCode::Io, format!("{what} {}: {error}", path.display()))
}
