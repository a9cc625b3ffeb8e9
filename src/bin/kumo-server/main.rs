//! `kumo-server`: a storage engine over the memcached protocol.

mod arguments;
mod log;
mod open;
mod port_file;

use anyhow::{Context, Result};
use arguments::Arguments;
use kumo::server::{Server, Settings};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{process::ExitCode, thread};

/// Descriptors that are not clients' connections: the database, the ports, the
/// runtimes.
const OTHER_DESCRIPTORS: u64 = 256;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    log::start(arguments.verbose);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kumo-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(megabytes) = arguments.memory {
        tracing::warn!("-m {megabytes} is ignored: the engine keeps the items, and decides");
    }
    let threads = match arguments.threads {
        Some(threads) => usize::from(threads),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    raise_descriptor_limit(u64::from(arguments.connections));
    let port_file = Arguments::port_file().context("MEMCACHED_PORT_FILENAME")?;
    let chosen = open::choose(arguments)?;

    // The ports first: a port that is taken should not cost the recovery of a
    // large database.
    let server = Server::bind(Settings {
        listen: (arguments.listen, arguments.port).into(),
        rpc: arguments.rpc.0,
        threads,
        connections: arguments.connections as usize,
        item_size: arguments.item_size,
        verbosity: Box::new(open::set_verbosity),
    })?;
    let opened = open::open(chosen, arguments, server.settings())?;
    server.run(opened.engine, |settings| {
        if let Some(path) = port_file {
            port_file::write(&path, settings)
                .with_context(|| format!("cannot write the port file {}", path.display()))?;
        }
        // One line at any level: who types the first command sees that it works.
        eprintln!("kumo-server: {}, on {}; Ctrl-C stops it", opened.description, settings.listen);
        anyhow::Ok(())
    })?;
    tracing::info!("stopped");
    Ok(())
}

/// Lets the process open as many connections as it may have.
fn raise_descriptor_limit(connections: u64) {
    let wanted = connections + OTHER_DESCRIPTORS;
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft >= wanted {
            return Ok(soft);
        }
        let reached = wanted.min(hard);
        setrlimit(Resource::RLIMIT_NOFILE, reached, hard).map(|()| reached)
    });
    match raised {
        Ok(reached) if reached >= wanted => {}
        Ok(reached) => tracing::warn!(
            "{connections} connections need {wanted} descriptors and {reached} are allowed; \
             raise it with ulimit -n, or lower -c"
        ),
        Err(error) => tracing::warn!("cannot raise the limit on descriptors: {error}"),
    }
}
