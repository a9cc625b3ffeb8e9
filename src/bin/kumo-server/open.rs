//! Opens what is to be served: a database over a plugin, or an engine of
//! memcached's interface.

use crate::{arguments::Arguments, log};
use anyhow::{Context, Result, bail};
use kumo::{
    engine::{Engine, mcengine::McEngine, store::Store},
    host::{Library, Plugin, memcached},
    server::Settings,
};
use std::{env, ffi::OsString, fs, path::Path, sync::Arc};

/// What is served.
pub struct Opened {
    /// Its commands.
    pub engine: Arc<dyn Engine>,
    /// What it is, for who has started it.
    pub description: String,
}

/// What is to be opened.
pub enum Chosen {
    /// A database: the plugin, and the location that it is told.
    Database(Plugin, OsString),
    /// An engine of memcached's interface.
    Engine(memcached::Module),
}

/// Finds and loads what is to be opened. A usage error ends the process with 2.
pub fn choose(arguments: &Arguments) -> Result<Chosen> {
    let library = match &arguments.storage {
        Some(name) => Library::load(name)?,
        None => Library::Plugin(Plugin::built_in()?),
    };
    Ok(match library {
        Library::Plugin(plugin) => {
            let location = arguments.location();
            if let Some(about) = plugin.about() {
                tracing::info!("{} {}: {}", plugin.name(), about.version, about.description);
            }
            Chosen::Database(plugin, location)
        }
        Library::Engine(module) => Chosen::Engine(module),
    })
}

/// Opens it.
pub fn open(chosen: Chosen, arguments: &Arguments, settings: &Settings) -> Result<Opened> {
    match chosen {
        Chosen::Database(plugin, location) => database(&plugin, location, arguments),
        Chosen::Engine(module) => engine(&module, arguments, settings),
    }
}

/// Logs so much from now on, and tells an engine of memcached's.
pub fn set_verbosity(verbose: u32) {
    log::set(verbose);
    memcached::level_changed();
}

fn database(plugin: &Plugin, location: OsString, arguments: &Arguments) -> Result<Opened> {
    let store = Store::open(plugin, location, arguments.item_size)?;
    let items = store.items()?;
    let path = Path::new(arguments.database());
    let description = format!("{items} items in {} ({})", path.display(), plugin.name());
    Ok(Opened { engine: Arc::new(store), description })
}

fn engine(
    module: &memcached::Module,
    arguments: &Arguments,
    settings: &Settings,
) -> Result<Opened> {
    if let Some(directory) = &arguments.store {
        let directory = Path::new(directory);
        if directory.to_string_lossy().contains('#') && !directory.exists() {
            bail!(
                "there is no directory {}: the configuration of an engine of memcached's \
                 interface goes behind -e",
                directory.display()
            );
        }
        fs::create_dir_all(directory)
            .and_then(|()| env::set_current_dir(directory))
            .with_context(|| format!("the engine cannot work in {}", directory.display()))?;
    }
    let services =
        memcached::Services { settings: settings.report(), verbosity: Some(Box::new(log::set)) };
    let instance = module.start(arguments.configuration().as_deref(), services)?;
    let about = instance.about().unwrap_or_default();
    let what = about.description;
    let features: Vec<_> = about.features.iter().map(ToString::to_string).collect();
    tracing::info!("{}: {what} ({})", module.name(), features.join(", "));
    let description = match what.as_str() {
        "" => module.name().to_owned(),
        _ => format!("{what} ({})", module.name()),
    };
    Ok(Opened { engine: Arc::new(McEngine::new(instance)), description })
}
