//! `bdbkit store snapshots`, and what `store restore-snapshot` refuses.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::testdata;
use crate::tool::{code, err, out, store};

const DAY: u64 = 86_400;

fn days_ago(days: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(days * DAY + 60)
}

/// The databases and logs of a case, and marks with their contents.
fn place(case: &str, folder: &Path, marks: &[(&str, &str)], taken: SystemTime) {
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(testdata().join(case)).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".db") || name.starts_with("log.") {
            fs::copy(entry.path(), folder.join(name)).unwrap();
        }
    }
    for (name, content) in marks {
        fs::write(folder.join(name), content).unwrap();
        fs::File::options().write(true).open(folder.join(name)).unwrap().set_modified(taken).unwrap();
    }
}

/// A store with snapshots of every kind.
fn with_snapshots() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join("dbdata/snapshots").join(name);
    let (case, taken) = ("mboxlist-ims63-log11-be", days_ago(3));
    let marks = [(".snaptime", "1257296403\n"), (".verified", "")];
    place("mboxlist-ims63-log11-le", &folder.path().join("mboxlist"), &[], taken);
    place("mboxlist-ims60-log3-be", &folder.path().join("mboxlist/removed"), &[], taken);
    place(case, &path("1-valid"), &marks, taken);
    place(case, &path("2-unverified"), &marks[..1], taken);
    place(case, &path("3-no-time"), &marks[1..], taken);
    place("mboxlist-ims60-log3-le-unclean", &path("4-unclean"), &marks, taken);
    for (name, file) in [("5-cut", "quota.db"), ("6-damaged", "folder.db")] {
        place(case, &path(name), &marks, taken);
        let file = path(name).join(file);
        let mut bytes = fs::read(&file).unwrap();
        match name {
            "5-cut" => bytes.truncate(700),
            _ => bytes[2048 + 20] ^= 0x55,
        }
        fs::write(file, bytes).unwrap();
    }
    place(case, &path("7-mixed"), &marks, taken);
    fs::copy(testdata().join("mboxlist-ims63-log11-le/quota.db"), path("7-mixed/quota.db")).unwrap();
    place(case, &path("8-no-log"), &marks, taken);
    fs::remove_file(path("8-no-log/log.0000000001")).unwrap();
    place(case, &path("9-younger"), &marks, days_ago(1));
    fs::write(path("9-younger/__db.001"), "region").unwrap();
    folder
}

const VERDICTS: [(&str, &str, &str); 10] = [
    ("1-valid", "clean", "valid"),
    ("2-unverified", "clean", "after-recovery"),
    ("3-no-time", "clean", "invalid"),
    ("4-unclean", "recovery-needed", "contradiction"),
    ("5-cut", "unknown", "contradiction"),
    ("6-damaged", "clean", "contradiction"),
    ("7-mixed", "unknown", "contradiction"),
    ("8-no-log", "no-log", "contradiction"),
    ("9-younger", "clean-closed", "valid"),
    ("removed", "clean", "invalid"),
];

#[test]
fn each_snapshot_is_judged() {
    let folder = with_snapshots();
    let output = store(&["snapshots", "mboxlist"], folder.path());
    let lines = out(&output);
    assert_eq!((code(&output), err(&output).as_str()), (0, ""), "{lines}");
    assert!(lines.lines().all(|line| line.chars().count() <= 80), "{lines}");
    let json = store(&["snapshots", "--json", "mboxlist"], folder.path());
    assert_eq!(code(&json), 0);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let snapshots = json["snapshots"].as_array().unwrap();
    assert_eq!((&json["schema"], snapshots.len()), (&1.into(), VERDICTS.len()));
    for (found, (name, state, verdict)) in snapshots.iter().zip(VERDICTS) {
        assert_eq!((&found["name"], &found["verdict"]), (&name.into(), &verdict.into()), "{found}");
        assert!(state == "unknown" || found["state"] == state, "{found}");
        let row = lines.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(row.ends_with(verdict), "{row}");
        let faults = found["faults"].as_array().unwrap();
        assert_eq!(faults.is_empty(), verdict != "contradiction", "{found}");
        assert!(found["serves"].is_null() && found["error"].is_null(), "{found}");
        assert_eq!(found["database_files"].as_array().unwrap().len(), 5, "{found}");
    }
    for wanted in [
        "  .snaptime     20",
        "UTC, by the date of the file; 11 bytes,\n                perhaps the time 2009-11-04 01:00:03 UTC; the age is from the",
        "  holds         5 databases (version 9), 1 log file (version 11), 1 region file;",
        "  error         M-113 ",
        "  rescue copy   ",
    ] {
        assert!(lines.contains(wanted), "{wanted}: {lines}");
    }
    assert_eq!(snapshots[0]["marks"][0]["content_time"]["seconds"], 1_257_296_403);
    assert_eq!(snapshots[0]["age_seconds"].as_u64().unwrap() / DAY, 3);
    assert_eq!(snapshots[9]["rescue"], true);
}

