//! What a run of the kit is told.

use std::{ffi::OsString, path::PathBuf, time::Duration};

/// What is tested; each has tests of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Plugins with kumo's table.
    Plugin,
    /// Engines of memcached's engine interface.
    Engine,
}

/// What a run of the kit is told; its children are told the same.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The plugin's library: an absolute path, for children have directories of
    /// their own.
    pub library: PathBuf,
    /// What it is.
    pub family: Family,
    /// Parameters for `open`, or an engine's configuration: `name=value`.
    pub options: Vec<String>,
    /// What random numbers begin with.
    pub seed: u64,
    /// How often the tests with rounds go round.
    pub rounds: u32,
    /// How long a test may take.
    pub limit: Duration,
    /// Capabilities (`KUMO_CAP_...`) that the user says the plugin has.
    pub assumed: u64,
    /// The user says that the engine heeds no times.
    pub timeless: bool,
    /// How this program is called for a child: the program, and the words before
    /// the library.
    pub command: Vec<OsString>,
}

impl Settings {
    /// The arguments behind `command` that hand these settings to a child.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut all = vec![self.library.clone().into_os_string()];
        let mut add = |name: &str, value: String| {
            all.push(name.into());
            all.push(value.into());
        };
        for option in &self.options {
            add("--opt", option.clone());
        }
        add("--seed", self.seed.to_string());
        add("--rounds", self.rounds.to_string());
        add("--time-limit", self.limit.as_secs_f64().to_string());
        if self.timeless {
            add("--assume", super::report::TIMELESS.to_owned());
        }
        for (cap, name) in super::report::CAPS {
            if self.assumed & cap != 0 {
                add("--assume", (*name).to_owned());
            }
        }
        all
    }
}
