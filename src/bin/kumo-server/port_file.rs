//! The file that tells a starter which ports were taken, as memcached writes
//! it: under another name first, so that who sees it sees all of it.

use kumo::server::Settings;
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Writes the ports.
pub fn write(path: &Path, settings: &Settings) -> io::Result<()> {
    let mut text = line("TCP", settings.listen);
    if let Some(rpc) = settings.rpc {
        text += &line("RPC", rpc);
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".lck");
    let unfinished = PathBuf::from(unfinished);
    fs::write(&unfinished, text)?;
    fs::rename(&unfinished, path)
}

fn line(what: &str, address: SocketAddr) -> String {
    let family = if address.is_ipv4() { "INET" } else { "INET6" };
    format!("{what} {family}: {}\n", address.port())
}
