//! What people expect of any tool: `-` and pipes, keys from a file, colours, completions, manual pages.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::{read, testdata};
use crate::tool::{code, err, file, out, program, run, tool, written};

/// Every command that reads a file, with what stands before it and behind it.
const READERS: [(&[&str], &[&str], &str); 13] = [
    (&["info"], &[], "btree-v9-le-subdbs"),
    (&["info", "--json"], &[], "hash-v9-be-few"),
    (&["dump", "-p"], &[], "btree-v6-be-levels"),
    (&["dump", "-r"], &[], "damage-v9-le-flip"),
    (&["get"], &["key"], "btree-v9-le-one"),
    (&["verify"], &[], "damage-v9-le-next-cycle"),
    (&["verify", "--json"], &[], "btree-v9-le-levels"),
    (&["salvage", "--deleted"], &[], "btree-v6-be-delete-marked"),
    (&["export", "--deleted"], &[], "btree-v6-be-delete-marked"),
    (&["export", "--format", "jsonl"], &[], "recno-v9-le-var"),
    (&["diff", "-q"], &["OTHER"], "btree-v9-le-one"),
    (&["diff", "OTHER"], &[], "btree-v9-le-levels"),
    (&["--no-mmap", "verify"], &[], "btree-v9-le-levels"),
];

#[test]
fn a_dash_and_a_pipe_are_read_as_the_file_is() {
    let other = file("btree-v9-be-levels");
    let folder = tempfile::tempdir().unwrap();
    for (before, behind, case) in READERS {
        let path = file(case);
        let words = |input: &str| {
            let all = before.iter().copied().chain([input]).chain(behind.iter().copied());
            all.map(|word| if word == "OTHER" { other.clone() } else { word.to_owned() }).collect::<Vec<_>>()
        };
        let told = |output: &std::process::Output, input: &str, name: &str| {
            (code(output), out(output).replace(input, name), err(output).replace(input, name))
        };
        let named = run(&words(&path));
        let dash = tool().args(words("-")).write_stdin(read(&path)).output().unwrap();
        assert_eq!(told(&dash, "-", "-"), told(&named, &path, "-"), "{before:?}");
        if cfg!(unix) {
            let pipe = folder.path().join("pipe");
            let _ = fs::remove_file(&pipe);
            assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let pipe = pipe.to_str().unwrap();
            let mut child = program();
            let child =
                child.args(words(pipe)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            fs::write(pipe, read(&path)).unwrap();
            let piped = child.wait_with_output().unwrap();
            assert_eq!(told(&piped, pipe, "-"), told(&named, &path, "-"), "{before:?}");
        }
    }
}

#[test]
fn logs_come_through_a_dash_too() {
    let log = read(testdata().join("env-log11-le-mix/log.0000000001"));
    let path = testdata().join("env-log11-le-mix/log.0000000001");
    for command in ["print", "history", "timeline"] {
        let dash = tool().args(["log", command, "-"]).write_stdin(log.clone()).output().unwrap();
        let named = run(&["log", command, path.to_str().unwrap()]);
        assert_eq!((code(&dash), out(&dash)), (code(&named), out(&named)), "{command}");
    }
}

#[test]
fn many_keys_are_looked_up_in_the_order_of_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = file("btree-v6-be-levels");
    let db = bdbkit::Database::open(&path).unwrap();
    let all: Vec<(Vec<u8>, Vec<u8>)> = db
        .iter()
        .map(|entry| entry.unwrap().into_parts())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .filter(|(key, _)| !key.contains(&b'\n'))
        .collect();
    let wanted: Vec<_> = all.iter().rev().step_by(3).chain(&all[..2]).collect();
    let lines: Vec<u8> = wanted.iter().flat_map(|(key, _)| [key, &b"\n"[..]].concat()).collect();
    let expected: Vec<u8> = wanted.iter().flat_map(|(_, value)| [value, &b"\n"[..]].concat()).collect();
    let keys = written(folder.path(), "keys", &lines);
    let output = run(&["get", "--keys-from", &keys, &path]);
    assert_eq!((code(&output), &output.stdout), (0, &expected), "{}", err(&output));
    let stdin = tool().args(["get", "--keys-from", "-", &path]).write_stdin(lines).output().unwrap();
    assert_eq!((code(&stdin), stdin.stdout), (0, expected));
    // Those that are not there are told, and the others are given.
    let some = written(folder.path(), "some", &[b"nothing\n", &all[4].0[..], b"\nnor this"].concat());
    let output = run(&["get", "--keys-from", &some, &path]);
    assert_eq!((code(&output), output.stdout.clone()), (1, [&all[4].1[..], b"\n"].concat()));
    assert!(err(&output).contains("no key nothing\n") && err(&output).contains("no key nor this\n"));
    let hex = String::from_utf8(crate::common::hex(&all[7].0)).unwrap();
    let hexed = written(folder.path(), "hex", format!("{hex}\n").as_bytes());
    let output = run(&["get", "--hex", "--keys-from", &hexed, &path]);
    let value = String::from_utf8(crate::common::hex(&all[7].1)).unwrap();
    assert_eq!((code(&output), out(&output)), (0, value + "\n"));
    for wrong in
        [&["get", "--keys-from", &keys, &path, "key"][..], &["get", &path], &["get", "--keys-from", "-", "-"]]
    {
        assert_eq!(code(&run(wrong)), 2, "{wrong:?}");
    }
    assert_eq!(code(&run(&["get", "--keys-from", "nowhere", &path])), 1);
}

