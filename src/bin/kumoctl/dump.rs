//! `kumoctl dump`: writes a database's records to a file.

use crate::{
    database::{self, Engine, file, must_not_exist},
    output::show,
    progress::{Unit, bar},
};
use anyhow::{Context, Error, Result};
use indicatif::{HumanBytes, HumanCount, ProgressBar};
use kumo::{engine::store::offline::Offline, protocol::dump::Writer};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, ErrorKind, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Writes the records of a database to a file that any engine can load
///
/// Every record with its clocktime, flags and expiry, as docs/dump.md describes it. The database
/// must not be served meanwhile: dump a backup of one that is (kumoctl HOST backup). A damaged
/// record makes the dump fail; kumoctl repair keeps what is whole.
///
/// The file appears when it is complete and on the disk, and never replaces another one.
#[derive(clap::Args)]
pub struct Arguments {
    /// The database
    path: OsString,

    #[command(flatten)]
    engine: Engine,

    /// Where to write it; - is stdout [default: PATH.dump]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let to_stdout = arguments.output.as_deref() == Some(Path::new("-"));
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None => database::with(file(&arguments.path), ".dump"),
    };
    if !to_stdout {
        must_not_exist(&output)?;
    }
    let database = arguments.engine.open(&arguments.path)?;
    if to_stdout {
        // A bar would be between the bytes, if both go to a terminal.
        let out = BufWriter::with_capacity(BUFFER, io::stdout());
        write(&database, out, &ProgressBar::hidden())?;
        return Ok(());
    }
    let temporary = Temporary::create(&output)?;
    let bar = bar("dumping", Unit::Records, database.storage().rnum().ok())?;
    let written = write(&database, BufWriter::with_capacity(BUFFER, &temporary.file), &bar);
    bar.finish_and_clear();
    let records = written.with_context(|| format!("no dump {}", output.display()))?;
    let bytes = temporary
        .publish(&output)
        .with_context(|| format!("cannot complete {}", output.display()))?;
    show(&format!("path={}\nrecords={records}\nbytes={bytes}\n", output.display()))?;
    eprintln!("{} records, {}: complete", HumanCount(records), HumanBytes(bytes));
    Ok(())
}

/// The bytes that are written at a time.
const BUFFER: usize = 1 << 20;

/// Writes every record; how many there were.
fn write(database: &Offline, to: impl Write + Send, bar: &ProgressBar) -> Result<u64> {
    let mut writer = Writer::new(to)?;
    let mut failed: Option<Error> = None;
    let shown = database.for_each(&mut |record| {
        if let Err(error) = writer.record(record.key, record.value) {
            failed = Some(Error::new(error).context("cannot write the dump"));
            return ControlFlow::Break(());
        }
        bar.inc(1);
        ControlFlow::Continue(())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    shown.context(
        "the database cannot be read whole; kumoctl verify says what is damaged, and kumoctl \
         repair keeps the rest",
    )?;
    let (_, records) = writer.finish().context("cannot write the dump")?;
    Ok(records)
}

/// The file under its first name, which goes when this is dropped.
struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    /// Makes `output.tmp`. One that is there was left by a dump that was killed,
    /// or is one's that is under way.
    fn create(output: &Path) -> Result<Self> {
        let path = database::with(output, ".tmp");
        let shown = path.display();
        if let Ok(left) = File::open(&path) {
            left.try_lock().map_err(|error| {
                anyhow::anyhow!("{shown} is being written by another dump: {error}")
            })?;
            fs::remove_file(&path).with_context(|| format!("cannot remove {shown}"))?;
        }
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = made.with_context(|| format!("cannot create {shown}"))?;
        file.try_lock().with_context(|| format!("cannot lock {shown}"))?;
        Ok(Self { file, path })
    }

    /// Syncs the file and gives it its name, if that is free; its bytes.
    fn publish(self, output: &Path) -> io::Result<u64> {
        self.file.sync_all()?;
        let bytes = self.file.metadata()?.len();
        match fs::hard_link(&self.path, output) {
            // File systems without links: a rename would replace what is there.
            Err(error)
                if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
                    && fs::symlink_metadata(output).is_err() =>
            {
                fs::rename(&self.path, output)?;
            }
            linked => linked?,
        }
        drop(self);
        let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(bytes)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Its name is ours as long as the lock is.
        let _ = fs::remove_file(&self.path);
    }
}
