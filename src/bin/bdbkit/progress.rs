//! Signs of life on a terminal's standard error, and nowhere else.

use bdbkit::ShowName;
use bdbkit::mboxlist::StoreProgress;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Turns while a file is read. Whoever made it clears it.
pub(crate) fn spinner(path: &Path) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.set_message(path.shown().to_string());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Counts what is written, unless a terminal shows the output itself.
pub(crate) fn written(to_terminal: bool) -> ProgressBar {
    if to_terminal || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bytes} written, {bytes_per_sec}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// Counts the rows of a file, unless a terminal shows them itself.
pub(crate) fn rows(path: &Path, to_terminal: bool) -> ProgressBar {
    if to_terminal || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} {pos} rows, {per_sec}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style).with_message(path.shown().to_string())
}

/// Shows how many pages of a file are done.
pub(crate) fn pages(path: &Path) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} pages");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message(path.shown().to_string())
}

/// Counts the bytes of a store that are read, unless a terminal shows the output itself meanwhile.
pub(crate) fn bytes(to_terminal: bool) -> ProgressBar {
    if to_terminal || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {bytes} of {total_bytes}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// What tells such a bar how far a store has been read.
pub(crate) fn teller(bar: &ProgressBar) -> impl Fn(StoreProgress<'_>) + Send + Sync + 'static {
    let bar = bar.clone();
    move |StoreProgress { file, done, total, .. }| {
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(file.file_name().unwrap_or_default().shown().to_string());
    }
}
