//! repair.

use super::upkeep::fill;
use crate::kit::{
    Outcome,
    context::Context,
    ensure,
    store::{clean, why},
};
use std::fs;

/// What is whole comes through, and the old database stays as it is.
pub fn whole(context: &Context) -> Outcome {
    let (from, to) = (context.path("old"), context.path("new"));
    let store = context.open_at(&from)?;
    let records = fill(&store)?;
    store.shut()?;
    // A database may be a directory.
    let before = fs::read(&from).ok();
    let answer = context.plugin.repair(&from, &to);
    ensure!(answer.said.0 >= 0, "repair of a healthy database failed: {}", why(&answer));
    let (said, lost) = clean(answer, "repair")?;
    ensure!(lost.is_empty(), "repair of a healthy database loses something: {}", lost.join("; "));
    ensure!(
        usize::try_from(said) == Ok(records.len()),
        "repair of {} records returned {said}",
        records.len()
    );
    ensure!(fs::read(&from).ok() == before, "repair has changed the database that it reads");
    let leftover = context.path("new.tmp");
    ensure!(fs::symlink_metadata(&leftover).is_err(), "repair leaves new.tmp behind");
    for path in [to, from] {
        let store = context.open_at(&path)?;
        let told = format!("{}, after a repair", context.shown(&path));
        store.expect_all(&records).map_err(|stop| stop.told(&told))?;
        store.shut()?;
    }
    Ok(())
}

/// What stands at the new one's name stays; without an old one there is none.
pub fn refused(context: &Context) -> Outcome {
    let (from, to) = (context.path("old"), context.path("new"));
    let store = context.open_at(&from)?;
    fill(&store)?;
    store.shut()?;
    fs::write(&to, b"something else")?;
    let answer = context.plugin.repair(&from, &to);
    ensure!(answer.said.0 < 0, "repair succeeds although something stands at the new name");
    ensure!(answer.error.is_some(), "repair fails without set_error");
    ensure!(
        fs::read(&to).is_ok_and(|there| there == b"something else"),
        "repair replaces what stands at the new name"
    );
    let (absent, new) = (context.path("absent"), context.path("of-nothing"));
    let answer = context.plugin.repair(&absent, &new);
    ensure!(answer.said.0 < 0, "repair succeeds where there is no database");
    ensure!(answer.error.is_some(), "repair fails without set_error");
    for path in [absent, new] {
        let shown = context.shown(&path);
        ensure!(fs::symlink_metadata(&path).is_err(), "a repair that fails leaves {shown}");
    }
    Ok(())
}
