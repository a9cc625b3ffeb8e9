//! `kumoctl load`: stores the records of a dump in a database.

use crate::{
    database::Engine,
    output::show,
    progress::{Unit, bar},
};
use anyhow::{Context, Result, bail};
use indicatif::{HumanCount, ProgressBar};
use kumo::{
    engine::store::offline::{Loaded, Offline},
    host::ErrorCode,
    protocol::dump::{Broken, Reader},
};
use kumo_plugin::abi::KUMO_CAP_VOLATILE;
use std::{
    collections::HashSet,
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Stores the records of a dump in a database
///
/// The database may be of any engine, and is made if there is none; it must not be served
/// meanwhile. A key that it has already keeps its record, if that is as new or newer (by the
/// clocktime); so a load that was interrupted is simply run again, and goes on where it was.
///
/// Of a dump that was cut off or damaged, what comes before is loaded, and the exit status is 1.
#[derive(clap::Args)]
pub struct Arguments {
    /// The dump; - is stdin
    file: PathBuf,

    /// The database
    path: OsString,

    #[command(flatten)]
    engine: Engine,

    /// Store every record of the dump, also over newer ones
    #[arg(long)]
    replace: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let plugin = arguments.engine.plugin()?;
    if plugin.caps() & KUMO_CAP_VOLATILE != 0 {
        bail!(
            "{} keeps its data in memory, and nothing would be left of what is loaded",
            plugin.name()
        );
    }
    let shown = arguments.file.display();
    let (from, len): (Box<dyn Read>, _) = if arguments.file == Path::new("-") {
        (Box::new(io::stdin().lock()), None)
    } else {
        let file = File::open(&arguments.file).with_context(|| format!("cannot open {shown}"))?;
        let len = file.metadata().with_context(|| format!("cannot read {shown}"))?.len();
        (Box::new(file), Some(len))
    };
    // What is no dump leaves no database behind.
    let mut reader = Reader::new(from).with_context(|| format!("cannot load {shown}"))?;
    let mut database = arguments.engine.open_or_make(&arguments.path)?;
    let bar = bar("loading", Unit::Bytes, len)?;
    let mut loaded = Loaded::default();
    let done = load(&mut reader, &mut database, arguments.replace, &mut loaded, &bar);
    bar.finish_and_clear();
    let synced = database.storage().sync();
    drop(database);
    let Loaded { stored, kept, flushed } = loaded;
    show(&format!("read={}\nstored={stored}\nkept={kept}\nflushed={flushed}\n", reader.records()))?;
    if flushed > 0 {
        eprintln!(
            "kumoctl: {} records were left out: they were written before the database's last \
             flush_all; load them into a new database",
            HumanCount(flushed)
        );
    }
    synced.context("what was loaded may not be on the disk; load it again")?;
    match done {
        Ok(()) => Ok(()),
        Err(Stopped::Dump(broken)) => Err(broken)
            .with_context(|| format!("{shown} is not whole; what comes before has been loaded")),
        Err(Stopped::Database(failure)) if failure.code == ErrorCode::Full => Err(failure)
            .context("not all of it was loaded; make room and run the same command again"),
        Err(Stopped::Database(failure)) => {
            Err(failure).context("not all of it was loaded; the same command goes on from there")
        }
    }
}

/// Why a load has not come to its end.
enum Stopped {
    Dump(Broken),
    Database(kumo::host::Failure),
}

/// How many bytes are stored at a time, and how many records.
const BATCH: usize = 1 << 20;
const RECORDS: usize = 4096;

fn load(
    reader: &mut Reader<Box<dyn Read>>,
    database: &mut Offline,
    replace: bool,
    loaded: &mut Loaded,
    bar: &ProgressBar,
) -> Result<(), Stopped> {
    let mut batch = Batch::default();
    loop {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let next = reader.next(&mut key, &mut value);
        bar.set_position(reader.position());
        // A key that comes again is compared with what is stored.
        let is_full = batch.bytes >= BATCH || batch.records.len() >= RECORDS;
        if is_full || !matches!(next, Ok(true)) || batch.keys.contains(&key) {
            batch.store(database, replace, loaded).map_err(Stopped::Database)?;
        }
        match next {
            Ok(true) => batch.push(key, value),
            Ok(false) => return Ok(()),
            Err(broken) => return Err(Stopped::Dump(broken)),
        }
    }
}

/// Records on their way into the database. No key comes twice.
#[derive(Default)]
struct Batch {
    records: Vec<(Vec<u8>, Vec<u8>)>,
    keys: HashSet<Vec<u8>>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.keys.insert(key.clone());
        self.records.push((key, value));
    }

    fn store(
        &mut self,
        database: &mut Offline,
        replace: bool,
        loaded: &mut Loaded,
    ) -> Result<(), kumo::host::Failure> {
        let records: Vec<(&[u8], &[u8])> =
            self.records.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        *loaded += database.load(&records, replace)?;
        *self = Self::default();
        Ok(())
    }
}
