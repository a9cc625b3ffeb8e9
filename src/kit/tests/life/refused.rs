//! Opens that fail.

use crate::kit::{Outcome, context::Context, ensure, fail, store::clean};
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

pub fn error_text(context: &Context) -> Outcome {
    // Longer than any path that it may name.
    const LONGEST: usize = 8000;
    let created = context.plugin.create();
    let Some(instance) = created.said else { fail!("create returned NULL") };
    let path = context.path("nowhere").join("db");
    match instance.open(&context.location(&path)).said {
        Ok(_) if context.is_durable() => {
            fail!("open of {} returned true; nothing can be kept there", context.shown(&path))
        }
        Ok(_) => {}
        Err((_, None)) => fail!("open failed, and error returned NULL, which it never may"),
        Err((_, Some(text))) => {
            // One that describes itself has said it to set_error.
            let is_told = context.plugin.is_described() || !text.trim().is_empty();
            ensure!(is_told, "open failed, and error returned an empty text");
            ensure!(
                text.len() <= LONGEST,
                "open failed, and the text of error has {} bytes",
                text.len()
            );
        }
    }
    let store = context.open("db")?;
    let text = clean(store.error(), "error")?;
    ensure!(text.is_some(), "error returned NULL where nothing had failed; it never may");
    store.shut()
}
