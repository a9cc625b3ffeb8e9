//! The command line: memcached's letters where it has them.

use clap::{ArgAction, CommandFactory, Parser, error::ErrorKind, value_parser};
use kumo::engine::store::ITEM_SIZES;
use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::{self, PathBuf},
};

/// What the README's first command is; a usage error shows it.
const FIRST_COMMAND: &str = "cargo run --release -- -s kumo.db";

/// Serves a storage engine over the memcached protocol.
///
/// Without --storage the built-in hash database serves: a memcached whose data
/// survives.
#[derive(Parser)]
#[command(name = "kumo-server", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Arguments {
    /// The database: a path, with parameters of the engine behind it if it has
    /// any (PATH#name=value#name=value). For an engine of memcached's interface
    /// it is a directory to work in, and may be left out
    #[arg(short = 's', long = "store", value_name = "PATH")]
    pub store: Option<OsString>,

    /// The storage engine: the path of a shared library, or the name of one in
    /// KUMO_PLUGIN_PATH, beside this program, or installed [default: the
    /// built-in tchdb_like]
    #[arg(short = 'E', long, visible_alias = "engine", value_name = "LIB")]
    pub storage: Option<String>,

    /// A parameter of the engine, NAME=VALUE, as if it stood behind the path
    /// (PATH#NAME=VALUE); may be given several times. kumoctl plugin info LIB
    /// lists what there is. For an engine of memcached's interface: its
    /// configuration, "NAME=VALUE;NAME=VALUE"
    #[arg(short = 'e', long = "storage-opt", value_name = "NAME=VALUE")]
    pub storage_options: Vec<String>,

    /// The TCP port to listen on; 0 takes a free one and writes it to the file
    /// that MEMCACHED_PORT_FILENAME names
    #[arg(short = 'p', long, default_value_t = 11211)]
    pub port: u16,

    /// The address to listen on; 0.0.0.0 is every one, and there is no
    /// authentication
    #[arg(short = 'l', long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = address)]
    pub listen: IpAddr,

    /// Worker threads [default: one for each processor]
    #[arg(short = 't', long, value_parser = value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Connections served at once
    #[arg(short = 'c', long = "conn-limit", value_name = "CONNECTIONS", default_value_t = 1024,
          value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,

    /// The largest item, overhead included, in bytes or with k, m or g (1k to 1g)
    #[arg(short = 'I', long = "max-item-size", value_name = "ITEM_SIZE", default_value = "1m",
          value_parser = item_size)]
    pub item_size: usize,

    /// Where kumoctl connects: ADDR:PORT, or off
    #[arg(long, value_name = "ADDR:PORT|off", default_value = "127.0.0.1:19800", value_parser = rpc)]
    pub rpc: Rpc,

    /// Log more; twice, still more
    #[arg(short = 'v', long = "verbose", action = ArgAction::Count)]
    pub verbose: u8,

    /// Ignored with a warning: the engine keeps the items, on disk unless it says
    /// otherwise
    #[arg(short = 'm', long = "memory-limit", value_name = "MB")]
    pub memory: Option<u64>,
}

const EXAMPLES: &str = "Examples:
  kumo-server -s kumo.db                           a persistent memcached on 127.0.0.1:11211
  kumo-server -s data --storage ./libmemhash.so    the same protocol over an engine of yours
  kumo-server -E ./fs_engine.so -e dir=files       an engine of memcached's interface
  kumoctl 127.0.0.1 backup                         a backup of it while it runs";

/// Where `kumoctl` connects, if anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc(pub Option<SocketAddr>);

impl Arguments {
    /// Reads the command line; a usage error ends the process with 2.
    pub fn read() -> Self {
        let arguments = Self::parse();
        if arguments.store.is_none() && arguments.storage.is_none() {
            arguments.store_is_missing();
        }
        arguments
    }

    /// The path of the database. Without one the process ends with 2.
    pub fn database(&self) -> &OsStr {
        match &self.store {
            Some(path) => path,
            None => self.store_is_missing(),
        }
    }

    /// Ends the process: there is no database.
    fn store_is_missing(&self) -> ! {
        let text = format!("the database is missing: give its path with -s\n\n  {FIRST_COMMAND}\n");
        Self::command().error(ErrorKind::MissingRequiredArgument, text).exit()
    }

    /// The database and the parameters of the engine, as a plugin is told them.
    /// A usage error ends the process with 2.
    pub fn location(&self) -> OsString {
        let mut location = self.database().to_owned();
        for option in &self.storage_options {
            if let Err(reason) = storage_option(option) {
                let text = format!("--storage-opt {option}: {reason}");
                Self::command().error(ErrorKind::ValueValidation, text).exit();
            }
            location.push("#");
            location.push(option);
        }
        location
    }

    /// The configuration of an engine of memcached's interface.
    pub fn configuration(&self) -> Option<String> {
        (!self.storage_options.is_empty()).then(|| self.storage_options.join(";"))
    }

    /// The port file, if the environment asks for one: its whole path, since an
    /// engine may work elsewhere.
    pub fn port_file() -> io::Result<Option<PathBuf>> {
        let named = env::var_os("MEMCACHED_PORT_FILENAME").filter(|path| !path.is_empty());
        named.map(path::absolute).transpose()
    }
}

fn storage_option(text: &str) -> Result<(), &'static str> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && !text.contains('#') => Ok(()),
        _ => Err("write NAME=VALUE, without #"),
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    let mut found = (text, 0).to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().map(|address| address.ip()).ok_or_else(|| "no such address".to_owned())
}

fn rpc(text: &str) -> Result<Rpc, String> {
    if text == "off" {
        return Ok(Rpc(None));
    }
    let mut found = text.to_socket_addrs().map_err(|error| {
        format!("{error}; write ADDR:PORT, 127.0.0.1:19800 for example, or off")
    })?;
    found.next().map(|address| Rpc(Some(address))).ok_or_else(|| "no such address".to_owned())
}

fn item_size(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1 << 10),
        None => match text.strip_suffix(['m', 'M']) {
            Some(digits) => (digits, 1 << 20),
            None => match text.strip_suffix(['g', 'G']) {
                Some(digits) => (digits, 1 << 30),
                None => (text, 1),
            },
        },
    };
    let size = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| ITEM_SIZES.contains(size))
        .ok_or_else(|| "an item's size is from 1k to 1g: bytes, or with k, m or g".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_have_units_and_bounds() {
        assert_eq!(item_size("1m"), Ok(1 << 20));
        assert_eq!(item_size("1024"), Ok(1024));
        assert_eq!(item_size("2K"), Ok(2048));
        assert_eq!(item_size("1g"), Ok(1 << 30));
        for bad in ["", "m", "1023", "2g", "-1", "1t", "99999999999999999999g"] {
            assert!(item_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_of_the_engine_go_behind_the_path() {
        let line = ["kumo-server", "-s", "a.db#x=1", "--storage-opt", "y=2", "--storage-opt=z="];
        let arguments = Arguments::parse_from(line);
        assert_eq!(arguments.location(), "a.db#x=1#y=2#z=");
        assert_eq!(arguments.configuration().as_deref(), Some("y=2;z="));
        for bad in ["y", "=2", "y=a#b=c"] {
            assert!(storage_option(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_rpc_can_be_off() {
        assert_eq!(rpc("off"), Ok(Rpc(None)));
        assert_eq!(rpc("127.0.0.1:5"), Ok(Rpc(Some(([127, 0, 0, 1], 5).into()))));
        assert!(rpc("127.0.0.1").is_err());
    }
}
