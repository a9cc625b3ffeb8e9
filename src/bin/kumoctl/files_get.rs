//! `kumoctl files get`: fetches files.

use crate::files::progress;
use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, pin_mut};
use indicatif::{HumanBytes, ProgressBar};
use kumo_files::{File, Store, Tcp};
use std::{
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};
use tempfile::NamedTempFile;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Fetches files, each into a file of its name's last part
///
/// A file appears when it is complete, and not before.
#[derive(clap::Args)]
pub struct Arguments {
    /// The files' names
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    /// Where to write it, for one file; - is stdout
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,

    /// Replace a file that is there
    #[arg(short, long)]
    force: bool,
}

pub async fn run(store: &Store<Tcp>, arguments: &Arguments) -> Result<()> {
    if arguments.output.is_some() && arguments.names.len() > 1 {
        bail!("--output is for one file, and these are {}", arguments.names.len());
    }
    for name in &arguments.names {
        let failed = || format!("cannot fetch {name:?}");
        match &arguments.output {
            Some(path) if path == Path::new("-") => {
                let file = store.find(name).await.with_context(failed)?;
                // A bar would be between the bytes, if both go to a terminal.
                match copy(&file, &mut tokio::io::stdout(), &ProgressBar::hidden()).await {
                    Err(error) if is_broken_pipe(&error) => Ok(()),
                    done => done,
                }
            }
            Some(path) => fetch(store, name, path, arguments.force).await,
            None => fetch(store, name, last_part(name)?, arguments.force).await,
        }
        .with_context(failed)?;
    }
    Ok(())
}

/// Whoever has stopped reading has read enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// A name's last part, which is not to lead elsewhere.
fn last_part(name: &str) -> Result<&Path> {
    match Path::new(name).components().next_back() {
        Some(Component::Normal(last)) if !name.ends_with('/') => Ok(Path::new(last)),
        _ => bail!("{name:?} is no name for a file here: give one with --output"),
    }
}

async fn fetch(store: &Store<Tcp>, name: &str, path: &Path, force: bool) -> Result<()> {
    if !force && path.exists() {
        bail!("{} is there already; --force replaces it", path.display());
    }
    let file = store.find(name).await?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // It goes away by itself, unless it gets its name.
    let temporary = tempfile::Builder::new()
        .prefix(".kumo-files-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(dir)
        .with_context(|| format!("cannot write in {}", dir.display()))?;
    let mut to = tokio::fs::File::from_std(temporary.reopen()?);
    let bar = progress(name, Some(file.size))?;
    let copied = copy(&file, &mut to, &bar).await;
    bar.finish_and_clear();
    copied?;
    keep(temporary, path, force).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("{}: {}", path.display(), HumanBytes(file.size));
    Ok(())
}

fn keep(temporary: NamedTempFile, path: &Path, force: bool) -> io::Result<()> {
    if force {
        temporary.persist(path)?;
    } else {
        temporary.persist_noclobber(path)?;
    }
    Ok(())
}

async fn copy(
    file: &File<Tcp>,
    to: &mut (impl AsyncWrite + Unpin),
    bar: &ProgressBar,
) -> Result<()> {
    let data = file.read(0..file.size).await?;
    pin_mut!(data);
    while let Some(part) = data.next().await {
        let part = part?;
        to.write_all(&part).await?;
        bar.inc(part.len() as u64);
    }
    to.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_lead_elsewhere() {
        assert_eq!(last_part("a/b.png").unwrap(), Path::new("b.png"));
        assert_eq!(last_part("/etc/passwd").unwrap(), Path::new("passwd"));
        for bad in ["", "..", "a/..", "/", "a/"] {
            assert!(last_part(bad).is_err(), "{bad}");
        }
    }
}
