//! The library speaks of itself: which commands there are the tool says, in one place.

use std::fs;
use std::path::Path;

use crate::rooms::{code, files, src};

/// The commands of the tool, as its arguments have them.
fn commands() -> Vec<String> {
    let main = fs::read_to_string(src().join("bin/bdbkit/main.rs")).unwrap();
    let (_, list) = main.split_once("enum Command {").unwrap();
    let (list, _) = list.split_once("\n}").unwrap();
    let variants = list.lines().filter_map(|line| Some(line.trim().split_once('(')?.0));
    variants.filter(|name| name.starts_with(char::is_uppercase)).map(str::to_lowercase).collect()
}

/// What in a text is typed at a terminal: a command of the tool, or a long option.
fn typed<'t>(text: &'t str, commands: &[String]) -> Option<&'t str> {
    let command = text.split("bdbkit ").skip(1).find(|rest| {
        let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        word == "reset" || commands.iter().any(|command| command == word)
    });
    let is_option = |(index, _): &(usize, &str)| {
        text[index + 2..].starts_with(|c: char| c.is_ascii_lowercase())
            && !text[..*index].ends_with(|c: char| c == '-' || c.is_alphanumeric())
    };
    command.or_else(|| text.match_indices("--").find(is_option).map(|(index, _)| &text[index..]))
}

#[test]
fn messages_of_the_library_name_no_command_of_the_tool() {
    let commands = commands();
    assert!(commands.len() > 8, "{commands:?}");
    for text in ["see bdbkit verify", "\"bdbkit reset-lsn\" does so", "say so (--assume-closed)", "--resume"]
    {
        assert!(typed(text, &commands).is_some(), "{text}");
    }
    for text in ["not put there by bdbkit, and", "stored -r", "a--b", "-----", "bdbkit has no such thing"] {
        assert_eq!(typed(text, &commands), None);
    }
    let library = |path: &&std::path::PathBuf| !path.starts_with(src().join("bin"));
    let mut wrong = Vec::new();
    let mut read = 0;
    for path in files(&src()).iter().filter(library) {
        read += 1;
        let name = path.strip_prefix(src()).unwrap_or(Path::new(""));
        for line in code(path).lines().filter(|line| typed(line, &commands).is_some()) {
            wrong.push(format!("{}: {}", name.display(), line.trim()));
        }
    }
    assert!(
        wrong.is_empty(),
        "say what a caller can do; the tool has src/bin/bdbkit/hints:\n{}",
        wrong.join("\n")
    );
    assert!(read > 200, "only {read} files were read");
}
