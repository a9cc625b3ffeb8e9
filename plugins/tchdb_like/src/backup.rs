//! `backup`: a copy of one point in time, put in its place in one step.

use crate::{
    engine::TchdbLike,
    file::{self, failed, sync_parent, tmp_path},
    log::State,
    record::Kind,
};
use kumo_plugin::{Error, ErrorCode};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What is written at once.
const BUFFER: usize = 1 << 20;

pub(crate) fn backup(storage: &TchdbLike, dst: &Path) -> Result<(), Error> {
    refuse_existing(dst)?;
    let tmp = Tmp::create(tmp_path(dst))?;
    write_records(storage, &tmp)?;
    tmp.file.sync_all().map_err(|error| failed("cannot sync", &tmp.path, &error))?;
    tmp.publish(dst)
}

fn refuse_existing(dst: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(dst) {
        Ok(_) => Err(exists(dst)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("cannot look for", dst, &error)),
    }
}

fn exists(dst: &Path) -> Error {
    Error::invalid(format!(
        "the backup {} exists already, and has been left as it is; name another file",
        dst.display()
    ))
}

/// Writes the live records, each checked, as a file with a seed of its own.
fn write_records(storage: &TchdbLike, tmp: &Tmp) -> Result<(), Error> {
    let write_error = |error: &io::Error| failed("cannot write to", &tmp.path, error);
    let (header, seed) = file::new_header();
    let mut out = BufWriter::with_capacity(BUFFER, &tmp.file);
    out.write_all(&header).map_err(|error| write_error(&error))?;
    let mut at = header.len() as u64;
    let mut buffer = Vec::new();
    for (place, sequence) in storage.index.snapshot().into_iter().zip(1..) {
        let record = storage.log.read(place, buffer)?;
        if record.state != State::Intact {
            let error = storage.log.damage(place);
            return Err(Error::new(error.code(), format!("no backup was made: {error}")));
        }
        let mut bytes = seed.encode(Kind::Put, record.key(), record.value())?;
        seed.place(&mut bytes, record.key().len(), at, sequence);
        out.write_all(&bytes).map_err(|error| write_error(&error))?;
        at += bytes.len() as u64;
        buffer = record.into_buffer();
    }
    out.flush().map_err(|error| write_error(&error))
}

/// The file under its first name, which goes when this is dropped.
struct Tmp {
    file: File,
    path: PathBuf,
}

impl Drop for Tmp {
    fn drop(&mut self) {
        // Not so after a rename. While the lock is held no one else removes it.
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Tmp {
    /// Makes the file. Its lock says that a backup is under way: a leftover of
    /// one that was killed is not locked, and is removed. It is never written
    /// over, since it may be another name of a finished backup.
    fn create(path: PathBuf) -> Result<Self, Error> {
        let create_error = |error: &io::Error| failed("cannot create", &path, error);
        // Another backup may remove our file before we lock it, or leave us
        // its own; after some rounds that is no accident.
        for _ in 0..100 {
            let made = OpenOptions::new().write(true).create_new(true).open(&path);
            let (file, is_new) = match made {
                Ok(file) => (file, true),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && is_link(&path) => {
                    // No backup of ours; to follow it would be to lock what it names.
                    fs::remove_file(&path)
                        .map_err(|error| failed("cannot remove", &path, &error))?;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => match File::open(&path) {
                    Ok(file) => (file, false),
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(create_error(&error)),
                },
                Err(error) => return Err(create_error(&error)),
            };
            file::lock(&file, &path)?;
            if !is_at(&file, &path) {
                continue;
            }
            if is_new {
                return Ok(Self { file, path });
            }
            fs::remove_file(&path).map_err(|error| failed("cannot remove", &path, &error))?;
        }
        Err(Error::new(
            ErrorCode::Busy,
            format!("{} is being made and removed by other backups; try again", path.display()),
        ))
    }

    /// Gives the file its name, unless there is a file of that name.
    fn publish(self, dst: &Path) -> Result<(), Error> {
        let linked = match fs::hard_link(&self.path, dst) {
            // File systems without hard links.
            Err(error)
                if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) =>
            {
                refuse_existing(dst)?;
                fs::rename(&self.path, dst)
            }
            linked => linked,
        };
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(dst)),
            Err(error) => return Err(failed("cannot give a backup the name", dst, &error)),
        }
        let path = self.path.clone();
        drop(self);
        sync_parent(&path).inspect_err(|_| {
            // A backup that may not last is none.
            let _ = fs::remove_file(dst);
        })
    }
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink())
}

/// Whether the name is still that of this very file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
