//! Records that are set together: one behind the other at a chunk's end, or where
//! others have left room.
//!
//! The room is taken at once, and divided into extents that say that they are
//! free. Then the records are set one after the other: whenever the process ends,
//! the first of them are there, up to some one.

use crate::{
    chunk::MAX_SHARED,
    database::Core,
    index::{Entry, Hash},
    record,
    shard::Inner,
    space::Need,
    sync::{MutexGuard, atomic::Ordering::SeqCst},
    write::{New, Old, Place, no_room_in_index},
};
use kumo_plugin::{Error, ErrorCode};

/// How many keys are looked for at once: about as many lines as a processor's
/// core waits for at the same time.
pub(crate) const TOGETHER: usize = 16;

/// The locks of some shards, taken in the order of the shards' numbers: so no two
/// wait for each other.
pub(crate) struct Locked<'a>(Vec<(usize, MutexGuard<'a, Inner>)>);

impl Locked<'_> {
    /// What is known of one of the shards.
    pub fn of(&mut self, shard: usize) -> &mut Inner {
        let at = self.0.partition_point(|(number, _)| *number < shard);
        &mut self.0[at].1
    }

    /// All of them, with their numbers.
    pub fn all(&mut self) -> impl Iterator<Item = (usize, &mut Inner)> {
        self.0.iter_mut().map(|(number, inner)| (*number, &mut **inner))
    }
}

impl Core {
    /// The locks of the shards with these numbers, whose tables are there.
    pub fn lock_some(&self, shards: impl Iterator<Item = usize>) -> Result<Locked<'_>, Error> {
        let mut numbers: Vec<usize> = shards.collect();
        numbers.sort_unstable();
        numbers.dedup();
        loop {
            let lock = |&number: &usize| (number, self.shards[number].inner.lock());
            let locked = Locked(numbers.iter().map(lock).collect());
            if !numbers.iter().any(|number| self.index.is_absent(*number)) {
                return Ok(locked);
            }
            drop(locked);
            // One by one: where one is damaged it takes all locks. What is there
            // stays, but for that, which happens once.
            numbers.iter().try_for_each(|number| self.lock(*number).map(drop))?;
        }
    }

    /// Before so many writes: the least sequence number that they may have, and one
    /// that is not below that of any of them.
    pub fn begin_some(&self, locked: &mut Locked<'_>, count: usize) -> (u64, u64) {
        let floor = self.space.floor.load(SeqCst);
        let mut last = floor;
        for (_, inner) in locked.all() {
            self.note_begun(inner);
            last = last.max(inner.sequence + count as u64);
        }
        (floor, last)
    }

    /// Asks for what there is of some keys to be brought near: their lines of the
    /// index, then their records.
    pub fn bring_near(&self, hashes: &[Hash]) {
        hashes.iter().for_each(|hash| self.index.prefetch(*hash));
        let entries = hashes.iter().filter_map(|hash| self.index.first(*hash));
        entries.for_each(|entry: Entry| self.space.prefetch(entry.offset()));
    }

    /// Sets records in order; `done` says how many.
    pub fn set_many(&self, records: &[(&[u8], &[u8])], done: &mut usize) -> Result<(), Error> {
        let mut rest = records;
        while !rest.is_empty() {
            let count = count_together(rest);
            let (some, more) = rest.split_at(count.max(1));
            // Where there is no room for all of them, there may be for some.
            if count < 2 || !self.set_together(some, done)? {
                for (key, val) in some {
                    self.set(key, val)?;
                    *done += 1;
                }
            }
            rest = more;
        }
        Ok(())
    }

    /// Sets a few records. False: there is no room for all of them, and none was
    /// set.
    fn set_together(&self, records: &[(&[u8], &[u8])], done: &mut usize) -> Result<bool, Error> {
        self.before_write()?;
        let mut hashes = [Hash::default(); TOGETHER];
        hashes.iter_mut().zip(records).for_each(|(hash, (key, _))| *hash = self.hash(key));
        let hashes = &hashes[..records.len()];
        self.bring_near(hashes);
        let mut locked = self.lock_some(hashes.iter().map(|hash| hash.shard()))?;
        let (floor, last) = self.begin_some(&mut locked, TOGETHER);
        let mut places = [const { None }; TOGETHER];
        let mut sizes = [0; TOGETHER];
        for (at, (key, val)) in records.iter().enumerate() {
            let size = record::size(key.len(), val.len());
            places[at] = self.used_room(locked.of(hashes[at].shard()), size, last);
            sizes[at] = if places[at].is_none() { size } else { 0 };
        }
        let set = self.append_all(&sizes, last, &mut places).and_then(|()| {
            for (at, &(key, val)) in records.iter().enumerate() {
                let hash = hashes[at];
                let inner = locked.of(hash.shard());
                let old = Old::of(&self.current_head(hash, key));
                if old.is_none() && !self.index.make_room(hash.shard()) {
                    return Err(no_room_in_index());
                }
                let Some(place) = places[at].take() else { break };
                let sequence = floor.max(inner.sequence + 1);
                self.store_at(inner, &New { hash, key, val: Some(val) }, old, &place, sequence)?;
                *done += 1;
            }
            Ok(true)
        });
        for (at, place) in places.iter_mut().enumerate().take(records.len()) {
            if let Some(Place { chunk, at: from, extent }) = place.take() {
                self.give_room(locked.of(hashes[at].shard()), chunk, from, extent);
                chunk.count.give_up();
                self.note_empty(chunk);
            }
        }
        match set {
            Err(error) if error.code() == ErrorCode::Full => Ok(false),
            set => set,
        }
    }

    /// Takes room at a chunk's end for records of these sizes; 0: for none.
    fn append_all<'a>(
        &'a self,
        sizes: &[usize],
        sequence: u64,
        places: &mut [Option<Place<'a>>],
    ) -> Result<(), Error> {
        let whole: usize = sizes.iter().sum();
        if whole == 0 {
            return Ok(());
        }
        let Place { chunk, at, extent } = self.append(whole, sequence, Need::Store)?;
        // The last first: until the first one says how long it is, whoever goes
        // through the chunk steps over all of them.
        let mut end = at + extent;
        for (place, &size) in places.iter_mut().zip(sizes).rev().filter(|(_, size)| **size > 0) {
            end -= size;
            chunk.free(&self.space, end, size);
            chunk.count.begin();
            *place = Some(Place { chunk, at: end, extent: size });
        }
        chunk.count.give_up();
        Ok(())
    }
}

