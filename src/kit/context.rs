//! What a test of a plugin is given.

use super::{Need, Outcome, Stop, fail, place::Place, store::Store};
use crate::host::raw::RawPlugin;
use kumo_plugin::abi::KUMO_CAP_VOLATILE;
use std::{ffi::OsString, ops::Deref, path::Path};

/// What a test is given.
pub(super) struct Context {
    pub plugin: RawPlugin,
    pub place: Place,
}

impl Deref for Context {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Context {
    /// Whether the plugin has a capability, by its word or the user's.
    pub fn has_cap(&self, cap: u64) -> bool {
        (self.plugin.plugin().caps() | self.settings.assumed) & cap != 0
    }

    /// Whether what is stored outlives the process.
    pub fn is_durable(&self) -> bool {
        !self.has_cap(KUMO_CAP_VOLATILE)
    }

    /// Skips the test if the plugin lacks what it needs.
    pub fn meets(&self, needs: &[Need]) -> Outcome {
        for need in needs {
            let lacking = match *need {
                Need::Durable => (!self.is_durable())
                    .then(|| "it is volatile: it keeps nothing after close".to_owned()),
                Need::Cap(cap, name) => {
                    (!self.has_cap(cap)).then(|| format!("it does not declare {name}"))
                }
                Need::Slot(slot) => (!self.plugin.has(slot)).then(|| format!("it has no {slot}")),
                Need::Described => (!self.plugin.is_described())
                    .then(|| "it is classic: it does not describe itself".to_owned()),
            };
            if let Some(reason) = lacking {
                return Err(Stop::Skipped(reason));
            }
        }
        Ok(())
    }

    /// How what stands at a path is opened: the parameters behind it.
    pub fn location(&self, path: &Path) -> OsString {
        let mut location = path.as_os_str().to_owned();
        for option in &self.settings.options {
            location.push("#");
            location.push(option);
        }
        location
    }

    /// Opens the database of this name, which must work.
    pub fn open(&self, name: &str) -> Outcome<Store> {
        self.open_at(&self.path(name))
    }

    /// As `open`, at any path.
    pub fn open_at(&self, path: &Path) -> Outcome<Store> {
        match self.try_open(&self.location(path))? {
            Ok(store) => Ok(store),
            Err(reason) => fail!("open of {} failed: {reason}", self.shown(path)),
        }
    }

    /// Opens a location. Err: it was refused, with this text.
    pub fn try_open(&self, location: &std::ffi::OsStr) -> Outcome<Result<Store, String>> {
        let created = self.plugin.create();
        let Some(instance) = created.said else {
            let reason = created.error.map_or("no reason given".to_owned(), |error| error.text);
            fail!("create returned NULL: {reason}");
        };
        let opened = instance.open(location);
        Ok(match (opened.said, opened.error) {
            (Ok(database), None) => Ok(Store::new(database)),
            (Ok(_), Some(error)) => {
                fail!("open returned true, and yet called set_error: {error}")
            }
            (Err((_, text)), error) => Err(error.map(|e| e.text).or(text).unwrap_or_default()),
        })
    }
}
