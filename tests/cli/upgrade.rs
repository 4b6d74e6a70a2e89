//! `bdbkit upgrade`, `reset-lsn` and `reset-fileid` as their users meet them.
//!
//! The resets are compared with `db5.3_load -r`, where that is installed; with
//! `BDBKIT_DEMAND_GENUINE` in the environment it has to be.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bdbkit::journal::{Disk, SystemDisk, poisoned};
use bdbkit::upgrade::{Choices, NewId, Upgrade};
use bdbkit::{Database, FileId};
use serde_json::Value;
use tempfile::TempDir;

use crate::common;
use crate::common::image::Image;
use crate::common::{data, databases, hex, read, testdata};
use crate::fake_disk::{FakeDisk, Fault};
use crate::journals;
use crate::tool::{err, out, program, run};

/// A chain of duplicates that becomes a tree; a page is added.
const CHAIN: &str = "btree-v6-be-dups-offpage";
const ID: FileId = FileId(*b"an id of twenty byte");

/// The arguments, and the file or folder behind them.
fn on(path: &Path, arguments: &[&str]) -> Output {
    let path = [OsString::from(path)];
    run(&arguments.iter().map(OsString::from).chain(path).collect::<Vec<_>>())
}

/// What a successful run printed.
#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    assert_eq!(err(output), "");
    out(output)
}

/// Expects that something else must come first: exit 4.
#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    ends(output, 4, words);
}

/// Expects damage, or that the system refused: exit 1.
#[track_caller]
fn fails(output: &Output, words: &[&str]) {
    ends(output, 1, words);
}

/// Expects that it was asked for something that cannot be meant: exit 2.
#[track_caller]
fn misused(output: &Output, words: &[&str]) {
    ends(output, 2, words);
}

