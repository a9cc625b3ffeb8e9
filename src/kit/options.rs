//! The parameters for `open`, checked before any test runs.

use super::{Family, Outcome, Settings, context::Context, run::in_child};
use std::{fs, io, path::Path};

/// The role of the process that checks them: to load a library runs its code.
pub(super) const ROLE: &str = "role-options";

/// The file in its directory that says why they are refused.
const REFUSAL: &str = "kumo-refusal";

/// Why the parameters do not fit what the plugin declares. None: they do, or it
/// declares nothing, or it cannot be loaded, which is what the first test is
/// about.
pub fn refused_options(settings: &Settings) -> io::Result<Option<String>> {
    // An engine of memcached's does not say what it takes.
    if settings.options.is_empty() || settings.family == Family::Engine {
        return Ok(None);
    }
    let dir = tempfile::Builder::new().prefix("kumo-check-").tempdir()?;
    in_child(settings, ROLE, &[], dir.path())?;
    Ok(fs::read_to_string(dir.path().join(REFUSAL)).ok())
}

/// The role.
pub(super) fn check(context: &Context) -> Outcome {
    let location = context.location(Path::new(""));
    if let Err(reason) = context.plugin.plugin().check_parameters(&location) {
        fs::write(context.path(REFUSAL), reason)?;
    }
    Ok(())
}
