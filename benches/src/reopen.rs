//! How long opening takes: after a kill, and after a clean close.

use crate::{
    Settings,
    child::{Task, What},
    peers::{self, CHECKED, OURS, REFERENCE},
    report::{Page, Table, spread},
    table::bytes_of,
};
use anyhow::{Result, anyhow, ensure};
use kumo::bench::{KEY_SIZE, Values, key};
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

/// The child's side: milliseconds to open it, the first read included.
pub fn open(task: &Task) -> Result<f64> {
    let values = Values::new(task.size);
    let start = Instant::now();
    let peer = task.open()?;
    let mut session = peer.session();
    let mut is_right = |n| -> Result<bool> {
        let mut is_right = false;
        let take = &mut |value: &[u8]| is_right = values.is(value, n, 1);
        session.get(&key(n), take).map_err(|failure| anyhow!("{failure}"))?;
        Ok(is_right)
    };
    let first = is_right(0)?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    for n in (0..task.records).step_by(997).chain([task.records - 1]) {
        ensure!(first && is_right(n)?, "{} has lost record {n}", task.peer);
    }
    drop(session);
    peer.close()?;
    Ok(took)
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
        "Milliseconds from the call to the first value read, in a new process, with the file in \
         the page cache. Killed: loaded, then kill -9. Tokyo Cabinet checks nothing then. Disk: \
         bytes a record beyond key and value.",
    );
    page.versions(&chosen);
    let mut table = Table::new(["database", "records", "before", "milliseconds", "disk"]);
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
            let one = task(What::Open, &directory).run()?;
            if round > 0 {
                took.push(one);
            }
        }
        let beyond = disk - (KEY_SIZE + SIZE) as f64;
        let cells = [records.to_string(), before.to_owned(), spread(took.clone(), 1)];
        table.row(peer, cells.into_iter().chain([format!("{beyond:.1}")]));
        times.push(((*peer, *records, *is_killed), took));
    }
    page.table(&table);
    let median = |of: (&str, u32, bool)| {
        let took = times.iter().find(|(case, _)| *case == of)?.1.clone();
        Some(kumo::bench::Spread::of(took)?.median)
    };
    let ratio = |one, to| Some(median(one)? / median(to)?);
    if let Some(ratio) = ratio((CHECKED, some, true), (OURS, some, true)) {
        page.text(&format!("After a kill, Tkrzw takes {ratio:.1} times as long as tchdb_like."));
    }
    if let Some(ratio) = ratio((OURS, many, false), (OURS, some, false)) {
        page.text(&format!(
            "After a clean close, tchdb_like takes {ratio:.2} times as long for {many} records as \
             for {some}."
        ));
    }
    Ok(page)
}
