//! Opens that fail.

use crate::kit::{Outcome, context::Context, ensure, fail};
use std::fs;

pub fn missing_directory(context: &Context) -> Outcome {
    let path = context.path("nowhere").join("db");
    // It is freed when it is refused.
    match context.try_open(&context.location(&path))? {
        Ok(_) => fail!("open of {} returned true; nothing can be kept there", context.shown(&path)),
        Err(reason) => {
            ensure!(!reason.is_empty(), "open failed, and neither set_error nor error says why");
        }
    }
    ensure!(!context.path("nowhere").exists(), "open made the directory that was missing");
    Ok(())
}

pub fn good_after_failed(context: &Context) -> Outcome {
    let path = context.path("nowhere").join("db");
    for _ in 0..5 {
        if context.try_open(&context.location(&path))?.is_ok() {
            fail!("open of {} returned true", context.shown(&path));
        }
        let store = context.open("db")?;
        store.put(b"key", b"value")?;
        store.expect(b"key", Some(b"value"))?;
        store.shut()?;
    }
    Ok(())
}

pub fn foreign_file(context: &Context) -> Outcome {
    let text = "This is a letter, and no database.\n".repeat(300);
    let path = context.path("letter");
    fs::write(&path, &text)?;
    match context.try_open(&context.location(&path))? {
        Ok(_) => fail!("open took a text file for a database"),
        Err(reason) => ensure!(!reason.is_empty(), "open refused it without a reason"),
    }
    ensure!(fs::read(&path)? == text.as_bytes(), "open refused the file, and yet changed it");
    Ok(())
}
