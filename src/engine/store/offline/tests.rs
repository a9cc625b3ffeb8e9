use super::*;
use crate::{
    engine::{Client, Engine, Lookup, Mode, NewItem, store::Store},
    host::Pins,
};
use std::{ops::ControlFlow, os::fd::AsFd, sync::Arc};

type Records = Vec<(Vec<u8>, Vec<u8>)>;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn offline(&self) -> Offline {
        Offline::open(&Plugin::built_in().unwrap(), self.0.path().join("db").as_os_str()).unwrap()
    }

    /// Serves the database to `talk`.
    fn served(&self, talk: impl FnOnce(&mut dyn Client)) {
        let plugin = Plugin::built_in().unwrap();
        let store = Store::open(&plugin, self.0.path().join("db").into(), 1 << 20).unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut client = Arc::new(store).connect(socket.as_fd()).ok().unwrap();
        talk(&mut *client);
    }
}

fn set(client: &mut dyn Client, key: &str, data: &str) {
    let item = NewItem { key: key.as_bytes(), flags: 0, exptime: 0, data: data.as_bytes() };
    client.store(Mode::Set, &item).unwrap();
}

fn get(client: &mut dyn Client, key: &str) -> Option<Vec<u8>> {
    match client.get(key.as_bytes(), &Pins::new()).unwrap() {
        Lookup::Hit(item) => Some(item.data.to_vec()),
        _ => None,
    }
}

fn records(offline: &Offline) -> Records {
    let mut all = Vec::new();
    let done = offline.for_each(&mut |record| {
        all.push((record.key.to_vec(), record.value.to_vec()));
        ControlFlow::Continue(())
    });
    done.unwrap();
    all.sort();
    all
}

fn load(into: &mut Offline, records: &Records, replace: bool) -> (u64, u64, u64) {
    let records: Vec<(&[u8], &[u8])> = records.iter().map(|(k, v)| (&k[..], &v[..])).collect();
    let Loaded { stored, kept, flushed } = into.load(&records, replace).unwrap();
    (stored, kept, flushed)
}

#[test]
fn neither_kumo_s_own_record_nor_what_was_flushed_is_dumped() {
    let place = Place::new();
    place.served(|client| {
        set(client, "flushed", "1");
        client.flush(0).unwrap();
        set(client, "later", "2");
    });
    let offline = place.offline();
    let found = records(&offline);
    assert_eq!(found.len(), 1);
    assert!(found[0].0.ends_with(b"later") && found[0].1.ends_with(b"2"));
}

#[test]
fn the_newer_record_stays_and_the_same_is_not_stored_again() {
    let (from, to) = (Place::new(), Place::new());
    from.served(|client| {
        set(client, "both", "older");
        set(client, "one", "1");
    });
    to.served(|client| set(client, "both", "newer"));
    let dumped = records(&from.offline());
    let mut offline = to.offline();
    assert_eq!(load(&mut offline, &dumped, false), (1, 1, 0));
    assert_eq!(load(&mut offline, &dumped, false), (0, 2, 0));
    drop(offline);
    to.served(|client| {
        assert_eq!(get(client, "both").as_deref(), Some(&b"newer"[..]));
        assert_eq!(get(client, "one").as_deref(), Some(&b"1"[..]));
    });
    assert_eq!(load(&mut to.offline(), &dumped, true), (2, 0, 0));
    to.served(|client| assert_eq!(get(client, "both").as_deref(), Some(&b"older"[..])));
}

#[test]
fn what_was_flushed_does_not_come_back() {
    let (from, to) = (Place::new(), Place::new());
    from.served(|client| set(client, "key", "value"));
    let dumped = records(&from.offline());
    to.served(|client| client.flush(0).unwrap());
    for replace in [false, true] {
        assert_eq!(load(&mut to.offline(), &dumped, replace), (0, 0, 1));
    }
    to.served(|client| assert_eq!(get(client, "key"), None));
}

#[test]
fn the_clock_stays_above_what_is_loaded() {
    let place = Place::new();
    place.served(|client| set(client, "here", "1"));
    // As from a machine whose clock is an hour ahead.
    let ahead = u64::from(wall() + 3600) << 32;
    let key = StoredKey::new(b"ahead").unwrap();
    let value = [&ahead.to_be_bytes()[..], &[0, 0], b"x"].concat();
    load(&mut place.offline(), &vec![(key.as_bytes().to_vec(), value)], false);
    place.served(|client| {
        set(client, "later", "2");
        client.flush(0).unwrap();
        assert_eq!(get(client, "ahead"), None);
    });
    let newest = State::of(place.offline().storage()).unwrap().unwrap().flushed;
    assert!(newest > ahead);
}

#[test]
fn records_without_a_clocktime_are_dumped_and_stay() {
    let place = Place::new();
    let mut offline = place.offline();
    let some = vec![(b"k".to_vec(), b"v".to_vec()), (b"l".to_vec(), Vec::new())];
    assert_eq!(load(&mut offline, &some, false).0, 2);
    assert_eq!(records(&offline), some);
    assert_eq!(load(&mut offline, &vec![(b"k".to_vec(), b"w".to_vec())], false), (0, 1, 0));
    assert_eq!(load(&mut offline, &vec![(b"k".to_vec(), b"w".to_vec())], true), (1, 0, 0));
}
