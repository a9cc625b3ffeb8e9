//! What an operation costs where there are many records, to where there are few.

use crate::{
    Settings,
    child::{Task, What},
    peers::{OURS, REFERENCE},
    report::{Page, Table, spread},
    table::Round1,
};
use anyhow::Result;
use kumo::bench::Phase;

const SIZE: usize = 32;

pub fn run(settings: &Settings) -> Result<Page> {
    let chosen = settings.chosen(&[OURS, "tchdb_like-interval", REFERENCE]);
    let mut page = Page::new("Growth", settings);
    page.text(&format!(
        "How many times as long an operation takes with {} records of {SIZE} bytes as with {}.",
        settings.many, settings.records
    ));
    page.versions(&chosen);
    let mut table = Table::new(["database"].into_iter().chain(Phase::ALL.map(Phase::name)));
    let mut costs = vec![vec![Vec::new(); Phase::ALL.len()]; chosen.len()];
    for round in 0..=settings.rounds {
        for (peer, costs) in chosen.iter().zip(&mut costs) {
            let run = |records| -> Result<Round1> {
                eprintln!("round {round}: {peer}, {records} records");
                let directory = tempfile::tempdir_in(settings.dir())?;
                Task::new(What::Table, peer, directory.path(), records, SIZE).run()
            };
            let (few, many) = (run(settings.records)?, run(settings.many)?);
            let both = few.rates.iter().zip(&many.rates).map(|(few, many)| few / many);
            if round > 0 {
                costs.iter_mut().zip(both).for_each(|(costs, cost)| costs.push(cost));
            }
        }
    }
    for (peer, costs) in chosen.iter().zip(costs) {
        table.row(peer, costs.into_iter().map(|costs| spread(costs, 2)));
    }
    page.table(&table);
    Ok(page)
}
