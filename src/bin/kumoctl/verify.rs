//! `kumoctl verify` and `compact`: of a database that no server has open.

use crate::{
    database::Engine,
    output::show,
    progress::{Unit, bar, watch},
};
use anyhow::{Context, Result};
use kumo::engine::{
    Upkeep,
    store::{offline::Offline, upkeep},
};
use std::{ffi::OsString, process::ExitCode, time::Instant};

/// Checks every record of a database, and says what is damaged
///
/// The database must not be served meanwhile; of one that is, kumoctl HOST verify checks it. The
/// exit status is 1 if something is damaged: kumoctl repair keeps what is whole.
#[derive(clap::Args)]
pub struct Arguments {
    /// The database
    path: OsString,

    #[command(flatten)]
    engine: Engine,
}

/// What a database with so many faults ends the program with.
pub fn status(faults: u64) -> ExitCode {
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let began = Instant::now();
    let database = arguments.engine.open(&arguments.path)?;
    let records = database.storage().rnum()?;
    let bar = bar("checking", Unit::Parts, None)?;
    let (mut faults, mut printed) = (0, Ok(()));
    let done = watch(&bar, || {
        upkeep(database.storage(), Upkeep::Verify, &mut |fault| {
            faults += 1;
            if printed.is_ok() {
                printed = bar.suspend(|| show(&format!("{fault}\n")));
            }
        })
    });
    done.context("the database was not checked to its end")?;
    printed?;
    let seconds = began.elapsed().as_secs_f64();
    show(&format!("records={records}\nfaults={faults}\nseconds={seconds:.3}\n"))?;
    Ok(status(faults))
}

pub fn compact(arguments: &Arguments) -> Result<()> {
    let database: Offline = arguments.engine.open(&arguments.path)?;
    let bar = bar("compacting", Unit::Parts, None)?;
    watch(&bar, || upkeep(database.storage(), Upkeep::Compact, &mut |_| {}))?;
    Ok(())
}