/// Expects an exit code, nothing on standard output, and one line that says these words.
#[track_caller]
fn ends(output: &Output, code: i32, words: &[&str]) {
    let message = err(output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert_eq!((out(output).as_str(), message.lines().count()), ("", 1), "{message}");
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
}

/// A folder with copies of cases, each named after its case.
fn folder(cases: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for case in cases {
        fs::write(folder.path().join(format!("{case}.db")), data(case)).unwrap();
    }
    folder
}

/// A folder with one file.
fn one(case: &str) -> (TempDir, PathBuf) {
    let folder = folder(&[case]);
    let path = folder.path().join(format!("{case}.db"));
    (folder, path)
}

/// A folder with copies of the files of a case that is a folder itself.
fn store(case: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(testdata().join(case)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Everything about a folder that a run may change.
fn state(folder: &Path) -> (SystemTime, BTreeMap<PathBuf, (SystemTime, Vec<u8>)>) {
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries
        .map(|path| (path.clone(), (time(&path), if path.is_file() { read(&path) } else { Vec::new() })));
    (time(folder), files.collect())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn version(path: &Path) -> u32 {
    Database::open(path).unwrap().meta().version()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id_of(bytes: &[u8]) -> String {
    String::from_utf8(hex(&Database::from_bytes(bytes).unwrap().meta().file_id().0)).unwrap()
}

// ---------------------------------------------------------------- what is done

#[test]
fn a_check_tells_what_would_be_done_and_writes_nothing() {
    let folder = folder(&[CHAIN, "btree-v7-be-one", "btree-v9-le-one"]);
    let before = state(folder.path());
    let text = done(&on(folder.path(), &["upgrade", "--check"]));
    assert!(text.contains("version 6 to 9: 4 of 6 pages would change, 1 would be added"), "{text}");
    assert!(text.contains("page 0: "), "{text}");
    assert!(text.contains("new page 6: a new internal page in a tree"), "{text}");
    assert!(text.contains("btree-v9-le-one.db: version 9: nothing to do"), "{text}");
    let plans = objects(&done(&on(folder.path(), &["upgrade", "--check", "--json"])));
    assert_eq!(plans.len(), 3);
    assert_eq!(
        (&plans[0]["from_version"], &plans[0]["to_version"], &plans[0]["pages_after"]),
        (&6.into(), &9.into(), &7.into())
    );
    assert_eq!(plans[0]["changed_pages"].as_array().unwrap().len(), 5);
    assert_eq!(plans[2]["changed_pages"], Value::Array(Vec::new()));
    assert_eq!(state(folder.path()), before);
}

#[test]
fn the_version_is_chosen() {
    for (to, wanted) in [("7", 7), ("8", 8), ("9", 9)] {
        let (_folder, path) = one(CHAIN);
        let text = done(&on(&path, &["upgrade", "--to", to]));
        assert!(text.contains(&format!("version 6 to {to}: ")), "{text}");
        assert_eq!(version(&path), wanted);
        assert!(done(&on(&path, &["upgrade", "--to", to])).contains("nothing to do"));
    }
    let (_folder, path) = one("btree-v9-le-one");
    refused(&on(&path, &["upgrade", "--to", "8"]), &["version 9 is beyond v8"]);
}

/// Nothing is written to it, so nothing about it is refused: unless something else is asked.
#[test]
fn a_file_of_version_9_is_left_alone_whatever_it_is() {
    let cases = ["btree-v9-le-one", "btree-v9-le-encrypted", "btree-v9-be-checksum", "damage-v9-le-garbage"];
    for case in cases {
        let (folder, path) = one(case);
        let before = state(folder.path());
        for arguments in [
            &["upgrade"][..],
            &["upgrade", "--check"],
            &["upgrade", "--profile", "genuine-8a"],
            &["upgrade", "--profile", "genuine-8b"],
        ] {
            assert!(done(&on(&path, arguments)).contains("version 9: nothing to do"), "{case} {arguments:?}");
        }
        let plan = &objects(&done(&on(&path, &["upgrade", "--check", "--json"])))[0];
        assert_eq!((&plan["pairs"], &plan["content_sha256"]), (&Value::Null, &Value::Null));
        assert_eq!(plan["pages_after"], Image::new(case, read(&path)).pages());
        for to in ["7", "8"] {
            for check in [None, Some("--check")] {
                let arguments: Vec<_> = ["upgrade", "--to", to].into_iter().chain(check).collect();
                let words = [&*format!("version 9 is beyond v{to}"), "bdbkit downgrade"];
                refused(&on(&path, &arguments), &words);
            }
        }
        assert_eq!(state(folder.path()).1, before.1);
    }
    for (case, code, words) in
        [("damage-v9-le-garbage", 1, "damaged"), ("btree-v9-le-encrypted", 3, "encrypted")]
    {
        let (folder, path) = one(case);
        let target = folder.path().join("new.db");
        stays(folder.path(), &path, &["upgrade", "--reset-lsn"], code, &[words]);
        stays(folder.path(), &path, &["upgrade", "--copy", target.to_str().unwrap()], code, &[words]);
    }
}

#[test]
fn a_genuine_profile_with_the_genuine_id_is_the_genuine_file() {
    for (profile, file) in [("genuine-8a", "upgraded-v8.db"), ("genuine-8b", "upgraded-v9.db")] {
        let case = "btree-v6-be-few";
        let genuine = read(testdata().join(case).join(file));
        let (_folder, path) = one(case);
        done(&on(&path, &["upgrade", "--profile", profile, "--uid", &id_of(&genuine)]));
        assert!(read(&path) == genuine, "{profile}");
    }
    let (_folder, path) = one(CHAIN);
    let old = id_of(&read(&path));
    done(&on(&path, &["upgrade", "--uid", "keep"]));
    assert_eq!(id_of(&read(&path)), old);
}

#[test]
fn duplicates_are_taken_as_asked() {
    let sorted = "btree-v6-le-dups-onpage-sorted";
    let unsorted = "btree-v6-le-dups-onpage";
    for (case, how, is_sorted) in [
        (sorted, "no", false),
        (sorted, "yes", true),
        (sorted, "auto", true),
        (sorted, "unchecked", true),
        (unsorted, "auto", false),
        (unsorted, "unchecked", true),
    ] {
        let (_folder, path) = one(case);
        let text = done(&on(&path, &["upgrade", "--dupsort", how]));
        let note = format!("note: duplicates are taken as {}", if is_sorted { "sorted" } else { "unsorted" });
        assert_eq!(text.contains(&note), how == "auto", "{text}");
        let flags = Image::new(case, read(&path)).u32(0, 48);
        assert_eq!(flags & 0x40 != 0, is_sorted, "{case}, {how}");
    }
    let (folder, path) = one(unsorted);
    let before = state(folder.path());
    refused(&on(&path, &["upgrade", "--dupsort", "yes"]), &["page 2: slot 5", "not in order"]);
    assert_eq!(state(folder.path()).1, before.1);
    misused(&on(&path, &["upgrade", "--dupsort", "x=yes"]), &["there is no database named x"]);
}

/// A choice for a database is for those files that have one of that name.
#[test]
fn a_name_that_no_file_has_is_an_error() {
    let several = "btree-v8-le-subdbs";
    let name = String::from_utf8(
        Database::from_bytes(data(several)).unwrap().subdatabases().next().unwrap().unwrap().name().to_vec(),
    )
    .unwrap();
    for other in [CHAIN, "btree-v9-le-one", "btree-v9-le-subdbs"] {
        let folder = folder(&[several, other]);
        let before = state(folder.path()).1;
        for check in [None, Some("--check")] {
            let with = |choice| ["upgrade", "--dupsort", choice].into_iter().chain(check).collect::<Vec<_>>();
            misused(&on(folder.path(), &with("x=no")), &["there is no database named x"]);
            assert_eq!(state(folder.path()).1, before);
        }
        done(&on(folder.path(), &["upgrade", "--check", "--dupsort", &format!("{name}=no")]));
        for _ in 0..2 {
            done(&on(folder.path(), &["upgrade", "--dupsort", &format!("{name}=no")]));
        }
    }
}

#[test]
fn whole_copies_are_made_and_removed_or_kept() {
    for keep in [false, true] {
        let folder = folder(&[CHAIN, "btree-v7-be-one"]);
        let backup = folder.path().join("made/old");
        let then = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for name in names(folder.path()) {
            let file = OpenOptions::new().write(true).open(folder.path().join(name)).unwrap();
            file.set_permissions(Permissions::from_mode(0o640)).unwrap();
            file.set_modified(then).unwrap();
        }
        let mut arguments = vec!["upgrade", "--backup", backup.to_str().unwrap()];
        arguments.extend(keep.then_some("--keep-backup"));
        let text = done(&on(folder.path(), &arguments));
        assert_eq!(text.contains(&format!("the old file is {}", backup.display())), keep, "{text}");
        let expected =
            if keep { vec![format!("{CHAIN}.db"), "btree-v7-be-one.db".to_owned()] } else { Vec::new() };
        assert_eq!(names(&backup), expected);
        for name in expected {
            let copy = fs::metadata(backup.join(&name)).unwrap();
            assert_eq!((copy.permissions().mode() & 0o777, copy.modified().unwrap()), (0o640, then));
            assert!(read(backup.join(&name)) == data(name.strip_suffix(".db").unwrap()));
        }
    }
}

#[test]
fn a_copy_that_was_there_before_is_not_removed_nor_replaced() {
    let (folder, path) = one(CHAIN);
    let backup = folder.path().join("old");
    let copy = backup.join(path.file_name().unwrap());
    fs::create_dir(&backup).unwrap();
    fs::write(&copy, b"something else").unwrap();
    let arguments = ["upgrade", "--backup", backup.to_str().unwrap()];
    refused(&on(&path, &arguments), &["is there already"]);
    assert!(read(&path) == data(CHAIN) && read(&copy) == b"something else");
    fs::write(&copy, data(CHAIN)).unwrap();
    done(&on(&path, &arguments));
    assert!(version(&path) == 9 && read(&copy) == data(CHAIN));
}

#[test]
fn a_file_is_not_taken_for_its_own_copy() {
    let (folder, path) = one(CHAIN);
    let own = ["upgrade", "--backup", folder.path().to_str().unwrap()];
    refused(&on(&path, &own), &["is there already"]);
    let linked = folder.path().join("old");
    fs::create_dir(&linked).unwrap();
    fs::hard_link(&path, linked.join(path.file_name().unwrap())).unwrap();
    refused(&on(&path, &["upgrade", "--backup", linked.to_str().unwrap()]), &["is there already"]);
    assert!(read(&path) == data(CHAIN));
    assert_eq!(names(folder.path()), [format!("{CHAIN}.db"), "old".to_owned()]);
}

#[test]
fn a_file_is_upgraded_under_another_name() {
    let (folder, path) = one(CHAIN);
    fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
    let target = folder.path().join("new.db");
    let copy = ["upgrade", "--copy", target.to_str().unwrap()];
    // A file of somebody else, whatever its name.
    fs::write(folder.path().join("new.db.bdbkit-tmp"), b"half").unwrap();
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    let text = done(&on(&path, &copy));
    assert!(text.contains(&format!("version 6 to 9 in {}:", target.display())), "{text}");
    assert_eq!(version(&target), 9);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o440);
    assert!(read(&path) == data(CHAIN) && fs::metadata(&path).unwrap().modified().unwrap() == before);
    assert_eq!(names(folder.path()), [&*format!("{CHAIN}.db"), "new.db", "new.db.bdbkit-tmp"]);
    assert!(read(folder.path().join("new.db.bdbkit-tmp")) == b"half");
    let new = read(&target);
    refused(&on(&path, &copy), &[target.to_str().unwrap(), "is there already"]);
    assert!(read(&target) == new);
    misused(&on(folder.path(), &copy), &["--copy takes one file"]);
}

#[test]
fn the_length_of_records_is_stored_if_it_is_given() {
    let (_folder, path) = one("recno-v6-be-fixed");
    let before = data("recno-v6-be-fixed");
    let length = Database::from_bytes(&before).unwrap().iter().pairs().next().unwrap().unwrap().value().len();
    let told = done(&on(&path, &["upgrade", "--check"]));
    assert!(told.contains(&format!("all records have {length} bytes: choose that length")), "{told}");
    let shorter = (length - 1).to_string();
    misused(
        &on(&path, &["upgrade", "--re-len", &shorter]),
        &[&format!(
            "a record has {length} bytes, but the length that was given for all of them is {shorter}"
        )],
    );
    assert!(read(&path) == before);
    let genuine = ["upgrade", "--profile", "genuine-8b", "--re-len", "24"];
    misused(&on(&path, &genuine), &["the genuine profiles know neither"]);
    let told = done(&on(&path, &["upgrade", "--re-len", &length.to_string(), "--re-pad", "0x2e"]));
    assert!(!told.contains("choose that length"), "{told}");
    let db = Database::open(&path).unwrap();
    assert_eq!((db.meta().record_length(), db.meta().pad()), (Some(length), Some(b'.')));
}

#[test]
#[cfg(target_os = "linux")]
fn a_copy_has_the_extended_attributes_of_the_original() {
    let (folder, path) = one(CHAIN);
    let (name, target) = ("user.bdbkit", folder.path().join("new.db"));
    if rustix::fs::setxattr(&path, name, b"of the store", rustix::fs::XattrFlags::empty()).is_err() {
        println!("not run: the file system of {} has no extended attributes", folder.path().display());
        return;
    }
    done(&on(&path, &["upgrade", "--copy", target.to_str().unwrap()]));
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(&target, name, &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"of the store");
}

#[test]
fn objects_tell_what_was_done() {
    let folder = folder(&[CHAIN, "btree-v9-le-one"]);
    let found = objects(&done(&on(folder.path(), &["upgrade", "--json"])));
    let [first, second] = &found[..] else { panic!("{found:?}") };
    assert!(first["file"].as_str().unwrap().ends_with(&format!("{CHAIN}.db")));
    assert_eq!(
        (&first["from_version"], &first["to_version"], &first["modified"], &first["appended"]),
        (&6.into(), &9.into(), &4.into(), &1.into())
    );
    assert_eq!(
        (&second["from_version"], &second["to_version"], &second["modified"]),
        (&9.into(), &9.into(), &0.into())
    );
    assert_eq!((&first["leftover"], &first["backup"]), (&Value::Null, &Value::Null));
    assert_eq!(first["content_sha256"].as_str().unwrap().len(), 64);
    let settled = objects(&done(&on(folder.path(), &["upgrade", "--resume", "--json"])));
    assert_eq!(settled[1]["outcome"], "nothing");
}

/// In place, pages that do not change need not be summed up; a copy is written as a whole.
#[test]
fn pairs_are_summed_up_where_their_pages_are_written() {
    let (folder, path) = one("btree-v6-be-levels");
    let target = folder.path().join("new.db");
    let copy = objects(&done(&on(&path, &["upgrade", "--json", "--copy", target.to_str().unwrap()])));
    assert_eq!(copy[0]["copy"].as_str(), target.to_str());
    assert!(copy[0]["content_sha256"].is_string() && copy[0]["pairs"].is_u64(), "{copy:?}");
    let here = objects(&done(&on(&path, &["upgrade", "--json"])));
    assert_eq!((&here[0]["modified"], &here[0]["content_sha256"]), (&1.into(), &Value::Null));
    assert!(read(&path)[512..] == read(&target)[512..]);
}

// ---------------------------------------------------------------- interrupted runs

/// A folder as a run left it that died: at the first moment when all these files were
/// half-written.
fn interrupted(cases: &[&str]) -> (TempDir, Vec<PathBuf>) {
    let (folder, paths) = interrupted_apart(cases);
    paths.iter().for_each(|path| journals::beside_its_file(path));
    (folder, paths)
}

/// The same, but the folder was copied since.
fn interrupted_apart(cases: &[&str]) -> (TempDir, Vec<PathBuf>) {
    copied_when(cases, |disk, paths| paths.iter().all(|path| poisoned(&disk.bytes(path).unwrap())))
}

/// A folder as a run left it that died at the first moment of which `when` is true.
fn interrupted_when(cases: &[&str], when: impl Fn(&FakeDisk, &[String]) -> bool) -> (TempDir, Vec<PathBuf>) {
    let (folder, paths) = copied_when(cases, when);
    paths.iter().for_each(|path| journals::beside_its_file(path));
    (folder, paths)
}

/// Such a folder, copied.
fn copied_when(cases: &[&str], when: impl Fn(&FakeDisk, &[String]) -> bool) -> (TempDir, Vec<PathBuf>) {
    let paths: Vec<_> = cases.iter().map(|case| format!("/store/{case}.db")).collect();
    let old: Vec<_> = cases.iter().map(|case| data(case)).collect();
    let fresh = FakeDisk::with(paths.iter().map(String::as_str).zip(old.iter().map(Vec::as_slice)));
    let choices = Choices { id: NewId::Given(ID), ..Choices::default() };
    let disks = (0..).map(|change| {
        let disk = fresh.faulty(Fault::Stop { change, sectors: 0 });
        let upgrade = Upgrade::on(&disk, &paths).choices(choices.clone());
        let _ = upgrade.ignore_logs(true).assume_closed(true).run();
        assert!(disk.stopped(), "no such point");
        disk.copy()
    });
    let disk = disks.into_iter().find(|disk| when(disk, &paths)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in disk.names() {
        fs::write(folder.path().join(name.file_name().unwrap()), disk.bytes(&name).unwrap()).unwrap();
    }
    let paths = cases.iter().map(|case| folder.path().join(format!("{case}.db"))).collect();
    (folder, paths)
}

const TWO: [&str; 2] = [CHAIN, "btree-v7-le-dups-offpage"];

#[test]
fn an_interrupted_file_says_so_and_what_to_do() {
    let (folder, paths) = interrupted(&[CHAIN]);
    let before = state(folder.path());
    let words = ["half-written", "bdbkit upgrade --resume", "bdbkit upgrade --rollback"];
    let path = &paths[0];
    for command in ["info", "dump"] {
        refused(&on(path, &[command]), &[&words[..], &[path.to_str().unwrap()]].concat());
    }
    refused(&on(path, &["upgrade", "--check"]), &words);
    refused(&on(path, &["upgrade", "--copy", folder.path().join("new.db").to_str().unwrap()]), &words);
    refused(&run(&[OsStr::new("get"), path.as_ref(), OsStr::new("key")]), &words);
    let salvaged = on(path, &["salvage"]);
    assert_eq!(salvaged.status.code(), Some(1));
    assert!(words.iter().all(|word| err(&salvaged).contains(word)), "{salvaged:?}");
    for verified in [path.as_path(), folder.path()] {
        let output = on(verified, &["verify"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(words.iter().all(|word| (out(&output) + &err(&output)).contains(word)), "{output:?}");
    }
    assert_eq!(state(folder.path()), before);
}

#[test]
fn an_interrupted_upgrade_is_completed_or_undone() {
    let new = |case: &str| {
        let choices = Choices { id: NewId::Given(ID), ..Choices::default() };
        bdbkit::upgrade::in_memory(&data(case), &choices).unwrap().0
    };
    for cases in [&[CHAIN][..], &TWO] {
        for (wish, says) in [("--resume", "completed"), ("--rollback", "brought back as it was")] {
            for of_folder in [true, false] {
                let (folder, paths) = interrupted(cases);
                let given = if of_folder { folder.path() } else { &paths[0] };
                let text = done(&on(given, &["upgrade", wish]));
                let expected = cases.len();
                assert_eq!(
                    (text.lines().count(), text.matches(says).count()),
                    (expected, expected),
                    "{text}"
                );
                for (path, case) in paths.iter().zip(cases) {
                    assert!(read(path) == if wish == "--resume" { new(case) } else { data(case) }, "{case}");
                }
                assert_eq!(names(folder.path()).len(), cases.len());
                let again = objects(&done(&on(folder.path(), &["upgrade", wish, "--json"])));
                assert!(again.iter().all(|file| file["outcome"] == "nothing"));
            }
        }
    }
    let (folder, _) = interrupted(&TWO);
    let text = done(&on(folder.path(), &["upgrade"]));
    assert_eq!(text.matches("what an earlier run had left behind: completed").count(), 2, "{text}");
    assert_eq!(text.matches("version 9: nothing to do").count(), 2, "{text}");
}

/// The version asked for is refused, but what an earlier run left is completed first: that is
/// told, of files that were not named, too.
#[test]
fn what_became_of_a_leftover_is_told_even_if_the_run_is_refused() {
    let (_folder, paths) = interrupted(&TWO);
    let names: Vec<_> = paths.iter().map(|path| format!("{}: completed", path.display())).collect();
    let words = ["version 9 is beyond v8", "an earlier run had left behind", &names[0], &names[1]];
    refused(&on(&paths[0], &["upgrade", "--to", "8"]), &words);
    let (_folder, paths) = interrupted(&TWO);
    let text = done(&on(&paths[0], &["upgrade"]));
    assert!(text.contains(&format!("{}: completed", paths[1].display())), "{text}");
}

#[test]
fn a_roll_back_that_comes_too_late_fails() {
    let ended = |disk: &FakeDisk, paths: &[String]| {
        let journal = disk.bytes(bdbkit::journal::name(Path::new(&paths[0])));
        journal.is_some_and(|bytes| bytes.windows(8).any(|part| part == b"DONE\x01\0\0\0"))
    };
    let (folder, paths) = interrupted_when(&[CHAIN], ended);
    assert!(done(&on(&paths[0], &["upgrade", "--check"])).contains("an earlier run left a journal"));
    let output = on(&paths[0], &["upgrade", "--rollback"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("too late to bring the old file back"), "{output:?}");
    assert_eq!((version(&paths[0]), names(folder.path()).len()), (9, 1));
}

/// The header says it: then the version says nothing about what follows.
#[test]
fn files_of_version_9_that_were_cut_are_refused() {
    for (case, words) in
        [("damage-v9-le-truncated", "behind the last whole page"), ("damage-v9-le-pagesize", "page size")]
    {
        let (_folder, path) = one(case);
        fails(&on(&path, &["upgrade"]), &[words]);
    }
}

#[test]
fn a_half_written_file_without_its_journal_needs_a_backup() {
    let (_folder, paths) = interrupted(&[CHAIN]);
    fs::remove_file(bdbkit::journal::name(&paths[0])).unwrap();
    let before = read(&paths[0]);
    for arguments in [&["upgrade"][..], &["upgrade", "--resume"], &["upgrade", "--rollback"], &["reset-lsn"]]
    {
        refused(&on(&paths[0], arguments), &["half-written", "journal is gone", "restore from backup"]);
    }
    assert!(read(&paths[0]) == before);
}

/// A run that died while it wrote its first journal or its set file, and a copy that was
/// not finished.
#[test]
fn what_a_run_left_behind_is_no_database() {
    for wish in [&["upgrade"][..], &["upgrade", "--resume"], &["upgrade", "--rollback"]] {
        let folder = folder(&[CHAIN]);
        let path = |name: &str| folder.path().join(name);
        fs::write(path(&format!("{CHAIN}.db.bdbkit-journal")), b"").unwrap();
        fs::write(path("bdbkit-set.done"), b"").unwrap();
        fs::write(path("bdbkit-set.members"), b"").unwrap();
        fs::write(path("copy.db.bdbkit-tmp"), &data(CHAIN)[..1500]).unwrap();
        assert_eq!(done(&on(folder.path(), wish)).lines().count(), 1 + usize::from(wish.len() == 1));
        // Which files the set had is not on record, and a single file has no need of the place.
        let left = ["bdbkit-set.done", "bdbkit-set.members", &format!("{CHAIN}.db"), "copy.db.bdbkit-tmp"];
        assert_eq!(names(folder.path()), left);
        fs::write(path("b.db"), data(CHAIN)).unwrap();
        done(&on(folder.path(), wish));
        assert_eq!(names(folder.path()), ["b.db", &format!("{CHAIN}.db"), "copy.db.bdbkit-tmp"]);
    }
}

// ---------------------------------------------------------------- files of others

/// Files that only have the name of something that this program makes.
#[test]
fn files_of_others_are_not_touched() {
    let (folder, path) = one(CHAIN);
    let here = |name: &str| folder.path().join(name);
    let old = here("old");
    fs::create_dir(&old).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let journal = here(&format!("{name}.bdbkit-journal"));
    let mine = [old.join(format!("{name}.tmp")), here("new.db.bdbkit-tmp"), here("bdbkit-set.done")];
    mine.iter().chain([&here("bdbkit-set.members")]).for_each(|path| fs::write(path, "mine\n").unwrap());
    for text in ["mine\n".to_owned(), "mine\n".repeat(1000)] {
        fs::write(&journal, &text).unwrap();
        for arguments in [
            &["upgrade"][..],
            &["upgrade", "--check"],
            &["upgrade", "--resume"],
            &["upgrade", "--rollback"],
            &["reset-lsn"],
        ] {
            let before = state(folder.path());
            refused(
                &on(&path, arguments),
                &[journal.to_str().unwrap(), "has the name of a journal", "move it away"],
            );
            assert_eq!(state(folder.path()), before, "{arguments:?}");
        }
    }
    fs::remove_file(&journal).unwrap();
    done(&on(&path, &["upgrade", "--copy", here("new.db").to_str().unwrap()]));
    done(&on(&path, &["upgrade", "--backup", old.to_str().unwrap()]));
    assert_eq!(version(&path), 9);
    // Two files need the place where a set goes on record.
    fs::write(here("b.db"), data(CHAIN)).unwrap();
    refused(&on(folder.path(), &["upgrade"]), &["bdbkit-set.members", "move it away"]);
    assert!(read(here("b.db")) == data(CHAIN));
    assert!(mine.iter().all(|path| read(path) == b"mine\n"));
    assert_eq!(names(&old), [format!("{name}.tmp")]);
}

/// Whoever may lay a journal beside a file must not have the file changed by it.
#[test]
fn a_journal_that_others_may_have_written_is_not_carried_out() {
    let (folder, paths) = interrupted(&[CHAIN]);
    let journal = bdbkit::journal::name(&paths[0]);
    fs::set_permissions(&journal, Permissions::from_mode(0o666)).unwrap();
    let before = state(folder.path());
    for arguments in
        [&["upgrade"][..], &["upgrade", "--resume"], &["upgrade", "--rollback"], &["reset-fileid"]]
    {
        refused(&on(&paths[0], arguments), &[journal.to_str().unwrap(), "not believed: others may write it"]);
    }
    assert_eq!(state(folder.path()), before);
    fs::set_permissions(&journal, Permissions::from_mode(0o600)).unwrap();
    done(&on(&paths[0], &["upgrade", "--rollback"]));
    assert!(read(&paths[0]) == data(CHAIN));
}

/// Nothing was written yet: the journal goes, and the run plans anew.
#[test]
fn a_change_that_had_not_begun_is_planned_anew() {
    let whole = |disk: &FakeDisk, paths: &[String]| {
        let journal = disk.bytes(bdbkit::journal::name(Path::new(&paths[0])));
        journal.is_some_and(|bytes| bytes.starts_with(b"BDBKJRN2"))
    };
    let (folder, paths) = interrupted_when(&[CHAIN], whole);
    let text = done(&on(&paths[0], &["upgrade", "--resume"]));
    assert!(text.contains("was not touched; the journal is removed"), "{text}");
    assert!(read(&paths[0]) == data(CHAIN) && names(folder.path()).len() == 1);
    let (_folder, paths) = interrupted_when(&[CHAIN], whole);
    let text = done(&on(&paths[0], &["upgrade"]));
    assert!(text.contains("was not touched; the journal is removed"), "{text}");
    // The id is not that of the journal.
    assert_eq!(version(&paths[0]), 9);
    assert_ne!(id_of(&read(&paths[0])), String::from_utf8(hex(&ID.0)).unwrap());
}

#[test]
fn the_journal_of_another_file_is_accepted_on_request_only() {
    for (wish, version_after) in [("--resume", 9), ("--rollback", 6)] {
        // What stood on another disk is always that of another file.
        let (folder, paths) = interrupted_apart(&[CHAIN]);
        let before = state(folder.path());
        for arguments in [&["upgrade"][..], &["reset-lsn"]] {
            refused(&on(&paths[0], arguments), &["that of another file", "--resume", "--rollback"]);
        }
        assert_eq!(state(folder.path()), before);
        let output = on(&paths[0], &["upgrade", wish]);
        assert!(output.status.success(), "{output:?}");
        assert!(err(&output).contains("written beside another file"), "{output:?}");
        assert_eq!((version(&paths[0]), names(folder.path()).len()), (version_after, 1));
    }
}

#[test]
fn a_link_out_of_a_folder_is_refused_and_one_within_it_is_passed_over() {
    let (elsewhere, folder) = (folder(&[CHAIN]), folder(&["btree-v7-be-one"]));
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(elsewhere.path().join(format!("{CHAIN}.db")), &link).unwrap();
    let before = state(elsewhere.path());
    for arguments in [&["upgrade"][..], &["upgrade", "--check"]] {
        refused(&on(folder.path(), arguments), &["link.db", "leads out of the folder"]);
    }
    fs::remove_file(folder.path().join("btree-v7-be-one.db")).unwrap();
    refused(&on(folder.path(), &["upgrade"]), &["link.db", "leads out of the folder"]);
    assert_eq!(state(elsewhere.path()), before);
    done(&on(&link, &["upgrade"]));
    assert_eq!(version(&elsewhere.path().join(format!("{CHAIN}.db"))), 9);
    let link = elsewhere.path().join("again.db");
    std::os::unix::fs::symlink(elsewhere.path().join(format!("{CHAIN}.db")), &link).unwrap();
    assert_eq!(done(&on(elsewhere.path(), &["upgrade"])).lines().count(), 1);
    // The other name of the file may be in a folder that nobody named.
    let other = folder.path().join("a.db");
    fs::write(&other, data(CHAIN)).unwrap();
    fs::hard_link(&other, elsewhere.path().join("b.db")).unwrap();
    refused(&on(elsewhere.path(), &["upgrade"]), &["b.db", "several names"]);
    assert!(read(&other) == data(CHAIN));
    done(&on(&other, &["upgrade"]));
}

/// A pipe that looks as if it had been changed together with the file.
#[test]
fn a_pipe_with_a_journal_stops_nobody() {
    for several in [false, true] {
        let folder = if several { folder(&TWO) } else { folder(&[CHAIN]) };
        let here = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").arg(here("y.db")).status().unwrap().success());
        fs::write(here("y.db.bdbkit-journal"), "mine").unwrap();
        if !several {
            fs::write(here("bdbkit-set.done"), "mine").unwrap();
        }
        done(&on(&here(&format!("{CHAIN}.db")), &["upgrade"]));
        done(&on(folder.path(), &["upgrade"]));
        assert_eq!(version(&here(&format!("{CHAIN}.db"))), 9);
        assert_eq!(read(here("y.db.bdbkit-journal")), b"mine");
    }
}

#[test]
fn a_folder_for_copies_is_private_and_goes_if_the_run_is_refused() {
    let folder = folder(&[CHAIN, "damage-v6-le-item-len"]);
    let made = folder.path().join("made");
    let old = made.join("old");
    let backup = ["upgrade", "--keep-backup", "--backup", old.to_str().unwrap()];
    let before = state(folder.path()).1;
    fails(&on(folder.path(), &backup), &["the file is damaged"]);
    assert_eq!(state(folder.path()).1, before);
    fs::create_dir(&made).unwrap();
    fails(&on(folder.path(), &backup), &["the file is damaged"]);
    assert_eq!(names(&made).len(), 0);
    done(&on(&folder.path().join(format!("{CHAIN}.db")), &backup));
    assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o700);
}

/// Two leaves, of which the root leads to one only: what stands on the other is missing.
fn lost_leaf() -> Vec<u8> {
    let mut image = Image::of_case("btree-v6-le-levels");
    let root = image.u32(0, 76);
    let entries = image.u16(root, common::image::ENTRIES);
    image.put_u16(root, common::image::ENTRIES, entries - 1);
    image.bytes
}

/// A file with one leaf more than its tree leads to: a copy of another, or an empty one.
fn one_more_leaf(records: bool) -> Vec<u8> {
    let mut image = Image::of_case("btree-v6-be-few");
    let leaf = |no: &u32| image.byte(*no, common::image::TYPE) == common::image::LEAF;
    let leaf = usize::try_from((1..image.pages()).find(leaf).unwrap()).unwrap();
    let last = image.pages();
    let mut page = image.bytes[image.page_size * leaf..image.page_size * (leaf + 1)].to_vec();
    page[12..20].fill(0);
    page[8..12].copy_from_slice(&last.to_be_bytes());
    if !records {
        page[20..22].fill(0);
        let end = u16::try_from(image.page_size).unwrap();
        page[22..24].copy_from_slice(&end.to_be_bytes());
    }
    image.bytes.extend(page);
    image.bytes
}

#[test]
fn records_that_nothing_leads_to_are_refused_unless_they_are_to_be_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    fs::write(&path, one_more_leaf(true)).unwrap();
    for arguments in [&["upgrade"][..], &["upgrade", "--check"]] {
        stays(folder.path(), &path, arguments, 1, &["nothing leads to", "bdbkit salvage", "on request"]);
    }
    let text = done(&on(&path, &["upgrade", "--leave-unreachable"]));
    assert!(text.contains("note: 1 page that nothing leads to"), "{text}");
    assert_eq!(version(&path), 9);
    fs::write(&path, one_more_leaf(false)).unwrap();
    let text = done(&on(&path, &["upgrade"]));
    assert!(text.contains("note: 1 page that nothing leads to"), "{text}");
    fs::write(&path, lost_leaf()).unwrap();
    fails(&on(&path, &["upgrade"]), &[]);
}

/// Of two runs at once one refuses, or both; never do both work.
#[test]
fn two_runs_at_once_do_no_harm() {
    let new = |case: &str| {
        let choices = Choices { id: NewId::Given(ID), ..Choices::default() };
        bdbkit::upgrade::in_memory(&data(case), &choices).unwrap().0
    };
    let id = String::from_utf8(hex(&ID.0)).unwrap();
    let mut refusals = 0;
    for _ in 0..10 {
        let folder = folder(&TWO);
        let start = || {
            let mut command = program();
            command.args(["upgrade", "--uid", &id]).arg(folder.path());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let runs = [start(), start()].map(|child| child.wait_with_output().unwrap());
        let refused = runs.iter().filter(|run| !run.status.success());
        for run in refused.clone() {
            let message = err(run);
            assert!(
                message.contains("locked by another program") || message.contains("open in process"),
                "{message}"
            );
        }
        let refused = refused.count();
        refusals += refused;
        for case in TWO {
            let found = read(folder.path().join(format!("{case}.db")));
            assert!(found == if refused == 2 { data(case) } else { new(case) }, "{case}: {refused} refused");
        }
        assert_eq!(names(folder.path()).len(), TWO.len());
    }
    println!("{refusals} of 20 runs refused");
}

// ---------------------------------------------------------------- refusals

/// Expects that a run refuses the file, says these words and the name, and changes nothing.
#[track_caller]
fn is_refused(folder: &Path, path: &Path, arguments: &[&str], words: &[&str]) {
    stays(folder, path, arguments, 4, words);
}

/// The same, with another exit code.
#[track_caller]
fn stays(folder: &Path, path: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let before = state(folder);
    ends(&on(path, arguments), code, &[words, &[path.to_str().unwrap()]].concat());
    let after = state(folder);
    assert_eq!(after.1, before.1, "{arguments:?}");
}

#[test]
fn damage_and_other_files_are_refused() {
    for (case, words) in [
        ("damage-v6-le-item-len", "the file is damaged"),
        ("damage-v8-be-truncated", "behind the last whole page"),
        ("damage-v6-be-ovfl-loop", "the file is damaged"),
    ] {
        let (folder, path) = one(case);
        stays(folder.path(), &path, &["upgrade"], 1, &[words]);
        stays(folder.path(), &path, &["upgrade", "--check"], 1, &[words]);
        stays(folder.path(), &path, &["reset-lsn"], 1, &[words]);
    }
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "notes, not a database, and long enough to look at".repeat(20)).unwrap();
    stays(folder.path(), &text, &["upgrade"], 3, &["not a Berkeley DB file"]);
    ends(&on(folder.path(), &["upgrade"]), 3, &["no database files in this folder"]);
    let missing = folder.path().join("missing.db");
    fails(&on(&missing, &["upgrade"]), &[missing.to_str().unwrap(), "No such file"]);
    let (folder, path) = one(CHAIN);
    fs::write(&path, &data(CHAIN)[..3 * 1024]).unwrap();
    stays(folder.path(), &path, &["upgrade"], 1, &["the file is damaged"]);
}

/// Opening a pipe waits for its other end.
#[test]
fn what_is_no_regular_file_is_refused_by_name() {
    let (folder, path) = one(CHAIN);
    let pipe = folder.path().join("pipe.db");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let target = folder.path().join("new.db");
    for arguments in [
        &["upgrade"][..],
        &["upgrade", "--check"],
        &["upgrade", "--copy", target.to_str().unwrap()],
        &["reset-lsn"],
    ] {
        for special in [&pipe, Path::new("/dev/null")] {
            fails(&on(special, arguments), &[special.to_str().unwrap(), "not a regular file"]);
        }
    }
    let both = [OsStr::new("upgrade"), OsStr::new("--check"), path.as_ref(), pipe.as_ref()];
    fails(&run(&both), &["pipe.db", "not a regular file"]);
    done(&on(folder.path(), &["upgrade", "--check"]));
}

#[test]
fn one_file_that_is_refused_keeps_all_as_they_are() {
    let folder = folder(&[CHAIN, "damage-v6-le-item-len"]);
    let before = state(folder.path());
    fails(&on(folder.path(), &["upgrade"]), &["damage-v6-le-item-len.db", "the file is damaged"]);
    assert_eq!(state(folder.path()).1, before.1);
}

#[test]
fn an_environment_that_may_be_in_use_is_refused() {
    let (folder, path) = one(CHAIN);
    fs::write(folder.path().join("__db.001"), b"a region").unwrap();
    is_refused(folder.path(), &path, &["upgrade"], &["__db.001 is there", "an environment may be in use"]);
    done(&on(&path, &["upgrade", "--assume-closed"]));
    assert_eq!(version(&path), 9);
}

#[test]
fn a_file_in_use_is_refused() {
    let (folder, path) = one(CHAIN);
    let open = File::open(&path).unwrap();
    let process = format!("open in process {}", std::process::id());
    for command in [&["upgrade"][..], &["upgrade", "--resume"], &["reset-lsn"], &["reset-fileid"]] {
        if cfg!(target_os = "linux") {
            is_refused(folder.path(), &path, command, &[&process]);
        }
    }
    drop(open);
    let locked = SystemDisk::MAPPED.open_exclusive(&path, true).unwrap();
    for command in ["--resume", "--assume-closed"] {
        is_refused(folder.path(), &path, &["upgrade", command], &["locked by another program"]);
    }
    drop(locked);
    done(&on(&path, &["upgrade"]));
}

/// The tool as somebody whom permissions stop; `None` if this is the superuser and there is
/// nobody else to be.
fn without_privileges(folder: &Path) -> Option<Command> {
    let probe = folder.join("probe");
    fs::write(&probe, b"").unwrap();
    fs::set_permissions(&probe, Permissions::from_mode(0o444)).unwrap();
    let stopped = OpenOptions::new().write(true).open(&probe).is_err();
    fs::remove_file(&probe).unwrap();
    if stopped {
        return Some(program());
    }
    let nobody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_bdbkit")]);
        command
    };
    let here = nobody().arg("--version").output().is_ok_and(|output| output.status.success());
    if !here {
        println!("not run: permissions do not stop the superuser, and there is no setpriv");
    }
    here.then(nobody)
}

/// A map outlives the handle of who made it.
#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_being_dumped_is_in_use() {
    let (folder, path) = one("btree-v6-le-dups-key-overflow");
    // A pipe that is nearly full, and nobody reads it: so the dump does not come to its end.
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut full = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    full.write_all(&[0; 60_000]).unwrap();
    fs::remove_file(&pipe).unwrap();
    let mut dump = program().arg("dump").arg(&path).stdout(full).spawn().unwrap();
    let maps = format!("/proc/{}/maps", dump.id());
    let mapped = || fs::read_to_string(&maps).unwrap().contains(path.to_str().unwrap());
    while !mapped() {
        assert!(dump.try_wait().unwrap().is_none(), "the dump fits into a pipe");
        std::thread::sleep(Duration::from_millis(10));
    }
    let process = format!("open in process {}", dump.id());
    let (before, output) = (state(folder.path()).1, on(&path, &["upgrade"]));
    // It must not outlive a test that fails.
    dump.kill().unwrap();
    dump.wait().unwrap();
    refused(&output, &[&process, path.to_str().unwrap()]);
    assert_eq!(state(folder.path()).1, before);
    done(&on(&path, &["upgrade"]));
}

/// Whoever is not the superuser cannot look at the processes of others.
#[test]
#[cfg(target_os = "linux")]
fn processes_that_cannot_be_looked_at_are_told() {
    let (folder, path) = one(CHAIN);
    let permit = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    permit(folder.path(), 0o777);
    permit(&path, 0o666);
    let Some(mut tool) = without_privileges(folder.path()) else { return };
    if !rustix::process::geteuid().is_root() {
        println!("not run: all processes may be those of this user");
        return;
    }
    for arguments in [&["upgrade", "--check"][..], &["upgrade"]] {
        let text = out(&tool.args(arguments).arg(&path).output().unwrap());
        assert!(text.contains("of other users cannot be looked at"), "{text}");
        tool = without_privileges(folder.path()).unwrap();
    }
    let (_folder, path) = one(CHAIN);
    assert!(!done(&on(&path, &["upgrade", "--assume-closed"])).contains("cannot be looked at"));
}

/// A thread that cannot be made is no reason to give up: there is always one.
#[test]
#[cfg(target_os = "linux")]
fn one_thread_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    if !rustix::process::geteuid().is_root() || without_privileges(folder.path()).is_none() {
        println!("not run: only the superuser can become somebody with no other process");
        return;
    }
    // Nobody else is this user, so one process is all there may be.
    let alone = |arguments: &[&OsStr]| {
        let mut command = Command::new("prlimit");
        let user = ["--reuid=64999", "--regid=64999", "--clear-groups"];
        command.args(["--nproc=1", "setpriv"]).args(user).arg(env!("CARGO_BIN_EXE_bdbkit")).args(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let path = folder.path().join("a.db");
    let big = common::read(testdata().join("btree-v6-be-dups-offpage-many/data.db"));
    for old in [data(CHAIN), big] {
        fs::write(&path, &old).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        for arguments in
            [&["verify", "--threads", "4"][..], &["upgrade", "--check"], &["upgrade"], &["reset-lsn"]]
        {
            let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).chain([path.as_ref()]).collect();
            let output = alone(&arguments);
            assert!(output.status.success(), "{arguments:?}: {output:?}");
        }
        assert_eq!(version(&path), 9);
    }
}

#[test]
fn what_may_not_be_written_is_refused() {
    let (folder, path) = one(CHAIN);
    let permit = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    permit(folder.path(), 0o755);
    let Some(mut tool) = without_privileges(folder.path()) else { return };
    tool.arg("upgrade").arg(&path);
    permit(&path, 0o444);
    fails(&tool.output().unwrap(), &[path.to_str().unwrap(), "opening: Permission denied"]);
    permit(&path, 0o666);
    permit(folder.path(), 0o555);
    fails(&tool.output().unwrap(), &[".bdbkit-journal: creating: Permission denied"]);
    permit(folder.path(), 0o755);
    assert!(read(&path) == data(CHAIN));
    assert_eq!(names(folder.path()), [format!("{CHAIN}.db")]);
}

/// A limit to the length of files stands for a full disk.
#[test]
fn a_full_disk_leaves_the_old_file() {
    for copy in [true, false] {
        let (folder, path) = one("btree-v6-be-dups-offpage-many");
        let before = state(folder.path()).1;
        let target = folder.path().join("new.db");
        let arguments = if copy { vec![OsStr::new("--copy"), target.as_ref()] } else { Vec::new() };
        let script = "trap '' XFSZ; ulimit -f 8; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_bdbkit"), "upgrade"]).args(arguments);
        fails(
            &command.arg(&path).output().unwrap(),
            &["File too large", path.parent().unwrap().to_str().unwrap()],
        );
        assert_eq!(state(folder.path()).1, before);
    }
}

/// The databases in a folder of their own, or the logs.
#[test]
fn logs_elsewhere_are_looked_at_if_it_is_said_where() {
    let folder = store("mboxlist-ims60-log3-le-unclean");
    let database = folder.path().join("folder.db");
    let apart = folder.path().join("apart");
    fs::create_dir(&apart).unwrap();
    let moved = apart.join("folder.db");
    fs::copy(&database, &moved).unwrap();
    for command in ["upgrade", "reset-lsn"] {
        let home = folder.path().to_str().unwrap();
        refused(&on(&moved, &[command, "--home", home]), &["recovery is needed first"]);
    }
    assert!(read(&moved) == read(&database));
    let logs = apart.join("logs");
    fs::create_dir(&logs).unwrap();
    for name in names(folder.path()).iter().filter(|name| name.starts_with("log.")) {
        fs::copy(folder.path().join(name), logs.join(name)).unwrap();
    }
    fs::write(apart.join("DB_CONFIG"), "set_cachesize 0 65536 1\nset_lg_dir\tlogs\n").unwrap();
    refused(&on(&moved, &["upgrade"]), &["recovery is needed first"]);
    fs::write(apart.join("DB_CONFIG"), "set_lg_dir elsewhere\n").unwrap();
    fails(&on(&moved, &["upgrade"]), &["elsewhere"]);
    fs::remove_file(apart.join("DB_CONFIG")).unwrap();
    done(&on(&moved, &["upgrade"]));
    assert_eq!(version(&moved), 9);
}

#[test]
fn logs_that_are_not_finished_with_are_refused() {
    let folder = store("mboxlist-ims60-log3-le-unclean");
    let before = state(folder.path());
    let output = on(folder.path(), &["upgrade"]);
    refused(
        &output,
        &[
            "recovery is needed first",
            "committed changes not in the file",
            "(log records [1][21233] to [1][23460])",
        ],
    );
    assert_eq!(state(folder.path()).1, before.1);
    let text = done(&on(folder.path(), &["upgrade", "--ignore-logs"]));
    assert!(text.contains("note: the logs beside the file were not looked at"), "{text}");
}

/// A file that was not recovered may look damaged, and recovery is what it needs.
#[test]
fn recovery_comes_before_damage() {
    let folder = store("mboxlist-ims60-log3-le-unclean");
    for path in databases(folder.path()) {
        let mut bytes = read(&path);
        let page = Image::new("page size", bytes.clone()).page_size;
        bytes[page + 20] ^= 0x55;
        fs::write(&path, bytes).unwrap();
    }
    for arguments in [&["upgrade"][..], &["upgrade", "--check"]] {
        refused(&on(folder.path(), arguments), &["recovery is needed first"]);
    }
    fails(&on(folder.path(), &["upgrade", "--ignore-logs"]), &["the file is damaged"]);
}

#[test]
fn a_store_with_clean_logs_is_upgraded() {
    for case in
        ["mboxlist-ims5-log2-be", "mboxlist-ims5-log2-le", "mboxlist-ims60-log3-be", "mboxlist-ims60-log3-le"]
    {
        let folder = store(case);
        let names_before = names(folder.path());
        let text = done(&on(folder.path(), &["upgrade"]));
        assert_eq!(text.matches(", as before").count(), 5, "{text}");
        let files = databases(folder.path());
        assert_eq!(files.len(), 5);
        assert!(files.iter().all(|path| version(path) == 9));
        assert_eq!(names(folder.path()), names_before);
    }
}

#[test]
fn files_of_two_folders_are_refused() {
    let (here, there) = (one(CHAIN), one("btree-v7-be-one"));
    let output = run(&[OsStr::new("upgrade"), here.0.path().as_ref(), there.0.path().as_ref()]);
    misused(&output, &["btree-v7-be-one.db", "not in the same folder"]);
    let output = run(&[OsStr::new("upgrade"), here.0.path().as_ref(), here.1.as_ref()]);
    misused(&output, &["the file is given twice"]);
    assert!(read(&here.1) == data(CHAIN));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [
        &["upgrade"][..],
        &["upgrade", "--to", "6", "x.db"],
        &["upgrade", "--to", "8", "--profile", "v8", "x.db"],
        &["upgrade", "--profile", "genuine-9", "x.db"],
        &["upgrade", "--dupsort", "perhaps", "x.db"],
        &["upgrade", "--uid", "abc", "x.db"],
        &["upgrade", "--uid", "abcd", "x.db"],
        &["upgrade", "--uid", "0000000000000000000000000000000000000000", "x.db"],
        &["upgrade", "--keep-backup", "x.db"],
        &["upgrade", "--copy", "y.db", "--backup", "old", "x.db"],
        &["upgrade", "--check", "--copy", "y.db", "x.db"],
        &["upgrade", "--check", "--backup", "old", "x.db"],
        &["upgrade", "--resume", "--rollback", "x.db"],
        &["upgrade", "--resume", "--check", "x.db"],
        &["reset-lsn"],
        &["reset-lsn", "--uid", "abcd", "x.db"],
        &["reset-fileid"],
        &["reset-fileid", "--uid", "00", "x.db"],
        &["reset-fileid", "--uid", "0000000000000000000000000000000000000000", "x.db"],
    ] {
        let output = run(arguments);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!err(&output).is_empty());
        assert_eq!(err(&output).contains("an id of zeros is no id"), arguments.concat().contains("000000"));
    }
}

