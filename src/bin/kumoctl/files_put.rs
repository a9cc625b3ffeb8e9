//! `kumoctl files put`: stores files.

use crate::{files::progress, files_type};
use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use indicatif::HumanBytes;
use kumo_files::{Condition, DEFAULT_CHUNK, Store, Tcp};
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt},
};

/// How much is read at once.
const READ: usize = 256 << 10;

/// Stores files, each under its own name; a file of that name is replaced, at once and whole
#[derive(clap::Args)]
pub struct Arguments {
    /// The files; - is what comes on stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Another name, for one file
    #[arg(long)]
    name: Option<String>,

    /// Replace nothing: fail if there is a file of that name
    #[arg(long)]
    new: bool,

    /// The media type [default: by the name's ending, if that is a usual one]
    #[arg(long = "type", value_name = "TYPE/SUBTYPE")]
    media_type: Option<String>,

    /// How many bytes of a file stand under one key; the default fits servers with the usual item
    /// size of 1 MiB
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_CHUNK, value_parser = chunk)]
    pub chunk: NonZeroU32,
}

fn chunk(text: &str) -> Result<NonZeroU32, String> {
    let fits = text.parse().ok().filter(|bytes| (1024..=1 << 30).contains(bytes));
    fits.and_then(NonZeroU32::new).ok_or_else(|| "a number from 1024 to 1073741824".to_owned())
}

pub async fn run(store: &Store<Tcp>, arguments: &Arguments) -> Result<()> {
    if arguments.name.is_some() && arguments.files.len() > 1 {
        bail!("--name is for one file, and these are {}", arguments.files.len());
    }
    for path in &arguments.files {
        put(store, arguments, path).await?;
    }
    Ok(())
}

async fn put(store: &Store<Tcp>, arguments: &Arguments, path: &Path) -> Result<()> {
    let stdin = path == Path::new("-");
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None if stdin => bail!("what comes on stdin has no name: give it one with --name"),
        None => path
            .file_name()
            .and_then(|name| name.to_str())
            .with_context(|| format!("{path:?} has no name for it: give it one with --name"))?
            .to_owned(),
    };
    let mut size = None;
    let mut source: Box<dyn AsyncRead + Unpin> = if stdin {
        Box::new(tokio::io::stdin())
    } else {
        let failed = || format!("cannot read {}", path.display());
        let file = File::open(path).await.with_context(failed)?;
        let about = file.metadata().await.with_context(failed)?;
        if about.is_dir() {
            bail!("{} is a directory: pack it, tar c DIR | kumoctl files put -", path.display());
        }
        size = about.is_file().then_some(about.len());
        Box::new(file)
    };
    let bar = progress(&name, size)?;
    let media_type = arguments.media_type.as_deref().or_else(|| files_type::of(&name));
    let condition = if arguments.new { Condition::New } else { Condition::Any };
    let stored = async {
        let mut upload = store.upload(&name, media_type, condition).await?;
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(READ);
            if source.read_buf(&mut buffer).await.with_context(|| format!("{}", path.display()))?
                == 0
            {
                break;
            }
            let part = buffer.split().freeze();
            let length = part.len() as u64;
            upload.write(part).await?;
            bar.inc(length);
        }
        anyhow::Ok(upload.commit().await?)
    }
    .await;
    bar.finish_and_clear();
    let stored = stored.with_context(|| format!("cannot store {name:?}"))?;
    let how = if stored.replaced { "replaced" } else { "stored" };
    eprintln!("{name}: {}, {how}", HumanBytes(stored.size));
    Ok(())
}
