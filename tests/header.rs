//! The committed C header is what the SDK's types make.

#![allow(missing_docs)]

use std::{env, fs, path::Path};

const MADE: &str = include_str!(concat!(env!("OUT_DIR"), "/kumo_storage.h"));

/// Replaces the committed header when `KUMO_UPDATE_HEADER` is set; no build
/// ever does.
#[test]
fn the_committed_header_is_up_to_date() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/kumo_storage.h");
    if env::var_os("KUMO_UPDATE_HEADER").is_some() {
        fs::write(&committed, MADE).expect("the header is writable");
    }
    let text = fs::read_to_string(&committed).expect("include/kumo_storage.h");
    assert!(
        text == MADE,
        "include/kumo_storage.h differs from what plugins/sdk/src/abi.rs and cbindgen.toml make; \
         run: KUMO_UPDATE_HEADER=1 cargo test --test header"
    );
}