// ---------------------------------------------------------------- resets

#[test]
fn a_reset_says_what_it_did() {
    let (_folder, path) = one("btree-v8-le-levels");
    let pages = Database::open(&path).unwrap().page_count();
    let text = done(&on(&path, &["reset-lsn"]));
    assert!(text.contains("version 8: ") && text.contains(" pages changed; "), "{text}");
    let image = Image::new("reset", read(&path));
    assert!((0..pages).all(|page| (image.u32(page, 0), image.u32(page, 4)) == (0, 1)));
    assert_eq!(done(&on(&path, &["reset-lsn"])), format!("{}: nothing to reset\n", path.display()));
    let found = objects(&done(&on(&path, &["reset-lsn", "--lsn-zero", "--json"])));
    assert_eq!(found[0]["modified"], pages);
    let image = Image::new("reset", read(&path));
    assert!((0..pages).all(|page| (image.u32(page, 0), image.u32(page, 4)) == (0, 0)));
    let old = id_of(&read(&path));
    done(&on(&path, &["reset-fileid"]));
    assert_ne!(id_of(&read(&path)), old);
    let wanted = String::from_utf8(hex(&ID.0)).unwrap();
    done(&on(&path, &["reset-fileid", "--uid", &wanted]));
    assert_eq!(id_of(&read(&path)), wanted);
}

