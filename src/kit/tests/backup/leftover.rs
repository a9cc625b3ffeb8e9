//! What a backup that was killed has left.

use super::{back_up, fill, holds};
use crate::kit::{Outcome, context::Context, ensure};
use std::{fs, os::unix::fs::symlink};

/// A `.tmp` of each kind: none may stop a backup, and none may be written through.
pub fn after_crash(context: &Context) -> Outcome {
    let store = context.open("database")?;
    let records = fill(&store, 300)?;
    back_up(context, &store, &context.path("possible"))?;

    fs::write(context.path("half.tmp"), b"half of a backup")?;
    // Killed between link and unlink; then the backup was moved away.
    let finished = context.path("finished");
    fs::write(&finished, b"a finished backup")?;
    fs::hard_link(&finished, context.path("second.tmp"))?;
    symlink(&finished, context.path("link.tmp"))?;

    for (name, what) in [
        ("half", "half of a backup"),
        ("second", "another name of a backup"),
        ("link", "a symbolic link to a file"),
    ] {
        let path = context.path(name);
        back_up(context, &store, &path)
            .map_err(|stop| stop.told(&format!("{name}.tmp was there, {what}")))?;
        holds(context, &path, &records)?;
    }
    ensure!(
        fs::read(&finished).is_ok_and(|there| there == b"a finished backup"),
        "backup wrote over what was at its .tmp, a file that has another name too"
    );
    store.shut()
}
