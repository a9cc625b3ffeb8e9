//! The database file as a whole: opening it, locking it, and its header.

use kumo_plugin::{Error, ErrorCode};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::Path,
};

/// The bytes of the header.
pub(crate) const HEADER: usize = 64;

/// What the file begins with, so that it is known for what it is.
const MAGIC: &[u8; 8] = b"kumoHDB\n";

/// The version of the format that this engine reads and writes.
const VERSION: u32 = 2;

/// The header's check, behind all that it covers. It stays there in every
/// version of the format.
const CHECK: usize = 60;

/// Opens the file at `path`, making it where there is none, and locks it
/// against other openers until it is dropped.
pub(crate) fn open(path: &Path) -> Result<(File, u64), Error> {
    if path.as_os_str().is_empty() {
        return Err(Error::invalid("no path was given; name a database file"));
    }
    // Asked before the open, which for a device or a pipe could do something.
    if let Ok(meta) = fs::metadata(path)
        && !meta.is_file()
    {
        let what = if meta.is_dir() { "a directory" } else { "not a regular file" };
        return Err(Error::invalid(format!(
            "cannot open {}: it is {what}; name the database file itself",
            path.display()
        )));
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| open_error(path, &error))?;
    lock(&file, path)?;
    let len =
        file.metadata().map_err(|error| failed("cannot ask the size of", path, &error))?.len();
    let mut head = [0; HEADER];
    let there = usize::try_from(len).unwrap_or(HEADER).min(HEADER);
    file.read_exact_at(&mut head[..there], 0)
        .map_err(|error| failed("cannot read the header of", path, &error))?;
    if there == HEADER {
        return Ok((file, check(&head, path)?));
    }
    if !is_torn(&head[..there]) {
        return Err(foreign(path));
    }
    let seed = create(&file, path)?;
    Ok((file, seed))
}

/// Locks a file, or says that another process has it.
pub(crate) fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorCode::Busy,
            format!(
                "{} is in use by another process; stop that one first, or use another path",
                path.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(failed("cannot lock", path, &error)),
    }
}

/// A header with a new seed.
fn new_header() -> ([u8; HEADER], u64) {
    // The standard library's way to random numbers of the system: the keys of
    // a hash that no one can foresee.
    let seed = RandomState::new().hash_one(std::process::id());
    (header(seed), seed)
}

fn header(seed: u64) -> [u8; HEADER] {
    let mut head = [0; HEADER];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..16].copy_from_slice(&(HEADER as u32).to_le_bytes());
    head[16..24].copy_from_slice(&seed.to_le_bytes());
    let check = crc32fast::hash(&head[..CHECK]);
    head[CHECK..].copy_from_slice(&check.to_le_bytes());
    head
}

/// Makes an empty file, or one whose creation was cut short, a database.
pub(crate) fn create(file: &File, path: &Path) -> Result<u64, Error> {
    let (head, seed) = new_header();
    let written = file.write_all_at(&head, 0).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // What is left then is an empty file or a torn header: either opens.
        let _ = file.set_len(0);
        return Err(failed("cannot create the database", path, &error));
    }
    sync_parent(path)?;
    Ok(seed)
}

/// Whether these are the first bytes of a header, which a process was killed
/// while writing.
fn is_torn(head: &[u8]) -> bool {
    let model = header(0);
    // Where the seed stands, any byte will do.
    head.iter()
        .zip(model)
        .enumerate()
        .all(|(at, (&is, should))| (16..24).contains(&at) || at >= CHECK || is == should)
}

/// The seed that a header has, if it is one.
pub(crate) fn check(head: &[u8; HEADER], path: &Path) -> Result<u64, Error> {
    if &head[..8] != MAGIC {
        return Err(foreign(path));
    }
    if head[CHECK..] != crc32fast::hash(&head[..CHECK]).to_le_bytes() {
        return Err(Error::corrupt(format!(
            "the header of {} is damaged; restore the database from a backup",
            path.display()
        )));
    }
    let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    if version != VERSION {
        return Err(Error::unsupported(format!(
            "{} has version {version} of the format, and this tchdb_like knows version \
             {VERSION}; open it with the kumo that wrote it",
            path.display()
        )));
    }
    let mut seed = [0; 8];
    seed.copy_from_slice(&head[16..24]);
    let seed = u64::from_le_bytes(seed);
    if *head != header(seed) {
        return Err(Error::unsupported(format!(
            "the header of {} has fields that this tchdb_like does not know; open it with \
             the kumo that wrote it",
            path.display()
        )));
    }
    Ok(seed)
}

pub(crate) fn foreign(path: &Path) -> Error {
    Error::invalid(format!(
        "{} is not a tchdb_like database, and has been left as it is; name another file",
        path.display()
    ))
}

/// A number of the system's present start: what was written during it and not
/// synced is there, unless the system has started anew.
pub(crate) fn boot() -> u64 {
    #[cfg(test)]
    if let Some(boot) = crate::power::boot() {
        return boot;
    }
    let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(&id)
}

/// Returns when what is in the file is on the disk.
pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    #[cfg(test)]
    crate::power::begin_sync()?;
    #[cfg(all(test, kumo_shuttle))]
    let written = crate::schedules::syncs::begin();
    file.sync_data()?;
    #[cfg(all(test, kumo_shuttle))]
    crate::schedules::syncs::end(written);
    #[cfg(test)]
    crate::power::end_sync();
    Ok(())
}

/// As `sync_data`, for nobody but the caller.
pub(crate) fn sync_apart(file: &File) -> io::Result<()> {
    #[cfg(test)]
    crate::power::begin_sync()?;
    file.sync_data()?;
    #[cfg(test)]
    crate::power::end_sync_apart();
    Ok(())
}

/// A failure of the operating system with this file.
pub(crate) fn failed(doing: &str, path: &Path, error: &io::Error) -> Error {
    Error::io(format_args!("{doing} {}", path.display()), error)
}

fn open_error(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        ErrorKind::NotFound => "; create its directory first",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; this user must be able to read and write it, and to create files beside it"
        }
        _ => "",
    };
    let error = failed("cannot open", path, error);
    Error::new(error.code(), format!("{error}{remedy}"))
}

/// Makes the names in the directory of `path` last.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed("cannot sync the directory", parent, &error))
}

/// `path` with ".tmp" behind it.
pub(crate) fn tmp_path(path: &Path) -> std::path::PathBuf {
    let mut tmp = OsString::from(path);
    tmp.push(".tmp");
    tmp.into()
}