#[test]
fn only_a_snapshot_older_than_the_upgrade_leads_back() {
    let folder = with_snapshots();
    let seconds =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
    let before = |days| seconds(days_ago(days));
    let served = |days| {
        let output = store(&["snapshots", "--json", "--before", &before(days), "mboxlist"], folder.path());
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let snapshots = json["snapshots"].as_array().unwrap().clone();
        let serves = snapshots.into_iter().filter(|one| one["serves"] == true);
        (code(&output), serves.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(served(0), (0, vec!["1-valid".into(), "9-younger".into()]));
    assert_eq!(served(2), (0, vec!["1-valid".into()]));
    assert_eq!(served(5), (1, vec![]));
    let lines = out(&store(&["snapshots", "--before", &before(2), "mboxlist"], folder.path()));
    assert!(lines.contains("  the upgrade   not older: it does not lead back"), "{lines}");
    for (days, wanted) in [(2, false), (5, true)] {
        let survey = out(&store(&["survey", "--before", &before(days), "mboxlist"], folder.path()));
        assert_eq!(survey.contains("warning  M-303  no valid snapshot is older"), wanted, "{survey}");
    }
    let plan = ["plan", "--target", "6.0", "--before", &before(5), "mboxlist"];
    let plan = out(&store(&plan, folder.path()));
    assert!(plan.contains("no valid snapshot is older than the upgrade"), "{plan}");
}

#[test]
fn no_snapshot_is_an_answer_and_no_folder_is_none() {
    let folder = tempfile::tempdir().unwrap();
    place("mboxlist-ims63-log11-le", &folder.path().join("mboxlist"), &[], SystemTime::now());
    let none = store(&["snapshots", "mboxlist"], folder.path());
    assert_eq!((code(&none), out(&none).as_str()), (1, "mboxlist: no snapshots\n"));
    for arguments in [&["snapshots", "absent"][..], &["snapshots", "--snapshots", "absent", "mboxlist"]] {
        let output = store(arguments, folder.path());
        assert_eq!(code(&output), 1);
        let complaint = err(&output);
        assert!(complaint.starts_with("bdbkit: absent: ") && complaint.lines().count() == 1, "{complaint}");
    }
    assert_eq!(code(&store(&["snapshots"], folder.path())), 2);
    assert_eq!(code(&store(&["snapshots", "--before", "soon", "mboxlist"], folder.path())), 2);
}

#[test]
fn a_snapshot_that_is_not_valid_is_refused_and_nothing_is_moved() {
    let folder = with_snapshots();
    let standing = |name: &str| {
        let entries = fs::read_dir(folder.path().join(name)).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.map(|path| (fs::read(&path).unwrap_or_default(), path)).collect();
        files.sort();
        files
    };
    let before = (standing("mboxlist"), standing("."));
    for (name, _, verdict) in VERDICTS.iter().filter(|(.., verdict)| *verdict != "valid") {
        let snapshot = match *name {
            "removed" => "mboxlist/removed".to_owned(),
            name => format!("dbdata/snapshots/{name}"),
        };
        let refused = store(&["restore-snapshot", "mboxlist", &snapshot], folder.path());
        let message = err(&refused);
        let expected = if *name == "8-no-log" { 3 } else { 4 };
        assert_eq!((code(&refused), message.lines().count()), (expected, 1), "{message}");
        let wanted = match *name {
            "8-no-log" => "no snapshot: it holds no log".to_owned(),
            _ => format!("bdbkit: {snapshot}: {verdict}: "),
        };
        assert!(message.contains(&wanted), "{message}");
        assert!((standing("mboxlist"), standing(".")) == before, "{name}");
    }
    let forced = ["restore-snapshot", "--force", "mboxlist", "dbdata/snapshots/6-damaged"];
    let forced = store(&forced, folder.path());
    assert_eq!(code(&forced), 0, "{}", err(&forced));
    let [old, new] =
        ["mboxlist", "dbdata/snapshots/6-damaged"].map(|name| folder.path().join(name).join("folder.db"));
    assert!(fs::read(old).unwrap() == fs::read(new).unwrap());
}

#[test]
fn a_store_that_may_be_running_is_not_replaced() {
    let folder = with_snapshots();
    let mboxlist = folder.path().join("mboxlist");
    fs::remove_dir_all(&mboxlist).unwrap();
    place("mboxlist-ims60-log3-le-unclean", &mboxlist, &[("__db.001", "region")], SystemTime::now());
    let restore = ["restore-snapshot", "mboxlist", "dbdata/snapshots/1-valid"];
    let refused = store(&restore, folder.path());
    let message = err(&refused);
    assert!(message.contains("RUNNING (--assume-closed if nothing uses it)"), "{message}");
    assert!(mboxlist.join("__db.001").exists() && !folder.path().join("mboxlist.aside").exists());
    let done = store(&[&restore[..], &["--assume-closed"]].concat(), folder.path());
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(folder.path().join("mboxlist.aside/__db.001").exists() && !mboxlist.join("__db.001").exists());
}

/// The date of a file is lost in a copy; what is in it is not.
#[test]
fn the_age_of_a_snapshot_is_told_by_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let case = "mboxlist-ims63-log11-le";
    let now = days_ago(0);
    place(case, &folder.path().join("mboxlist"), &[], now);
    let marks = [(".snaptime", "1257292800\n"), (".verified", "")];
    place(case, &folder.path().join("dbdata/snapshots/copied"), &marks, now);
    place(
        case,
        &folder.path().join("dbdata/snapshots/dateless"),
        &[(".snaptime", "x"), (".verified", "")],
        now,
    );
    let run = |more: &[&str]| {
        let mut arguments = vec!["snapshots", "--before", "2010-01-01T00:00:00Z"];
        arguments.extend(more);
        arguments.push("mboxlist");
        store(&arguments, folder.path())
    };
    let by_date = run(&[]);
    assert_eq!(code(&by_date), 1, "{}", out(&by_date));
    assert!(out(&by_date).contains("1 minute ") && !out(&by_date).contains("1 minutes"), "{}", out(&by_date));
    let by_content = run(&["--age-from", "content"]);
    let lines = out(&by_content);
    assert_eq!(code(&by_content), 0, "{lines}");
    let words: Vec<&str> = lines.split_whitespace().collect();
    let lines = words.join(" ");
    assert!(lines.contains("the age is from the content"), "{lines}");
    assert!(lines.contains("dateless unknown ") && lines.contains("the content tells no age"), "{lines}");
    let json = run(&["--age-from", "content", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let copied = &json["snapshots"][0];
    assert_eq!((&copied["age_from"], &copied["serves"]), (&"content".into(), &true.into()), "{copied}");
    assert_eq!(copied["taken"]["utc"], "2009-11-04T00:00:00Z");
    assert_eq!(code(&run(&["--age-from", "guess"])), 2);
    let survey = store(&["survey", "--age-from", "content", "mboxlist"], folder.path());
    assert!(out(&survey).contains("days"), "{}", out(&survey));
}