/// How many of the first records may be set together.
fn count_together(records: &[(&[u8], &[u8])]) -> usize {
    let mut whole = 0_usize;
    let fits = |(key, val): &&(&[u8], &[u8])| {
        let (key, val) = (key.len(), val.len());
        whole = whole.saturating_add(key).saturating_add(val);
        key <= usize::from(u16::MAX) && whole <= MAX_SHARED
    };
    records.iter().take(TOGETHER).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use crate::engine::TchdbLike;
    use kumo_plugin::{Location, Storage};

    fn open(dir: &tempfile::TempDir) -> TchdbLike {
        let name = format!("{}#sync=none", dir.path().join("db").display());
        TchdbLike::open(&Location::parse(name.as_bytes(), TchdbLike::PARAMS).unwrap()).unwrap()
    }

    fn offset(db: &TchdbLike, key: &[u8]) -> u64 {
        db.core.index.first(db.core.hash(key)).unwrap().offset()
    }

    #[test]
    fn new_records_stand_behind_each_other_and_others_where_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(&dir);
        let keys: Vec<[u8; 2]> = (0..40).map(|n| [b'k', n]).collect();
        let set = |value: &[u8]| {
            let records: Vec<_> = keys.iter().map(|key| (&key[..], value)).collect();
            let mut stored = 0;
            db.updatev(&records, &mut stored).unwrap();
            assert_eq!(stored, keys.len());
        };
        set(&[1; 82]);
        let offsets: Vec<u64> = keys.iter().map(|key| offset(&db, key)).collect();
        assert!(offsets.windows(2).all(|two| two[1] == two[0] + 100), "{offsets:?}");
        // What these replace leaves room for the next, of which no more is needed.
        set(&[2; 82]);
        let used = || db.core.space.with_records().map(|chunk| chunk.used()).sum::<usize>();
        let before = used();
        (3..50).for_each(|byte| set(&[byte; 82]));
        assert_eq!(used(), before);
        assert!(keys.iter().all(|key| *db.get(key).unwrap().unwrap() == [49; 82]));
    }

    #[test]
    fn the_last_of_a_key_counts_also_beside_large_ones() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(&dir);
        let (large, half, long) = (vec![1; 100_000], vec![2; 40_000], vec![b'k'; 70_000]);
        let records: [(&[u8], &[u8]); 9] = [
            (b"a", b"1"),
            (b"a", &large),
            (b"a", b"2"),
            (b"b", &half),
            (b"c", &half),
            (b"b", b"3"),
            (&long, b"4"),
            (b"d", b""),
            (b"c", &large),
        ];
        let mut stored = 0;
        db.updatev(&records, &mut stored).unwrap();
        assert_eq!((stored, db.rnum()), (9, 5));
        let wanted: [(&[u8], &[u8]); 5] =
            [(b"a", b"2"), (b"b", b"3"), (b"c", &large), (b"d", b""), (&long, b"4")];
        for (key, value) in wanted {
            assert!(&*db.get(key).unwrap().unwrap() == value);
        }
    }
}
