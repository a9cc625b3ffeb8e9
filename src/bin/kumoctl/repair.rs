//! `kumoctl repair`: salvages what is whole of a damaged database.

use crate::{
    database::{Library, must_exist, must_not_exist},
    output::show,
    progress::{Unit, bar, watch},
};
use anyhow::{Context, Result, bail};
use indicatif::HumanCount;
use std::path::PathBuf;

/// Salvages what is whole of a damaged database into a new one
///
/// Every record that is whole and the newest of its key is kept; what is lost is printed, with its
/// place. The damaged file is only read, and must not be served; the new one appears when it is
/// complete, and never replaces another file. Make the copy on another disk, if the first one
/// fails.
#[derive(clap::Args)]
pub struct Arguments {
    /// The damaged database, without parameters
    damaged: PathBuf,

    /// The new one
    new: PathBuf,

    #[command(flatten)]
    library: Library,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { damaged, new, library } = arguments;
    must_exist(damaged.as_os_str())?;
    must_not_exist(new)?;
    let plugin = library.plugin()?;
    let bar = bar("salvaging", Unit::Parts, None)?;
    let (mut lost, mut printed) = (0, Ok(()));
    let repaired = watch(&bar, || {
        plugin.repair(damaged, new, &mut |text| {
            lost += 1;
            if printed.is_ok() {
                printed = bar.suspend(|| show(&format!("{text}\n")));
            }
        })
    });
    let records =
        repaired.with_context(|| format!("nothing of {} was saved", damaged.display()))?;
    let Some(records) = records else {
        bail!(
            "{} has no operation repair; where it still opens the database, kumoctl dump and load \
             copy it",
            plugin.name()
        );
    };
    printed?;
    show(&format!("path={}\nrecords={records}\nlost={lost}\n", new.display()))?;
    let (records, lost) = (HumanCount(records), HumanCount(lost));
    eprintln!("{records} records salvaged, {lost} places in which something is lost: complete");
    Ok(())
}
