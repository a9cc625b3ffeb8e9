//! Work on a database as a whole, where the plugin can do it.

use crate::{
    engine::Upkeep,
    host::{ErrorCode, Failure, Storage},
};

/// Does it; shows `report` what is damaged.
pub fn upkeep(
    storage: &Storage,
    work: Upkeep,
    report: &mut (dyn FnMut(&str) + Send),
) -> Result<(), Failure> {
    let (done, lacks) = match work {
        Upkeep::Sync => (storage.sync()?, "sync: what is written is as safe as it makes it"),
        Upkeep::Compact => (storage.compact()?, "compact: space comes back as it sees fit"),
        Upkeep::Verify => (storage.verify(report)?.map(drop), "verify: it cannot be checked"),
    };
    done.ok_or_else(|| {
        let plugin = storage.plugin();
        Failure::new(ErrorCode::Unsupported, format!("{plugin} has no operation {lacks}"))
    })
}
