//! `kumoctl HOST[:PORT] sync`, `compact`, `verify`

use crate::{output::show, rpc, verify::status};
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use kumo::engine::Upkeep;
use std::{process::ExitCode, time::Duration};

pub fn run(server: &str, work: Upkeep) -> Result<ExitCode> {
    // How long it will take is not known; that it is alive is shown on a
    // terminal.
    let spinner = ProgressBar::new_spinner().with_message("the server is at work");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let done = rpc::upkeep(server, work);
    spinner.finish_and_clear();
    let done = done.with_context(|| format!("no {} of {server}", work.name()))?;
    show(&done.told.iter().map(|fault| format!("{fault}\n")).collect::<String>())?;
    let more = done.faults.saturating_sub(done.told.len() as u64);
    if more > 0 {
        eprintln!("kumoctl: and {more} more, in the server's log");
    }
    if work == Upkeep::Verify {
        show(&format!("faults={}\n", done.faults))?;
    }
    show(&format!("seconds={:.3}\n", done.seconds))?;
    Ok(status(done.faults))
}
