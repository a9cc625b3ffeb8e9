//! `backup`: a copy of one point in time, put in its place in one step.

use crate::{
    engine::TchdbLike,
    file::{self, failed, sync_parent, tmp_path},
    syncer::Level,
};
use kumo_plugin::{Error, ErrorCode, Storage};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    ops::ControlFlow,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

pub(crate) fn backup(storage: &TchdbLike, dst: &Path) -> Result<(), Error> {
    write_new(dst, storage.core.mask, |copy| copy_records(storage, copy))
}

/// Makes a database at `dst`, which `fill` stores records in: by way of a
/// temporary name, so that it is there when it is complete, or not at all.
pub(crate) fn write_new(
    dst: &Path,
    mask: u64,
    fill: impl FnOnce(&TchdbLike) -> Result<(), Error>,
) -> Result<(), Error> {
    refuse_existing(dst)?;
    let tmp = Tmp::create(tmp_path(dst))?;
    let seed = file::create(&tmp.file, &tmp.path)?;
    let file = tmp.file.try_clone().map_err(|error| failed("cannot create", &tmp.path, &error))?;
    // Nothing of it is promised before all of it is written and synced.
    let copy = TchdbLike::on_file(file, seed, &tmp.path, Level::None, mask)?;
    copy.checkpoint_every(u64::MAX);
    fill(&copy)?;
    copy.close()?;
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
        "{} exists already, and has been left as it is; name another file",
        dst.display()
    ))
}

/// Copies the records of one point in time.
fn copy_records(storage: &TchdbLike, copy: &TchdbLike) -> Result<(), Error> {
    let mut stored = Ok(());
    let scanned = storage.for_each(&mut |key, val| match copy.set(key, val) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            stored = Err(error);
            ControlFlow::Break(())
        }
    });
    stored?;
    scanned.map_err(|error| Error::new(error.code(), format!("no backup was made: {error}")))
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
            let made = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
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
