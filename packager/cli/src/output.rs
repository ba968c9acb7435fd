//! What is printed where: results on standard output, everything else on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

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

/// Prints a line of the result. A closed pipe is not an error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints bytes of the result unchanged.
pub(crate) fn raw(bytes: &[u8]) {
    let mut out = std::io::stdout();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Prints a line to standard error.
pub(crate) fn error_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a warning.
pub(crate) fn warning(format: Format, text: &str) {
    match format {
        Format::Json => error_line(&serde_json::json!({ "warning": text }).to_string()),
        Format::Text => error_line(&format!("{}: {text}", yellow("warning"))),
    }
}

/// Prints a result as JSON, or as the text that `text` makes of it.
pub(crate) fn result<T: Serialize>(format: Format, value: &T, text: impl FnOnce(&T) -> String) {
    match format {
        Format::Json => line(&serde_json::to_string_pretty(value).unwrap_or_default()),
        Format::Text => line(text(value).trim_end()),
    }
}

/// Formats rows as columns without borders.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    for row in rows {
        table.add_row(row);
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
