//! `kumoctl files ls` and `rm`.

use crate::output::{columns, show, show_json};
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Local};
use indicatif::HumanBytes;
use kumo_files::{Condition, Error, Listing, Store, Tcp, client::ClientError};
use serde_json::json;

/// Lists files, where the server can list its keys: memcached 1.6 can
#[derive(clap::Args)]
pub struct Arguments {
    /// Only those whose names begin with this
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Removes files
#[derive(clap::Args)]
pub struct RemoveArguments {
    /// The files' names
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

pub async fn run(store: &Store<Tcp>, arguments: &Arguments) -> Result<()> {
    let listing = match store.list(&arguments.prefix).await {
        Err(error @ Error::Client(ClientError::Unlistable)) => {
            return Err(error).context("no list; get and rm need no list, only the names");
        }
        listing => listing?,
    };
    if arguments.json {
        return show_json(&report(&listing));
    }
    let rows = listing.files.iter().map(|file| {
        let at = i64::try_from(file.stored).ok().and_then(|at| DateTime::from_timestamp(at, 0));
        let at = at.map(|at| at.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string());
        let media_type = file.media_type.clone().unwrap_or_default();
        let size = HumanBytes(file.size).to_string();
        // A name may have any character, and a terminal obeys some.
        vec![file.name.escape_debug().to_string(), size, at.unwrap_or_default(), media_type]
    });
    show(&columns(&["name", "size", "stored", "type"], &rows.collect::<Vec<_>>(), 1))?;
    if listing.unnamed > 0 {
        eprintln!("{} more have no known name: another program stored them", listing.unnamed);
    }
    Ok(())
}

fn report(listing: &Listing) -> serde_json::Value {
    let file = |file: &kumo_files::Entry| {
        json!({"name": file.name, "size": file.size, "type": file.media_type,
               "stored": file.stored, "version": file.tag})
    };
    let files: Vec<_> = listing.files.iter().map(file).collect();
    json!({"files": files, "unnamed": listing.unnamed})
}

pub async fn remove(store: &Store<Tcp>, arguments: &RemoveArguments) -> Result<()> {
    let mut failed = 0;
    for name in &arguments.names {
        match store.delete(name, Condition::Any).await {
            Ok(()) => eprintln!("{name}: removed"),
            Err(error) => {
                eprintln!("kumoctl: {name}: {error}");
                failed += 1;
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} are not removed", arguments.names.len());
    }
    Ok(())
}
