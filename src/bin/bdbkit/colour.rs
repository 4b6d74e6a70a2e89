//! Colours, where a terminal shows them and they are wanted.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::io;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use bdbkit::verify::Severity;
use clap::{ColorChoice, ValueEnum};

/// What is wrong.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What is right.
pub(crate) const SOUND: Style = AnsiColor::Green.on_default();

/// How a severity is shown.
pub(crate) fn of(severity: Severity) -> Style {
    match severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
        _ => Style::new(),
    }
}

/// What the command line says, before it is understood: its own faults are told in colours, too.
pub(crate) fn asked() -> ColorChoice {
    let words: Vec<_> = std::env::args_os().skip(1).take_while(|word| word != "--").collect();
    let after = words.iter().zip(words.iter().skip(1)).filter(|(word, _)| *word == "--color");
    let given = after.map(|(_, choice)| choice.as_os_str()).next();
    let joined = || words.iter().find_map(|word| word.to_str()?.strip_prefix("--color=").map(OsStr::new));
    let choice = given.or_else(joined).and_then(OsStr::to_str);
    choice.and_then(|choice| ColorChoice::from_str(choice, true).ok()).unwrap_or_default()
}

/// Sets what is wanted; where nothing is said, `NO_COLOR` decides, and whether a terminal is there.
pub(crate) fn set(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// A text in a style, if standard output shows it.
pub(crate) fn out(text: impl Display, style: Style) -> impl Display {
    Painted { text, style: shown(&io::stdout()).then_some(style) }
}

/// A text in a style, if standard error shows it.
pub(crate) fn err(text: impl Display, style: Style) -> impl Display {
    Painted { text, style: shown(&io::stderr()).then_some(style) }
}

fn shown(stream: &impl anstream::stream::RawStream) -> bool {
    AutoStream::choice(stream) != anstream::ColorChoice::Never
}

struct Painted<T> {
    text: T,
    style: Option<Style>,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Some(style) => write!(f, "{style}{}{style:#}", self.text),
            None => self.text.fmt(f),
        }
    }
}
