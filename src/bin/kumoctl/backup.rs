//! `kumoctl HOST[:PORT] backup`

use crate::rpc;
use anyhow::{Context, Result};
use indicatif::{HumanBytes, HumanCount, ProgressBar};
use std::{io::Write, time::Duration};

pub fn run(server: &str, suffix: Option<&str>) -> Result<()> {
    let today = || chrono::Local::now().format("%Y%m%d").to_string();
    let suffix = suffix.map_or_else(today, str::to_owned);
    let mut out = std::io::stdout();
    // Who does not read what is printed has had the backup all the same.
    let _ = writeln!(out, "suffix={suffix}");
    // How long it will take is not known; that it is alive is shown on a
    // terminal.
    let spinner = ProgressBar::new_spinner().with_message("the server writes the backup");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let done = rpc::backup(server, &suffix);
    spinner.finish_and_clear();
    let done = done.with_context(|| format!("no backup {suffix:?} of {server}"))?;
    let _ = writeln!(
        out,
        "path={}\nrecords={}\nbytes={}\nseconds={:.3}",
        done.path, done.records, done.bytes, done.seconds
    );
    eprintln!(
        "{} records, {} in {:.1} s: complete",
        HumanCount(done.records),
        HumanBytes(done.bytes),
        done.seconds
    );
    Ok(())
}