/// Files of version 9 in either byte order, one database and several, with checksums and
/// with LSNs of a log; and one that was upgraded.
fn to_reset() -> Vec<(String, Vec<u8>)> {
    let cases = ["btree-v9-le-checksum", "btree-v9-be-checksum", "btree-v9-be-subdbs", "recno-v9-le-var"];
    let mut files: Vec<_> = cases.map(|case| (case.to_owned(), data(case))).into();
    for name in ["mboxlist-ims7u1-log14-le/folder.db", "mboxlist-ims7u1-log14-be/folder.db"] {
        files.push((name.to_owned(), read(testdata().join(name))));
    }
    let (upgraded, _) = bdbkit::upgrade::in_memory(&data("btree-v6-be-levels"), &Choices::default()).unwrap();
    files.push(("upgraded".to_owned(), upgraded));
    files
}

#[test]
fn resets_equal_those_of_the_genuine_tool() {
    let here = Command::new("db5.3_load").arg("-V").output().is_ok_and(|output| output.status.success());
    if !here {
        assert!(std::env::var_os("BDBKIT_DEMAND_GENUINE").is_none(), "db5.3_load is demanded");
        println!("not run: not installed: Debian's db5.3-util");
        return;
    }
    for (name, bytes) in to_reset() {
        let folder = tempfile::tempdir().unwrap();
        let [start, ours, genuine] =
            ["start.db", "ours.db", "genuine.db"].map(|name| folder.path().join(name));
        let same = |what: &str| {
            let (ours, genuine, start) = (read(&ours), read(&genuine), read(&start));
            let differs = ours.iter().zip(&genuine).position(|(ours, genuine)| ours != genuine);
            assert_eq!((ours.len(), differs), (genuine.len(), None), "{name}: {what}");
            assert!(ours != start, "{name}: {what} changed nothing");
        };
        let load = |what: &str| {
            fs::copy(&start, &ours).unwrap();
            fs::copy(&start, &genuine).unwrap();
            let output = Command::new("db5.3_load").args(["-r", what]).arg(&genuine).output().unwrap();
            assert!(output.status.success(), "{name}: {}", err(&output));
        };
        fs::write(&start, &bytes).unwrap();
        if !name.starts_with("mboxlist") {
            done(&on(&start, &["reset-lsn", "--lsn-zero"]));
        }
        load("lsn");
        done(&on(&ours, &["reset-lsn"]));
        same("-r lsn");
        load("fileid");
        done(&on(&ours, &["reset-fileid", "--uid", &id_of(&read(&genuine))]));
        same("-r fileid");
    }
}

