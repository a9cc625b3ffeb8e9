//! From a key to its record: the places that the index names, and the keys
//! that stand there.

use crate::{
    index::{Hash, Index, Place},
    log::{Log, Record, State},
};
use kumo_plugin::Error;

/// Finds and checks the record of a key. A damaged one is an error.
pub(crate) fn record(
    log: &Log,
    index: &Index,
    hash: Hash,
    key: &[u8],
) -> Result<Option<(Place, Record)>, Error> {
    let mut unreadable = None;
    for place in index.find(hash, key.len()) {
        let record = log.read(place, Vec::new())?;
        match record.state {
            State::BadHead => unreadable = Some(place),
            _ if record.key() != key => {}
            State::Intact => return Ok(Some((place, record))),
            State::BadValue => return Err(log.damage(place)),
        }
    }
    // The hash says that it was this key's: not a miss.
    unreadable.map_or(Ok(None), |place| Err(log.damage(place)))
}

/// Finds the place that a new record of this key takes over. The value there
/// may be damaged; so may the key, if the hash says that it was this one.
pub(crate) fn place(
    log: &Log,
    index: &Index,
    hash: Hash,
    key: &[u8],
) -> Result<Option<Place>, Error> {
    let mut unreadable = None;
    for place in index.find(hash, key.len()) {
        match log.has_key(place, key)? {
            Some(true) => return Ok(Some(place)),
            Some(false) => {}
            None => unreadable = Some(place),
        }
    }
    Ok(unreadable)
}