/// As `get` gives each: numbers, places, and all duplicates of a key.
#[test]
fn many_keys_of_every_method_are_what_each_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    for case in [
        "recno-v9-le-var",
        "queue-v4-le-few",
        "heap-v1-be-few",
        "hash-v9-le-mixed",
        "btree-v9-le-dups-onpage",
    ] {
        let path = file(case);
        let db = bdbkit::Database::open(&path).unwrap();
        let shown = |entry: bdbkit::Entry<'_>| match (entry.record_number(), entry.record_id()) {
            (Some(number), _) => number.to_string(),
            (_, Some(id)) => id.to_string(),
            _ => String::from_utf8(crate::common::hex(entry.key())).unwrap(),
        };
        let keys: Vec<String> = db.iter().take(8).map(|entry| shown(entry.unwrap())).collect();
        let file = written(folder.path(), "keys", format!("{}\n", keys.join("\n")).as_bytes());
        let together = run(&["get", "--hex", "--keys-from", &file, &path]);
        let alone: String = keys.iter().map(|key| out(&run(&["get", "--hex", &path, key]))).collect();
        assert_eq!((code(&together), out(&together)), (0, alone), "{case}: {}", err(&together));
        assert!(keys.len() > 1, "{case}");
    }
}

const ESCAPE: char = '\u{1b}';

#[test]
fn colours_are_where_they_are_wanted() {
    let path = file("damage-v9-le-next-cycle");
    let with = |options: &[&str], no_color: Option<&str>| {
        let mut command = tool();
        command.env_remove("NO_COLOR").env("TERM", "xterm");
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        command.args(options).output().unwrap()
    };
    let plain = with(&["verify", &path, "nowhere"], None);
    assert!(!out(&plain).contains(ESCAPE) && !err(&plain).contains(ESCAPE), "no terminal is there");
    for options in [
        &["--color", "always", "verify", &path, "nowhere"],
        &["verify", "--color=always", &path, "nowhere", "-o"][..],
    ] {
        let always = with(options, Some("1"));
        assert!(out(&always).contains(ESCAPE) && err(&always).contains(ESCAPE), "{}", out(&always));
    }
    let always = with(&["--color", "always", "verify", &path, "nowhere"], None);
    let bare = |text: String| {
        let mut parts = text.split(ESCAPE);
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
    };
    assert_eq!((bare(out(&always)), bare(err(&always))), (out(&plain), err(&plain)));
    let never = with(&["--color=never", "verify", &path, "nowhere"], None);
    assert_eq!((out(&never), err(&never)), (out(&plain), err(&plain)));
    // Wrong usage and help are told before the options are known.
    assert!(err(&with(&["--color", "always", "nothing"], None)).contains(ESCAPE));
    assert!(out(&with(&["dump", "--help", "--color=always"], None)).contains(ESCAPE));
    assert!(!err(&with(&["--color", "never", "nothing"], None)).contains(ESCAPE));
    assert_eq!(code(&with(&["--color", "sometimes", "verify", &path], None)), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_has_colours_unless_the_variable_says_no() {
    if !Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("not run: script is not installed");
        return;
    }
    let line = format!("{} verify {}", env!("CARGO_BIN_EXE_bdbkit"), file("btree-v9-le-one"));
    for (value, painted) in [("", true), ("1", false)] {
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("NO_COLOR", value);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = out(&output);
        let plain = text.contains(": sound");
        assert_eq!((text.contains("sound"), plain), (true, !painted), "{value:?}: {text:?}");
    }
}

#[test]
fn json_has_no_colours() {
    let output = run(&["--color", "always", "verify", "--json", &file("damage-v9-le-next-cycle")]);
    assert!(!out(&output).contains(ESCAPE));
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0);
        let text = out(&output);
        assert!(
            ["salvage", "reset-lsn", "timeline", "keys-from"].iter().all(|word| text.contains(word)),
            "{shell}"
        );
    }
    let bash = run(&["completions", "bash"]);
    let Ok(mut child) = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn() else { return };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bash.stdout).unwrap();
    assert!(child.wait().unwrap().success(), "bash cannot read it");
    assert_eq!(code(&run(&["completions", "nothing"])), 2);
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("man");
    let output = run(&["manual", to.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let page = |name: &str| String::from_utf8(read(to.join(format!("{name}.1")))).unwrap();
    assert!(page("bdbkit").contains(".SH NAME"));
    for (name, word) in
        [("dump", "db_load"), ("log-timeline", "mactime"), ("store-survey", "store"), ("get", "keys")]
    {
        assert!(page(&format!("bdbkit-{name}")).contains(word), "{name}");
    }
}
