//! How far a command has come, on a terminal.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use kumo::host::watched;
use std::time::Duration;

/// What is counted.
#[derive(Clone, Copy)]
pub enum Unit {
    Records,
    Bytes,
    /// What an engine counts.
    Parts,
}

impl Unit {
    /// How a bar up to `len` looks, or one of which that is not known.
    pub fn style(self, len: Option<u64>) -> Result<ProgressStyle> {
        let template = match (self, len) {
            (Self::Records, Some(_)) => {
                "{msg} {bar:30} {human_pos}/{human_len} {per_sec} {eta} to go"
            }
            (Self::Bytes, Some(_)) => {
                "{msg} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} to go"
            }
            (Self::Parts, Some(_)) => "{msg} {bar:30} {percent}% {eta} to go",
            (Self::Records, None) => "{spinner} {msg} {human_pos} {elapsed}",
            (Self::Bytes, None) => "{spinner} {msg} {bytes} {elapsed}",
            (Self::Parts, None) => "{spinner} {msg} {elapsed}",
        };
        ProgressStyle::with_template(template).context("the progress bar")
    }
}

/// A bar up to `len`; where that is not known, what has gone by.
pub fn bar(message: &str, unit: Unit, len: Option<u64>) -> Result<ProgressBar> {
    let bar = len.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.set_style(unit.style(len)?);
    bar.set_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    Ok(bar)
}

/// Does work whose progress the engine may say, and ends the bar.
pub fn watch<R>(bar: &ProgressBar, work: impl FnOnce() -> R) -> R {
    let shown = bar.clone();
    let show = move |done, total| {
        if total > 0 && shown.length() != Some(total) {
            shown.set_length(total);
            if let Ok(style) = Unit::Parts.style(Some(total)) {
                shown.set_style(style);
            }
        }
        shown.set_position(done);
    };
    let done = watched(show, work);
    bar.finish_and_clear();
    done
}
