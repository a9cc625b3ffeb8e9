//! Where a plugin's library is, and whether it may be trusted.

use nix::unistd::geteuid;
use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The environment variable that names directories to look in first.
pub(super) const PATH_VARIABLE: &str = "KUMO_PLUGIN_PATH";

/// The library that `name` means: a path where it has a slash; otherwise a
/// file of that name, `NAME.so` or `libNAME.so`, in one of the directories. Err: the
/// directories that were looked in.
pub(super) fn find(name: &str) -> Result<PathBuf, Vec<PathBuf>> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let directories = directories();
    let files = [name.to_owned(), format!("{name}.so"), format!("lib{name}.so")];
    directories
        .iter()
        .flat_map(|directory| files.iter().map(|file| directory.join(file)))
        .find(|path| path.is_file())
        .ok_or(directories)
}

/// Where a plugin without a slash is sought, in order: what the environment
/// names, beside the executable, the installed plugins, the working directory.
pub(super) fn directories() -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = Vec::new();
    if let Some(path) = env::var_os(PATH_VARIABLE) {
        directories.extend(env::split_paths(&path).filter(|part| !part.as_os_str().is_empty()));
    }
    if let Some(beside) = env::current_exe().ok().as_deref().and_then(Path::parent) {
        directories.push(beside.to_owned());
        directories.push(beside.join("../lib/kumo/plugins"));
    }
    directories.push(PathBuf::from("."));
    directories
}

/// Whether a library may be loaded: code of a stranger's would run with our
/// rights. Err says why not and what to do.
pub(super) fn trusted(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let file = fs::metadata(path).map_err(|error| error.to_string())?;
    if !file.is_file() {
        return Err("it is not a file".to_owned());
    }
    if file.mode() & 0o002 != 0 {
        return Err(format!("everyone may write to it; run: chmod o-w {shown}"));
    }
    let user = geteuid().as_raw();
    if file.uid() != 0 && file.uid() != user {
        return Err(format!(
            "it belongs to user {}, neither to root nor to the user who runs this ({user}); \
             run: chown {user} {shown}",
            file.uid()
        ));
    }
    if file.mode() & 0o020 != 0 {
        tracing::warn!("the group of {shown} may write to it; chmod g-w {shown} is safer");
    }
    Ok(())
}
