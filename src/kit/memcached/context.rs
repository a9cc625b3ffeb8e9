//! What a test of an engine is given: the library, a place, and the engine.

use super::{
    super::{Outcome, Stop, ensure, fail, place::Place},
    Need,
    client::Client,
};
use crate::host::{
    Library,
    memcached::{
        Feature, Instance, Module,
        raw::{self, Silent},
    },
};
use kumo_plugin::abi::KUMO_CAP_VOLATILE;
use std::{
    env, fs,
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

/// The longest that something with two seconds to live may be there, on a slow
/// machine.
const DEADLINE: Duration = Duration::from_secs(15);

/// The longest that a blocked call may take, whatever the test's limit.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a test is given.
pub(super) struct Context {
    pub module: Module,
    pub place: Place,
}

impl Deref for Context {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl From<Silent> for Stop {
    fn from(silent: Silent) -> Self {
        Self::Failed(format!(
            "{} answered ENGINE_EWOULDBLOCK, and notify_io_complete was not called in time",
            silent.operation
        ))
    }
}

impl Context {
    /// Loads the library. The engine works in a directory in which there is
    /// nothing of the kit's.
    pub fn new(place: Place) -> Outcome<Self> {
        let directory = place.path("engine");
        fs::create_dir_all(&directory)?;
        env::set_current_dir(&directory)?;
        let library = Library::load(&place.settings.library.to_string_lossy());
        match library.map_err(|error| Stop::Failed(error.to_string()))? {
            Library::Engine(module) => Ok(Self { module, place }),
            Library::Plugin(plugin) => {
                fail!("{} is a plugin, and no engine of memcached's interface", plugin.name())
            }
        }
    }

    /// How long a call that blocks may take.
    fn patience(&self) -> Duration {
        (self.settings.limit / 2).min(PATIENCE)
    }

    /// The configuration, as `-e` has it.
    pub fn config(&self) -> Option<String> {
        (!self.settings.options.is_empty()).then(|| self.settings.options.join(";"))
    }

    /// Starts an engine, which must work.
    pub fn start(&self) -> Outcome<Engine> {
        self.try_start(self.config().as_deref()).map_err(Stop::Failed)
    }

    /// Starts an engine with a configuration. Err: it was refused, with this text.
    pub fn try_start(&self, config: Option<&str>) -> Result<Engine, String> {
        let instance = raw::start(&self.module, config).map_err(|error| error.to_string())?;
        let is_volatile = self.settings.assumed & KUMO_CAP_VOLATILE != 0;
        let timeless = self.settings.timeless;
        let deadline = (self.settings.limit * 3 / 4).min(DEADLINE);
        Ok(Engine { instance, patience: self.patience(), deadline, is_volatile, timeless })
    }
}

/// An engine that has been initialized.
pub(super) struct Engine {
    instance: Arc<Instance>,
    patience: Duration,
    deadline: Duration,
    is_volatile: bool,
    timeless: bool,
}

impl Engine {
    /// The instance.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// A client connects.
    pub fn connect(&self) -> Client {
        Client::new(raw::Client::new(&self.instance, self.patience))
    }

    /// How long to wait for a notify.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// By when what expires soon must be gone.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// Whether a function that may be NULL is there.
    pub fn has(&self, slot: &str) -> bool {
        self.instance.optional().contains(&slot)
    }

    /// Whether it says that it has a feature.
    pub fn has_feature(&self, number: u32) -> bool {
        let about = self.instance.about().unwrap_or_default();
        about.features.iter().any(|feature| feature.number == number)
    }

    /// Whether items have a CAS unique.
    pub fn has_cas(&self) -> Outcome<bool> {
        let client = self.connect();
        let key = b"a key to see whether there is a CAS unique";
        client.put(key, b"1")?;
        let has = client.info(key)?.cas != 0;
        client.delete(key)?;
        Ok(has)
    }

    /// Skips the test if the engine lacks what it needs.
    pub fn meets(&self, needs: &[Need]) -> Outcome {
        for need in needs {
            let lacking = match *need {
                Need::Cas => (!self.has_cas()?).then(|| "its items have no CAS unique".to_owned()),
                Need::Durable => {
                    let is_durable =
                        self.has_feature(Feature::PERSISTENT_STORAGE) && !self.is_volatile;
                    (!is_durable).then(|| {
                        "it is volatile: it does not say ENGINE_FEATURE_PERSISTENT_STORAGE"
                            .to_owned()
                    })
                }
                Need::Times => {
                    self.timeless.then(|| "it heeds no times (--assume no-expiry)".to_owned())
                }
                Need::Slot(slot) => (!self.has(slot)).then(|| format!("it has no {slot}")),
            };
            if let Some(reason) = lacking {
                return Err(Stop::Skipped(reason));
            }
        }
        Ok(())
    }

    /// Destroys it, when all its clients and items are gone.
    pub fn destroy(self) -> Outcome {
        let gone = raw::destroy(self.instance).is_some();
        ensure!(gone, "the kit itself failed: it still has something of the engine's");
        Ok(())
    }
}
