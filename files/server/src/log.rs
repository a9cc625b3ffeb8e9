//! The log, on stderr; `LOG_LEVEL` says how much of it.

use anyhow::{Result, bail};
use std::{env, io::IsTerminal};
use tracing::Level;

pub fn start() -> Result<()> {
    let level = match env::var("LOG_LEVEL") {
        Err(_) => Level::INFO,
        Ok(word) => match word.to_lowercase().as_str() {
            "" | "info" => Level::INFO,
            "trace" => Level::TRACE,
            "debug" => Level::DEBUG,
            "warn" | "warning" => Level::WARN,
            "error" | "fatal" | "panic" => Level::ERROR,
            _ => bail!("LOG_LEVEL={word}: it is error, warn, info, debug or trace"),
        },
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
