//! A database that is opened with one level of safety and then with another: what
//! one leaves in the file, the other understands.

// clippy knows the tests themselves, not what they call.
#![allow(clippy::unwrap_used)]

mod common;

use common::{get, open_with, scan};
use kumo_plugin::Storage;
use std::{fs, path::Path};
use tchdb_like::TchdbLike;

const LEVELS: [&str; 3] = ["none", "interval:4000000000", "always"];

/// What the file would be if the process were killed now, opened.
fn killed(path: &Path, sync: &str, check: impl Fn(&TchdbLike)) {
    let copy = path.with_extension("killed");
    fs::copy(path, &copy).unwrap();
    check(&open_with(&copy, sync));
    fs::remove_file(&copy).unwrap();
}

#[test]
fn what_was_hidden_under_one_level_stays_hidden_under_another() {
    for first in LEVELS {
        for second in LEVELS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("db");
            let db = open_with(&path, first);
            for round in 0..3_u8 {
                for key in 0..30_u8 {
                    db.set(&[key], &[round; 50]).unwrap();
                }
            }
            for key in 20..30_u8 {
                assert!(db.del(&[key], &mut |_| true).unwrap());
            }
            db.close().unwrap();
            drop(db);

            let db = open_with(&path, second);
            assert_eq!(db.rnum(), 20, "{first}, {second}");
            for key in 0..10_u8 {
                assert!(db.del(&[key], &mut |_| true).unwrap());
            }
            for key in 10..15_u8 {
                db.set(&[key], b"again").unwrap();
            }
            let check = |db: &TchdbLike| {
                assert_eq!((db.rnum(), scan(db).0.len()), (10, 10), "{first}, {second}");
                for key in 0..30_u8 {
                    let expected = match key {
                        10..15 => Some(b"again".to_vec()),
                        15..20 => Some(vec![2; 50]),
                        _ => None,
                    };
                    assert_eq!(get(db, &[key]).unwrap(), expected, "{key}, {first}, {second}");
                }
                assert_eq!(db.damaged(), 0);
            };
            check(&db);
            LEVELS.iter().for_each(|third| killed(&path, third, check));
            db.compact().unwrap();
            check(&db);
            LEVELS.iter().for_each(|third| killed(&path, third, check));
            db.close().unwrap();
            drop(db);
            LEVELS.iter().for_each(|third| killed(&path, third, check));
        }
    }
}
