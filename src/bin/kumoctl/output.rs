//! What goes to stdout.

use anyhow::{Context, Result};
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Writes it all. Whoever has stopped reading has read enough.
pub fn show(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes a value as JSON, for programs.
pub fn show_json(value: &impl Serialize) -> Result<()> {
    show(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Columns with two spaces between them, under their names; the first `left`
/// of them begin at one edge, the others, numbers, end at one.
pub fn columns(names: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let cell = |(n, text): (usize, &str)| {
        let right = if n < left { CellAlignment::Left } else { CellAlignment::Right };
        Cell::new(text).set_alignment(right)
    };
    table.set_header(names.iter().copied().enumerate().map(cell));
    for row in rows {
        table.add_row(row.iter().map(String::as_str).enumerate().map(cell));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
