//! The log, on standard error. How much is logged can change while it runs.

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Begins to log: warnings and errors; with 1 also what an operator wants to
/// know, with 2 more.
pub fn start(verbose: u8) {
    let (filter, handle) = reload::Layer::new(level(u32::from(verbose)));
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
    // Set once: this is called once.
    let _ = LEVEL.set(handle);
}

/// Logs so much from now on.
pub fn set(verbose: u32) {
    if let Some(handle) = LEVEL.get()
        && let Err(error) = handle.modify(|filter| *filter = level(verbose))
    {
        tracing::warn!("cannot change how much is logged: {error}");
    }
}

fn level(verbose: u32) -> LevelFilter {
    match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}
