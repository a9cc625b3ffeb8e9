//! The engine against a map, with and without collisions of hashes.

use super::*;
use kumo_plugin::Change;
use proptest::{collection::vec, option, prelude::*};
use std::{collections::BTreeMap, ops::ControlFlow};

#[derive(Clone, Debug)]
enum Op {
    Get(Vec<u8>),
    GetHeader(Vec<u8>, usize),
    Set(Vec<u8>, Vec<u8>),
    Del(Vec<u8>, bool),
    Update(Vec<u8>, Vec<u8>, bool),
    SetMany(Vec<(Vec<u8>, Vec<u8>)>),
    Batch(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Scan,
    Backup,
    Reopen,
}

/// Few keys, so that operations meet; of few lengths, so that they collide.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(0..4_u8, 0..3)
}

fn val() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![9 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 0..5000)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => key().prop_map(Op::Get),
        1 => (key(), 0..20_usize).prop_map(|(key, len)| Op::GetHeader(key, len)),
        4 => (key(), val()).prop_map(|(key, val)| Op::Set(key, val)),
        3 => (key(), any::<bool>()).prop_map(|(key, agree)| Op::Del(key, agree)),
        4 => (key(), val(), any::<bool>()).prop_map(|(key, val, agree)| Op::Update(key, val, agree)),
        2 => vec((key(), val()), 0..40).prop_map(Op::SetMany),
        3 => vec((key(), option::of(val())), 0..12).prop_map(Op::Batch),
        1 => Just(Op::Scan),
        1 => Just(Op::Backup),
        1 => Just(Op::Reopen),
    ]
}

fn as_change<'a>(key: &'a [u8], val: &'a Option<Vec<u8>>) -> Change<'a> {
    match val {
        Some(val) => Change::Put(key, val),
        None => Change::Delete(key),
    }
}

fn contents(db: &TchdbLike) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = BTreeMap::new();
    db.for_each(&mut |key, val| {
        let twice = all.insert(key.to_vec(), val.to_vec());
        assert_eq!(twice, None, "shown twice");
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

fn run(ops: Vec<Op>, mask: u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let at = |path: &Path| Location::new(path, TchdbLike::PARAMS);
    let mut db = TchdbLike::open_masked(&at(&path), mask).unwrap();
    let mut model = BTreeMap::<Vec<u8>, Vec<u8>>::new();
    for op in ops {
        let mut shown = Vec::new();
        match op {
            Op::Get(key) => {
                let found = db.get(&key).unwrap().map(|value| value.to_vec());
                assert_eq!(found.as_ref(), model.get(&key));
            }
            Op::GetHeader(key, len) => {
                let mut head = vec![0; len];
                let copied = db.get_header(&key, &mut head).unwrap();
                assert_eq!(copied, model.get(&key).map(|val| val.len().min(len)));
                let copied = copied.unwrap_or(0);
                assert_eq!(head[..copied], model.get(&key).map_or(&[][..], |val| val)[..copied]);
            }
            Op::Set(key, val) => {
                db.set(&key, &val).unwrap();
                model.insert(key, val);
            }
            Op::Del(key, agree) => {
                let mut proc = |old: &[u8]| {
                    shown.push(old.to_vec());
                    agree
                };
                let done = db.del(&key, &mut proc).unwrap();
                assert_eq!(done, agree && model.contains_key(&key));
                assert_eq!(shown.first(), model.get(&key));
                if agree {
                    model.remove(&key);
                }
            }
            Op::Update(key, val, agree) => {
                let mut proc = |old: &[u8]| {
                    shown.push(old.to_vec());
                    agree
                };
                let done = db.update(&key, &val, &mut proc).unwrap();
                assert_eq!(done, agree || !model.contains_key(&key));
                assert_eq!(shown.first(), model.get(&key));
                if done {
                    model.insert(key, val);
                }
            }
            Op::SetMany(records) => {
                let borrowed: Vec<_> = records.iter().map(|(k, v)| (&k[..], &v[..])).collect();
                let mut stored = 0;
                db.updatev(&borrowed, &mut stored).unwrap();
                assert_eq!(stored, records.len());
                model.extend(records);
            }
            Op::Batch(changes) => {
                let all: Vec<_> = changes.iter().map(|(key, val)| as_change(key, val)).collect();
                db.core.batch(&all).unwrap();
                for (key, val) in changes {
                    match val {
                        Some(val) => model.insert(key, val),
                        None => model.remove(&key),
                    };
                }
            }
            Op::Scan => assert_eq!(contents(&db), model),
            Op::Backup => {
                let copy = dir.path().join("copy");
                db.backup(&copy).unwrap();
                let opened = TchdbLike::open_masked(&at(&copy), mask).unwrap();
                assert_eq!(contents(&opened), model);
                std::fs::remove_file(&copy).unwrap();
            }
            Op::Reopen => {
                db.close().unwrap();
                drop(db);
                db = TchdbLike::open_masked(&at(&path), mask).unwrap();
            }
        }
        assert!(shown.len() <= 1, "the proc was called twice");
        assert_eq!(db.rnum(), model.len() as u64);
    }
    assert_eq!(contents(&db), model);
    assert_eq!(db.damaged(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn it_behaves_as_a_map(ops in vec(op(), 1..60)) {
        run(ops, u64::MAX);
    }

    #[test]
    fn it_behaves_as_a_map_when_hashes_collide(ops in vec(op(), 1..60)) {
        run(ops, 1);
    }
}
