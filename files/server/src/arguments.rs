//! The command line.

use clap::{Parser, value_parser};
use kumo_files::{DEFAULT_CHUNK, Settings};
use std::{num::NonZeroU32, time::Duration};

/// Serves files over HTTP, and keeps them in a memcached server.
///
/// Files are cut into chunks, so they may be of any size. In kumo-server they
/// stay; a memcached may evict parts of them, and says so when they are asked
/// for. There is no authentication: it listens on loopback unless told otherwise.
#[derive(Debug, Parser)]
#[command(name = "kumo-fileserver", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Arguments {
    /// The memcached server; the port is 11211 unless given
    #[arg(value_name = "HOST:PORT", value_parser = server)]
    pub server: String,

    /// Where to serve HTTP; port 0 takes a free one, and says which
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: String,

    /// How much of a file stands under one key, in bytes or with k or m. The
    /// default fits servers with the usual item size of 1 MiB
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_CHUNK, value_parser = chunk)]
    pub chunk: NonZeroU32,

    /// The largest file, in bytes or with k, m, g or t
    #[arg(long, value_name = "BYTES", default_value = "50m", value_parser = size)]
    pub max_size: u64,

    /// How long memcached may be silent
    #[arg(long, value_name = "SECONDS", default_value_t = 5,
          value_parser = value_parser!(u64).range(1..=3600))]
    timeout: u64,

    /// How long an upload may take. What a kill of this program leaves of one
    /// is gone after as long
    #[arg(long, value_name = "SECONDS", default_value_t = 24 * 60 * 60,
          value_parser = value_parser!(u64).range(1..=30 * 24 * 60 * 60))]
    upload_limit: u64,
}

const EXAMPLES: &str = "Routes:
  POST /file/NAME          stores a new file, the request's body; 409 if there is one
  PUT /file/NAME           stores a file, in place of the one that is there
  GET, HEAD /file/NAME     the file; Range, If-None-Match and If-Match are understood
  DELETE /file/NAME        deletes it
  GET /files?prefix=TEXT   lists files, where the server can list its keys
  GET /                    a page that does all of this

Examples:
  kumo-server -s kumo.db &
  kumo-fileserver 127.0.0.1:11211 --max-size 10g
  curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8080/file/photo.jpg
  curl -O http://127.0.0.1:8080/file/photo.jpg

LOG_LEVEL in the environment: error, warn, info, debug or trace.
Exit status: 0 stopped, 1 failed (the reason is on stderr), 2 wrong usage.";

impl Arguments {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    pub fn settings(&self) -> Settings {
        let upload_limit = Duration::from_secs(self.upload_limit);
        Settings { chunk: self.chunk, max_size: self.max_size, upload_limit }
    }
}

fn server(text: &str) -> Result<String, String> {
    let help = || "write HOST:PORT, 127.0.0.1:11211 for example".to_owned();
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address without a port.
        Some(_) if text.ends_with(']') => (text, "11211"),
        Some(parts) => parts,
        None => (text, "11211"),
    };
    let plain = !host.is_empty() && (!host.contains(':') || host.starts_with('['));
    let right = plain && port.parse::<u16>().is_ok_and(|port| port > 0);
    right.then(|| format!("{host}:{port}")).ok_or_else(help)
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.to_ascii_lowercase().as_bytes() {
        [digits @ .., b'k'] => (digits.len(), 10),
        [digits @ .., b'm'] => (digits.len(), 20),
        [digits @ .., b'g'] => (digits.len(), 30),
        [digits @ .., b't'] => (digits.len(), 40),
        digits => (digits.len(), 0),
    };
    let number = text.get(..digits).and_then(|digits| digits.parse::<u64>().ok());
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "write a number of bytes, or one with k, m, g or t".to_owned())
}

fn chunk(text: &str) -> Result<NonZeroU32, String> {
    let bytes = size(text)?;
    let fits = u32::try_from(bytes).ok().filter(|bytes| (1024..=1 << 30).contains(bytes));
    fits.and_then(NonZeroU32::new).ok_or_else(|| "a chunk has from 1k to 1g bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_and_servers() {
        assert_eq!(size("50m"), Ok(50 << 20));
        assert_eq!(size("1T"), Ok(1 << 40));
        assert_eq!(size("7"), Ok(7));
        for bad in ["", "k", "-1", "1x", "é", "99999999999999999999", "99999999999t"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert!(chunk("1023").is_err() && chunk("2g").is_err() && chunk("1k").is_ok());
        assert_eq!(server("db"), Ok("db:11211".to_owned()));
        assert_eq!(server("[::1]"), Ok("[::1]:11211".to_owned()));
        assert_eq!(server("[::1]:5"), Ok("[::1]:5".to_owned()));
        for bad in ["", ":1", "db:", "db:0", "db:x", "::1", "db:70000"] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }
}
