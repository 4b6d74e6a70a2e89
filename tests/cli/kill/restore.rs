//! The tool killed while it restores a snapshot.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use super::store::{Files, found};
use super::{self as kill, Moments, killed, wanted};

/// A folder with a store and a snapshot in it, and both as they must be in the end.
struct Case<'f> {
    folder: &'f Path,
    old: Files,
    new: Files,
}

/// How a store is: all old, or all of the snapshot and all that was old aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    Old,
    New,
}

impl Case<'_> {
    fn fresh(&self) {
        for name in ["mboxlist", "aside", "snapshot"] {
            let path = self.folder.join(name);
            if path.exists() {
                fs::remove_dir_all(path).unwrap();
            }
        }
        for (name, files) in [("mboxlist", &self.old), ("snapshot", &self.new)] {
            fs::create_dir(self.folder.join(name)).unwrap();
            files
                .iter()
                .for_each(|(file, bytes)| fs::write(self.folder.join(name).join(file), bytes).unwrap());
        }
    }

    fn run(&self, arguments: &[&str]) -> Command {
        let mut command = kill::tool(&["store", "restore-snapshot"]);
        command.current_dir(self.folder);
        if arguments.is_empty() {
            command.args(["--force", "--aside", "aside", "mboxlist", "snapshot"]);
        } else {
            command.args(arguments).arg("mboxlist");
        }
        command
    }

    /// How the folder stands; `None` if it is neither old nor new, or something is left.
    fn state(&self) -> Option<Became> {
        let store = found(&self.folder.join("mboxlist"));
        let aside = Some(self.folder.join("aside")).filter(|aside| aside.exists()).map(|aside| found(&aside));
        let names: Vec<_> = found(self.folder).into_keys().collect();
        let clean = names.iter().all(|name| ["aside", "mboxlist", "snapshot"].contains(&name.as_str()));
        match aside {
            None if clean && store == self.old => Some(Became::Old),
            Some(aside) if clean && store == self.new && aside == self.old => Some(Became::New),
            _ => None,
        }
    }

    /// Brings it in order as a user would, in one of three ways; what must have become of it.
    fn settle(&self, way: usize) -> Option<Became> {
        let run = |arguments: &[&str]| self.run(arguments).output().unwrap();
        let says = |output: &Output, words| String::from_utf8_lossy(&output.stderr).contains(words);
        let first = [&["--resume"][..], &["--rollback"], &[]][way % 3];
        let output = run(first);
        let code = output.status.code();
        let told = || format!("{first:?}: {code:?}: {}", String::from_utf8_lossy(&output.stderr));
        let (again, became) = match code {
            Some(0) if first == ["--rollback"] => return Some(Became::Old),
            Some(0) => return Some(Became::New),
            Some(1) if says(&output, "no restore was interrupted here") => return self.state(),
            Some(4) if says(&output, "before anything had moved") => ("--rollback", Became::Old),
            Some(4) if says(&output, "do not move back") => ("--resume", Became::New),
            Some(4) if says(&output, "resume it first") => ("--resume", Became::New),
            // All was done before.
            Some(4) if says(&output, "not a new folder") => return Some(Became::New),
            _ => panic!("{}", told()),
        };
        let output = run(&[again]);
        assert!(output.status.success(), "{}; then {}", told(), String::from_utf8_lossy(&output.stderr));
        Some(became)
    }
}

#[test]
fn a_restore_survives_any_kill() {
    let folder = tempfile::tempdir().unwrap();
    let files = |what: u8| {
        let name = |number: usize| match number {
            0..12 => format!("{number}.db"),
            _ => format!("log.{number:010}"),
        };
        (0..16).map(|number| (name(number), vec![what; 40_000 * number + 1])).collect::<Files>()
    };
    let (mut old, new) = (files(b'o'), files(b'n'));
    old.insert("notes".into(), b"of the user".to_vec());
    let case = Case { folder: folder.path(), old, new };
    case.fresh();
    let began = Instant::now();
    let output = case.run(&[]).output().unwrap();
    let aside = folder.path().join("aside");
    let mut moments = Moments { whole: began.elapsed(), midway: &|| aside.exists() };
    assert!(output.status.success() && case.state() == Some(Became::New), "{output:?}");

    let wanted = wanted(12);
    let (mut kills, mut midway, mut again, mut olds, mut news) = (0, 0, 0, 0, 0);
    for run in 0..10 * wanted {
        let all_kinds = again > 0 && olds > 0 && news > 0;
        if kills >= wanted && midway > 0 && (all_kinds || wanted < 100) {
            break;
        }
        case.fresh();
        if !killed(case.run(&[]), moments.of(run), run % 5 == 0) {
            assert_eq!(case.state(), Some(Became::New), "a run that came to its end");
            moments.was_late(run);
            continue;
        }
        kills += 1;
        midway += usize::from(case.state().is_none());
        if run % 4 == 0 && case.state().is_none() {
            let later = ["--resume", "--rollback"][run / 4 % 2];
            let mut child = case.run(&[later]).spawn().unwrap();
            std::thread::sleep(moments.part(run, 53) / 4);
            let _ = child.kill();
            child.wait_with_output().unwrap();
            again += 1;
        }
        let became = case.settle(run);
        let state = case.state();
        assert!(
            state.is_some(),
            "neither old nor new, or something is left: {:?}",
            found(folder.path()).keys()
        );
        assert!(became.is_none() || became == state, "{became:?} was told, but it is {state:?}");
        olds += usize::from(state == Some(Became::Old));
        news += usize::from(state == Some(Became::New));
    }
    println!(
        "a run takes {:.0?}; {kills} kills, {midway} midway, {again} later runs killed, {olds} old, {news} new",
        moments.whole
    );
    assert!(midway > 0 && (wanted < 100 || (again > 0 && olds > 0 && news > 0)));
}
