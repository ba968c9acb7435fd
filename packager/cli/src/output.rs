//! What is printed where: results on standard output, everything else on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::foreign::{cell, printable, shortened, without_secrets};

/// A format of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// When to do what only a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// If standard error is a terminal and NO_COLOR is not set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

static COLOR: AtomicBool = AtomicBool::new(false);

/// Decides, only once, whether standard error shows colors and progress bars.
pub(crate) fn decide(color: When, no_color: bool) -> bool {
    let terminal = match color {
        When::Always => true,
        When::Never => false,
        When::Auto => std::io::stderr().is_terminal() && !no_color,
    };
    COLOR.store(terminal, Ordering::Relaxed);
    terminal
}

fn paint(code: &str, text: &str) -> String {
    if COLOR.load(Ordering::Relaxed) {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub(crate) fn bold(text: &str) -> String {
    paint("1", text)
}

pub(crate) fn red(text: &str) -> String {
    paint("1;31", text)
}

pub(crate) fn yellow(text: &str) -> String {
    paint("1;33", text)
}

/// What [`paint`] adds, and nothing else may.
fn codes() -> &'static [&'static str] {
    match COLOR.load(Ordering::Relaxed) {
        true => &["\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m"],
        false => &[],
    }
}

/// Returns a text as people get it.
pub(crate) fn for_people(text: &str) -> String {
    printable(&without_secrets(text), codes()).into_owned()
}

/// Prints a line of the result for people. A closed pipe is not an error.
pub(crate) fn line(text: &str) {
    value_line(&for_people(text));
}

/// Prints a line of the result for programs, as it is.
pub(crate) fn value_line(text: &str) {
    note(writeln!(std::io::stdout(), "{text}"));
}

/// Why the result could not be written, the first time.
static FAILURE: OnceLock<String> = OnceLock::new();

/// Notes that the result could not be written. Who closed a pipe has read enough.
fn note(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let _ = FAILURE.set(error.to_string());
    }
}

/// Returns why the result could not be written, if it could not.
pub(crate) fn failure() -> Option<&'static str> {
    FAILURE.get().map(String::as_str)
}

/// Prints bytes of the result unchanged.
pub(crate) fn raw(bytes: &[u8]) {
    let mut out = std::io::stdout();
    note(out.write_all(bytes).and_then(|()| out.flush()));
}

/// Prints a line for people to standard error.
pub(crate) fn error_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", for_people(&shortened(text)));
}

/// Prints a value for programs to standard error.
pub(crate) fn error_value(value: &serde_json::Value) {
    let _ = writeln!(std::io::stderr(), "{}", without_secrets(&value.to_string()));
}

/// Prints a warning.
pub(crate) fn warning(format: Format, text: &str) {
    match format {
        Format::Json => error_value(&serde_json::json!({ "warning": text })),
        Format::Text => error_line(&format!("{}: {text}", yellow("warning"))),
    }
}

/// Prints a result as JSON, or as the text that `text` makes of it.
pub(crate) fn result<T: Serialize>(format: Format, value: &T, text: impl FnOnce(&T) -> String) {
    match format {
        Format::Json => value_line(&serde_json::to_string_pretty(value).unwrap_or_default()),
        Format::Text => line(text(value).trim_end()),
    }
}

/// Formats rows as columns without borders.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !header.is_empty() {
        table.set_header(header.to_vec());
        // Lists are read by people at a terminal, and by programs line by line elsewhere.
        if std::io::stdout().is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
    }
    for row in rows {
        table.add_row(row.iter().map(|text| cell(text)));
    }
    let text = table.to_string();
    // Cells without borders still have padding on both sides.
    text.lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Formats a size in bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    humansize::format_size(bytes, humansize::DECIMAL)
}
