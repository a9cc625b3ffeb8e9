//! What a call through a plugin's table costs.

use crate::{
    Settings, peers,
    report::{Page, Table, root},
};
use anyhow::Result;
use kumo::bench::{Orders, Phase, Round, Spread, Target, Values};
use std::env;

const SIZE: usize = 32;
/// So few that all of it is in the processor's caches, or what memory does
/// would hide what is measured.
const RECORDS: u32 = 2000;
/// How often all of them are asked for at a time: so shortly that now and then
/// nothing comes between.
const PASSES: usize = 20;
/// How many turns there are in a round.
const TURNS: u32 = 20;
const PHASES: [Phase; 3] = [Phase::Get, Phase::Miss, Phase::Batch];

pub fn run(settings: &Settings) -> Result<Page> {
    let directory = tempfile::tempdir_in(settings.dir())?;
    let library = settings.plugin.clone().or_else(built);
    let direct = peers::open(peers::OURS, directory.path(), RECORDS.into())?;
    let within = directory.path().join("table");
    std::fs::create_dir(&within)?;
    let table = peers::kumo::plugged(None, &within)?;
    let loaded = match &library {
        Some(library) => Some(peers::kumo::plugged(Some(library), directory.path())?),
        None => {
            eprintln!("no plugin: cargo build --release -p tchdb_like-plugin, or --plugin");
            None
        }
    };
    let mut ways: Vec<(&str, &dyn Target)> = vec![("directly", &*direct), ("the table", &table)];
    ways.extend(loaded.as_ref().map(|loaded| ("dlopen", loaded as &dyn Target)));

    let orders = Orders::new(RECORDS);
    let many = Orders { uniform: orders.uniform.repeat(PASSES), ..Orders::new(RECORDS) };
    let values = Values::new(SIZE);
    let round = |target, orders| Round { target, orders, values: &values, threads: 1 };
    for (_, target) in &ways {
        round(*target, &orders).rate(Phase::Load)?;
    }
    let mut took = vec![vec![Vec::new(); PHASES.len()]; ways.len()];
    for n in 0..=u32::from(settings.rounds) * TURNS {
        for ((_, target), took) in ways.iter().zip(&mut took) {
            for (phase, took) in PHASES.iter().zip(took) {
                // A rate is counted by the records.
                let rate = round(*target, &many).rate(*phase)? * PASSES as f64;
                if n > 0 {
                    took.push(1e9 / rate);
                }
            }
        }
    }
    let mut page = Page::new("The plugin's tax", settings);
    page.text(
        "Nanoseconds for each operation: the engine called directly, through its table within \
         the process, and loaded as a plugin; both of these by what the server calls, which \
         clears the error, guards against unwinding, and gives the value back. The comparison \
         of each value with what was stored is in all three. Of many turns the fastest is \
         shown, with the median in brackets: what is slower is what else the machine did.",
    );
    let mut cells = Table::new(["way"].into_iter().chain(PHASES.map(Phase::name)));
    let spreads = |took: &[Vec<f64>]| -> Vec<Spread> {
        took.iter().filter_map(|took| Spread::of(took.clone())).collect()
    };
    let direct = spreads(&took[0]);
    for ((name, _), took) in ways.iter().zip(&took) {
        let cell = |took: &Spread| format!("{:.1} ({:.1})", took.min, took.median);
        cells.row(name, spreads(took).iter().map(cell));
    }
    for ((name, _), took) in ways.iter().zip(&took).skip(1) {
        let all = spreads(took);
        let more = all.iter().zip(&direct).map(|(took, direct)| {
            format!("{:.1} ({:.1})", took.min - direct.min, took.median - direct.median)
        });
        cells.row(&format!("{name}, more than directly"), more);
    }
    page.table(&cells);
    Ok(page)
}

/// The plugin in the root's target directory, where it has been built.
fn built() -> Option<String> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let library = target.join("release/libtchdb_like.so");
    library.exists().then(|| library.to_string_lossy().into_owned())
}
