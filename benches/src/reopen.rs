//! How long opening takes: after a kill, and after a clean close.

use crate::{
    Settings,
    child::{Task, What},
    peers::{self, CHECKED, OURS, REFERENCE},
    report::{Page, Table, spread},
    table::bytes_of,
};
use anyhow::{Result, anyhow, ensure};
use kumo::bench::{KEY_SIZE, Spread, Values, key};
use serde::{Deserialize, Serialize};
use std::time::Instant;

const SIZE: usize = 32;

/// The child's side: a database that is loaded, and open.
pub fn load(task: &Task) -> Result<Box<dyn peers::Peer>> {
    let peer = task.open()?;
    let values = Values::new(task.size);
    let (mut session, mut value) = (peer.session(), values.buffer());
    for n in 0..task.records {
        values.fill(&mut value, n, 1);
        session.set(&key(n), &value).map_err(|failure| anyhow!("{failure}"))?;
    }
    drop(session);
    Ok(peer)
}

/// Milliseconds from the beginning.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub struct Opened {
    /// Until it was open.
    open: f64,
    /// Until the first value had been read.
    read: f64,
}

/// The child's side: opens it, and reads.
pub fn open(task: &Task) -> Result<Opened> {
    let values = Values::new(task.size);
    let start = Instant::now();
    let since = || start.elapsed().as_secs_f64() * 1e3;
    let peer = task.open()?;
    let open = since();
    let mut session = peer.session();
    let mut is_right = |n| -> Result<bool> {
        let mut is_right = false;
        let take = &mut |value: &[u8]| is_right = values.is(value, n, 1);
        session.get(&key(n), take).map_err(|failure| anyhow!("{failure}"))?;
        Ok(is_right)
    };
    let first = is_right(0)?;
    let read = since();
    for n in (0..task.records).step_by(997).chain([task.records - 1]) {
        ensure!(first && is_right(n)?, "{} has lost record {n}", task.peer);
    }
    drop(session);
    peer.close()?;
    Ok(Opened { open, read })
}

struct Case {
    peer: &'static str,
    records: u32,
    is_killed: bool,
}

pub fn run(settings: &Settings) -> Result<Page> {
    let (some, many) = (settings.records, settings.many);
    let case = |peer, records, is_killed| Case { peer, records, is_killed };
    let cases = [
        case(OURS, some, true),
        case(CHECKED, some, true),
        case(REFERENCE, some, true),
        case(OURS, some, false),
        case(OURS, many, false),
        case(CHECKED, some, false),
        case(REFERENCE, some, false),
    ];
    let chosen = settings.chosen(&[OURS, CHECKED, REFERENCE]);
    let mut page = Page::new("Opening", settings);
    page.text(
        "Milliseconds until the call to open returns, and until the first value has been read, \
         in a new process, with the file in the page cache. Killed: loaded, then kill -9. Tokyo Cabinet checks nothing then. Disk: \
         bytes a record beyond key and value.",
    );
    page.versions(&chosen);
    let mut table = Table::new(["database", "records", "before", "open", "first read", "disk"]);
    let mut times = Vec::new();
    for Case { peer, records, is_killed } in cases.iter().filter(|case| chosen.contains(&case.peer))
    {
        let before = if *is_killed { "killed" } else { "closed" };
        // Loaded once; then opened and closed, or killed anew each time.
        let mut took = Vec::new();
        let mut directory = tempfile::tempdir_in(settings.dir())?;
        let task = |what, at: &tempfile::TempDir| Task::new(what, peer, at.path(), *records, SIZE);
        if !is_killed {
            task(What::Load, &directory).run::<()>()?;
        }
        let mut disk = 0.0;
        for round in 0..=settings.rounds {
            eprintln!("round {round}: {peer}, {records} records, {before}");
            if *is_killed {
                directory = tempfile::tempdir_in(settings.dir())?;
                task(What::LoadAndWait, &directory).run_and_kill()?;
            }
            disk = bytes_of(directory.path())? as f64 / f64::from(*records);
            let one: Opened = task(What::Open, &directory).run()?;
            if round > 0 {
                took.push(one);
            }
        }
        let beyond = disk - (KEY_SIZE + SIZE) as f64;
        let of = |what: fn(&Opened) -> f64| spread(took.iter().map(what), 1);
        let cells = [records.to_string(), before.to_owned(), of(|it| it.open), of(|it| it.read)];
        table.row(peer, cells.into_iter().chain([format!("{beyond:.1}")]));
        times.push(((*peer, *records, *is_killed), took));
    }
    page.table(&table);
    let median = |of: (&str, u32, bool), what: fn(&Opened) -> f64| {
        let took = &times.iter().find(|(case, _)| *case == of)?.1;
        Some(Spread::of(took.iter().map(what).collect())?.median)
    };
    let ratio = |one, to, what| Some(median(one, what)? / median(to, what)?);
    if let Some(ratio) = ratio((CHECKED, some, true), (OURS, some, true), |it| it.read) {
        page.text(&format!(
            "After a kill, Tkrzw takes {ratio:.1} times as long as tchdb_like to the first read."
        ));
    }
    let (one, to) = ((OURS, many, false), (OURS, some, false));
    if let (Some(open), Some(read)) = (ratio(one, to, |it| it.open), ratio(one, to, |it| it.read)) {
        page.text(&format!(
            "After a clean close, tchdb_like takes {open:.2} times as long to open {many} records \
             as {some}, and {read:.2} times as long to the first read, which brings in the \
             256th part of the index that it needs."
        ));
    }
    Ok(page)
}