#[test]
fn hash_and_queue_files_are_upgraded_by_versions_of_their_own() {
    let folder = TempDir::new().unwrap();
    let hash = folder.path().join("hash.db");
    fs::write(&hash, data("hash-v5-le-dups-offpage")).unwrap();
    let planned = done(&on(&hash, &["upgrade", "--check"]));
    assert!(planned.contains("version 5 to 9") && planned.contains("in the order of version 9"), "{planned}");
    let lazy = done(&on(&hash, &["upgrade", "--check", "--lazy"]));
    assert!(!lazy.contains("in the order of version 9") && lazy.contains("the root of a tree"), "{lazy}");
    let to_8 = done(&on(&hash, &["upgrade", "--check", "--to", "8"]));
    assert!(to_8.contains("version 5 to 7"), "{to_8}");
    done(&on(&hash, &["upgrade"]));
    assert_eq!(Database::open(&hash).unwrap().meta().version(), 9);
    refused(&on(&hash, &["upgrade", "--to", "8"]), &["version 9 is beyond v8"]);

    let mut old = Image::of_case("hash-v5-be-few");
    old.put_u32(0, 16, 4);
    fs::write(&hash, &old.bytes).unwrap();
    // Its keys are where version 5 puts them: as if the application had a function of its own.
    old.put_u32(0, 52, 7);
    fs::write(&hash, &old.bytes).unwrap();
    refused(&on(&hash, &["upgrade"]), &["HASH version 4", "--keep-hash", "[R-OLD-HASH]"]);
    let kept = done(&on(&hash, &["upgrade", "--keep-hash"]));
    assert!(kept.contains("custom hash function") && kept.contains("[W-CUSTOM-HASH]"), "{kept}");

    let queue = folder.path().join("data.db");
    for entry in fs::read_dir(testdata().join("queue-v3-be-extents")).unwrap() {
        let path = entry.unwrap().path();
        fs::write(folder.path().join(path.file_name().unwrap()), read(&path)).unwrap();
    }
    let lines = done(&on(&queue, &["upgrade", "--json"]));
    let files: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(files.len(), 5, "{lines}");
    assert!(files.iter().all(|file| file["from_version"] == 3 && file["to_version"] == 4), "{lines}");
    assert!(done(&on(&queue, &["upgrade"])).contains("nothing to do"));
}

