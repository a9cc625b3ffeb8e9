//! A file, or a directory of files, as a whole: a plugin's backup may be either.

use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// The SHA-256 of names, lengths and contents.
pub fn checksum(path: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    add(path, Path::new(""), &mut hasher)?;
    Ok(hasher.finalize().into())
}

fn add(path: &Path, name: &Path, hasher: &mut Sha256) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?;
    let mut head = |mark: u8, len: u64| {
        let name = name.as_os_str().as_bytes();
        hasher.update([mark]);
        hasher.update((name.len() as u64).to_be_bytes());
        hasher.update(name);
        hasher.update(len.to_be_bytes());
    };
    if kind.is_dir() {
        let names = names(path)?;
        head(b'd', names.len() as u64);
        return names
            .iter()
            .try_for_each(|entry| add(&path.join(entry), &name.join(entry), hasher));
    }
    if !kind.is_file() {
        return Err(neither(path));
    }
    head(b'f', kind.len());
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            len => hasher.update(&buffer[..len]),
        }
    }
}

/// Copies and syncs it; the directory that it comes into is not synced.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?;
    if kind.is_dir() {
        fs::create_dir(to)?;
        for name in names(from)? {
            copy(&from.join(&name), &to.join(&name))?;
        }
    } else if kind.is_file() {
        fs::copy(from, to)?;
    } else {
        return Err(neither(from));
    }
    File::open(to)?.sync_all()
}

/// Removes it, where it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(kind) if kind.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The names in a directory, in one order everywhere.
fn names(path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names =
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn neither(path: &Path) -> io::Error {
    io::Error::other(format!("{} is neither a file nor a directory", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_same_checksum_and_a_changed_one_another() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("within")).unwrap();
        fs::write(from.join("a"), "1").unwrap();
        fs::write(from.join("within/b"), "2").unwrap();
        copy(&from, &to).unwrap();
        let whole = checksum(&from).unwrap();
        assert_eq!(checksum(&to).unwrap(), whole);
        fs::write(to.join("a"), "3").unwrap();
        assert_ne!(checksum(&to).unwrap(), whole);
        fs::write(to.join("a"), "1").unwrap();
        fs::rename(to.join("within/b"), to.join("within/c")).unwrap();
        assert_ne!(checksum(&to).unwrap(), whole);
    }
}
