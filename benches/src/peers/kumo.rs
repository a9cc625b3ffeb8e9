//! The built-in engine: called directly, and through the table of plugins.

use super::{Entry, OURS, Peer, failure};
use anyhow::{Context, Result, anyhow};
use kumo::{
    bench::{Session, Target},
    host::{Failure, Plugin, Storage as Plugged},
};
use kumo_plugin::{Location, Storage};
use std::{ffi::OsString, ops::ControlFlow, path::Path};
use tchdb_like::TchdbLike;

pub fn entries() -> Vec<Entry> {
    let version = || TchdbLike::VERSION.to_string_lossy().into_owned();
    vec![
        Entry {
            name: OURS,
            text: "sync=none: as safe as the others",
            version,
            open: |directory, _| direct(OURS, directory, "none"),
        },
        Entry {
            name: "tchdb_like-interval",
            text: "the default, sync=interval:1000",
            version,
            open: |directory, _| direct("tchdb_like-interval", directory, "interval:1000"),
        },
        Entry {
            name: "tchdb_like-always",
            text: "sync=always",
            version,
            open: |directory, _| direct("tchdb_like-always", directory, "always"),
        },
    ]
}

/// The engine itself.
struct Direct {
    name: &'static str,
    db: TchdbLike,
}

fn direct(name: &'static str, directory: &Path, sync: &str) -> Result<Box<dyn Peer>> {
    let text = format!("{}#sync={sync}", directory.join("kumo.db").display());
    let open = || TchdbLike::open(&Location::parse(text.as_bytes(), TchdbLike::PARAMS)?);
    Ok(Box::new(Direct { name, db: open().map_err(|error| anyhow!("{error}"))? }))
}

impl Target for Direct {
    fn name(&self) -> &str {
        self.name
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Caller(&self.db))
    }

    fn count(&self) -> Result<Option<u64>, Failure> {
        Ok(Some(self.db.rnum()))
    }
}

impl Peer for Direct {
    fn sync(&self) -> Result<(), Failure> {
        let sync = TchdbLike::OPTIONAL.sync.ok_or_else(|| failure("there is no sync"))?;
        sync(&self.db).map_err(failure)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.db.close().map_err(|error| anyhow!("{error}"))
    }
}

/// One thread's access to it.
struct Caller<'a>(&'a TchdbLike);

impl Session for Caller<'_> {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.0.set(key, value).map_err(failure)
    }

    fn get(&mut self, key: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let found = self.0.get(key).map_err(failure)?;
        Ok(found.map(|value| take(&value)).is_some())
    }

    fn get_many(
        &mut self,
        keys: &[&[u8]],
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), Failure> {
        for (n, value) in self.0.getv(keys).map_err(failure)?.iter().enumerate() {
            if let Some(value) = value {
                take(n, value);
            }
        }
        Ok(())
    }

    // As the others, which cannot ask, do.
    fn del(
        &mut self,
        key: &[u8],
        _is: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<bool, Failure> {
        self.0.del(key, &mut |_| true).map_err(failure)
    }

    fn for_each(&mut self, take: &mut (dyn FnMut(&[u8], &[u8]) + Send)) -> Result<(), Failure> {
        let visit = &mut |key: &[u8], value: &[u8]| {
            take(key, value);
            ControlFlow::Continue(())
        };
        self.0.for_each(visit).map_err(failure)
    }
}

/// The engine through a plugin's table, as the server has it.
pub fn plugged(library: Option<&str>, directory: &Path) -> Result<Plugged> {
    let plugin = match library {
        Some(library) => Plugin::load(library),
        None => Plugin::built_in(),
    };
    let mut location = OsString::from(directory.join("plugged.db"));
    location.push("#sync=none");
    plugin?.open(&location).context("the engine behind its table")
}