/// Down, what is said of it, and what must be said first.
#[test]
fn a_downgrade_is_planned_done_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    fs::write(&path, data("btree-v9-le-one")).unwrap();
    let plan = done(&on(&path, &["downgrade", "--to", "8", "--check"]));
    assert!(plan.contains("version 9 to 8: 1 of 2 pages would change"), "{plan}");
    assert!(read(&path) == data("btree-v9-le-one"));
    let told = done(&on(&path, &["downgrade", "--to", "6"]));
    assert!(told.contains("version 9 to 6: 1 page changed; all pairs, as before"), "{told}");
    assert_eq!(Database::open(&path).unwrap().meta().version(), 6);
    refused(&on(&path, &["downgrade", "--to", "8"]), &["version 6 is earlier than 8", "bdbkit upgrade"]);
    misused(&on(&path, &["downgrade", "--to", "8", "--hash-8"]), &["--hash-8"]);
    fs::write(&path, data("btree-v9-le-subdbs")).unwrap();
    refused(&on(&path, &["downgrade", "--to", "7"]), &["say which", "--machine"]);
    refused(&on(&path, &["downgrade", "--to", "6"]), &["several databases", "dump each"]);
    done(&on(&path, &["downgrade", "--to", "7", "--machine", "little"]));
    fs::write(&path, data("btree-v9-le-checksum")).unwrap();
    refused(&on(&path, &["downgrade", "--to", "8"]), &["page 0: byte 26: checksums, which releases 3.1"]);
}

/// A repair keeps the old file, and leaves alone what it would have to guess.
#[test]
fn a_repair_is_planned_done_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("app.db"), folder.path().join("old"));
    let damaged = data("damage-v9-le-next-cycle");
    fs::write(&path, &damaged).unwrap();
    let plan = done(&on(&path, &["repair", "--check"]));
    assert!(plan.contains("rule T-CHAIN mended") && plan.contains("[W-MENDED]"), "{plan}");
    misused(&on(&path, &["repair"]), &["keeps the old file", "--backup"]);
    assert!(read(&path) == damaged);
    let told = done(&on(&path, &["repair", "--backup", old.to_str().unwrap()]));
    assert!(told.contains("the old file is"), "{told}");
    assert!(read(old.join("app.db")) == damaged);
    assert_eq!(on(&path, &["verify"]).status.code(), Some(0));
    assert!(done(&on(&path, &["repair", "--check"])).contains("nothing to do"));
    fs::write(&path, data("damage-v9-le-item-len")).unwrap();
    fails(
        &on(&path, &["repair", "--check"]),
        &["cannot be mended without guessing (I-LEN)", "bdbkit salvage"],
    );
}
