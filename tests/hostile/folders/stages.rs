//! Stages, plans, folders aside and backups of a store.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::common::data;
use crate::fake_disk::Random;
use crate::hostile_folder::{Thing, Trap, in_turn, once_in, one_of, tree, wanted};
use crate::restore_plan::{self as plan, CACHE, FOLDER, Item, Known, Plan};

const OLD: [&str; 3] = ["a.db", "log.0000000001", "notes"];
const NEW: [&str; 3] = ["a.db", "log.0000000001", "log.0000000002"];
const STAGE: &str = "store/.bdbkit-restore";

/// How many folders, and how the runs in them ended.
#[derive(Debug, Default)]
struct Seen {
    folders: u64,
    laid: u64,
    codes: BTreeMap<(&'static str, i32), u64>,
}

const RUNS: [(&str, &[&str]); 6] = [
    ("restore", &["store", "restore-snapshot", "--force", "--assume-closed", "store", "snap"]),
    ("resume", &["store", "restore-snapshot", "--resume", "store"]),
    ("rollback", &["store", "restore-snapshot", "--rollback", "store"]),
    ("upgrade", &["store", "upgrade", "--ignore-logs", "--assume-closed", "store"]),
    ("upgrade resumed", &["store", "upgrade", "--resume", "store"]),
    ("upgrade rolled back", &["store", "upgrade", "--rollback", "store"]),
];

#[test]
fn no_stage_leads_out_of_the_store() {
    let (old, seen) = (data("btree-v7-be-one"), Mutex::new(Seen::default()));
    in_turn(wanted(300), |seed| {
        let (laid, codes) = folder(&old, &mut Random(seed));
        let mut seen = seen.lock().unwrap();
        seen.folders += 1;
        seen.laid += laid;
        codes.into_iter().for_each(|code| *seen.codes.entry(code).or_default() += 1);
    });
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    for (run, _) in RUNS {
        assert!(seen.codes.contains_key(&(run, 0)), "{run}: {seen:?}");
    }
    for run in ["restore", "resume", "rollback", "upgrade"] {
        assert!(seen.codes.contains_key(&(run, 4)), "{run}: {seen:?}");
    }
    assert!(seen.laid > seen.folders, "{seen:?}");
}

/// One folder, and some runs in it one after the other.
fn folder(db: &[u8], random: &mut Random) -> (u64, Vec<(&'static str, i32)>) {
    let mut trap = Trap::new(&[("victim.db", db), ("letter.txt", b"mine\n"), ("log.0000000001", b"theirs")]);
    let path = |name: &str| trap.inside.join(name);
    let (store, snap, aside) = (path("store"), path("snap"), path("store.aside"));
    for (folder, names, what) in [(&store, OLD, "old"), (&snap, NEW, "new")] {
        fs::create_dir(folder).unwrap();
        for name in names {
            let bytes = if name == "a.db" { db.to_vec() } else { format!("{what} {name}").into_bytes() };
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
    fs::write(snap.join("a.db"), [db, b"new"].concat()).unwrap();
    let mut runs = &RUNS[..];
    if once_in(random, 3) {
        backups(&mut trap, random);
        // A restore would move them aside with all that is in the store.
        runs = &RUNS[3..];
    } else {
        let planned = interrupted(&store, &snap, &aside, random);
        for _ in 0..random.next() % 3 {
            a_trap(&mut trap, planned.clone(), random);
        }
    }
    let laid = u64::try_from(trap.story.len()).unwrap();
    let mut codes = Vec::new();
    for _ in 0..=random.next() % 3 {
        let (run, arguments) = *one_of(random, runs);
        codes.push((run, spring(&trap, run, arguments)));
    }
    (laid, codes)
}

/// Runs the tool, and checks that nothing of value is lost and that what it refuses stays as it is.
fn spring(trap: &Trap, run: &str, arguments: &[&str]) -> i32 {
    let before = tree(&trap.inside);
    let valued = valued(&trap.inside);
    let output = trap.spring(arguments);
    let code = output.status.code().unwrap();
    let told =
        || format!("{arguments:?}: {:?}: {code} {}", trap.story, String::from_utf8_lossy(&output.stderr));
    let after = tree(&trap.inside);
    let inodes: Vec<u64> = after.keys().map(|path| fs::symlink_metadata(path).unwrap().ino()).collect();
    for (inode, path) in &valued {
        assert!(inodes.contains(inode), "{} is gone: {}", path.display(), told());
    }
    if code != 0 && !run.starts_with("upgrade") {
        // Except for copies of a restore that died before anything had moved.
        let kept = |tree: &BTreeMap<PathBuf, String>| {
            let kept = tree.iter().filter(|(path, _)| !path.starts_with(trap.inside.join(STAGE)));
            kept.map(|(path, what)| (path.clone(), what.clone())).collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (kept(&before), kept(&after));
        let changed: Vec<_> = before.iter().filter(|(path, was)| after.get(*path) != Some(was)).collect();
        let ours = |path: &Path| path.ends_with(".bdbkit-aside") || path.ends_with("store.aside");
        assert!(changed.iter().all(|(path, _)| ours(path)), "{changed:?} changed: {}", told());
    }
    if run == "resume" && code == 0 {
        let placed =
            NEW.iter().filter(|name| fs::symlink_metadata(trap.inside.join("store").join(name)).is_ok());
        assert_eq!(placed.count(), 3, "{}", told());
    }
    code
}

/// All but what a run may make and remove: by inode.
fn valued(inside: &Path) -> BTreeMap<u64, PathBuf> {
    let copies = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let own = ["bdbkit-plan", "bdbkit-plan.tmp", ".bdbkit-aside", "MANIFEST"].contains(&name.as_str());
        let stage = path.starts_with(inside.join(STAGE));
        let backup = path.to_string_lossy().contains(".bdbkit-backup-");
        // Those that are foreign there are known to the trap.
        own || name.starts_with("bdbkit-copy-") || stage || backup || name == "store.aside"
    };
    let paths = tree(inside).into_keys().filter(|path| !copies(path));
    paths.map(|path| (fs::symlink_metadata(&path).unwrap().ino(), path)).collect()
}

/// A restore that was interrupted, at any step; its plan.
fn interrupted(store: &Path, snap: &Path, aside: &Path, random: &mut Random) -> Plan {
    let stage = plan::stage(store);
    for name in NEW {
        fs::copy(snap.join(name), stage.join(name)).unwrap();
    }
    let state = *one_of(random, &[plan::STAGING, plan::MOVING, plan::MOVING, plan::PLACING, plan::DONE]);
    if state != plan::STAGING {
        fs::create_dir(aside).unwrap();
    }
    let made = Plan::of(store, aside, state);
    plan::private(&stage.join("bdbkit-plan"), &made.encode());
    if state == plan::STAGING {
        return made;
    }
    plan::private(&aside.join(".bdbkit-aside"), &made.mark());
    let step = |most: usize, random: &mut Random| usize::try_from(random.next()).unwrap() % (most + 1);
    let moved = if state == plan::MOVING { step(OLD.len(), random) } else { OLD.len() };
    for name in OLD.iter().take(moved) {
        fs::rename(store.join(name), aside.join(name)).unwrap();
    }
    let placed = match state {
        plan::PLACING => step(NEW.len(), random),
        plan::DONE => NEW.len(),
        _ => 0,
    };
    for name in NEW.iter().take(placed) {
        fs::rename(stage.join(name), store.join(name)).unwrap();
    }
    made
}

/// Makes something of it that no run would leave.
fn a_trap(trap: &mut Trap, planned: Plan, random: &mut Random) {
    let stage = trap.inside.join(STAGE);
    match random.next() % 6 {
        0 => the_stage(trap, &stage, random),
        1 if fs::symlink_metadata(&stage).is_ok_and(|found| found.is_dir()) => {
            let draft = planned.draft();
            let names = ["thesis.txt", "log.0000000002", "bdbkit-moved", "bdbkit-plan.tmp", &draft];
            let name = *one_of(random, &names);
            let thing = *one_of(random, &Thing::ALL);
            // A file with the number of the restore in its name is taken for its copy.
            if name != draft || thing != Thing::Text {
                trap.lay(&format!("{STAGE}/{name}"), thing, "letter.txt");
            }
        }
        2 | 3 => a_plan(trap, &stage, planned, random),
        4 => the_aside(trap, random),
        _ => in_the_store(trap, random),
    }
}

/// Another thing where the stage was, or a stage of somebody else.
fn the_stage(trap: &mut Trap, stage: &Path, random: &mut Random) {
    if !trap.story.is_empty() || fs::symlink_metadata(stage).is_ok_and(|found| !found.is_dir()) {
        return;
    }
    match random.next() % 3 {
        0 => {
            let away = trap.inside.join(format!("away-{}", random.next()));
            fs::rename(stage, away).unwrap();
            trap.lay(STAGE, *one_of(random, &Thing::ALL), "letter.txt");
        }
        1 => {
            fs::set_permissions(stage, Permissions::from_mode(*one_of(random, &[0o755, 0o777, 0o770])))
                .unwrap();
            trap.story.push("the stage is open".into());
            trap.is_foreign(stage);
        }
        _ => {
            if chown(stage, Some(65534), None).is_ok() {
                trap.story.push("the stage is another's".into());
                trap.is_foreign(stage);
            }
        }
    }
}

/// A plan that no restore here wrote, with a right sum.
fn a_plan(trap: &mut Trap, stage: &Path, mut planned: Plan, random: &mut Random) {
    let path = stage.join("bdbkit-plan");
    let told = ["the stage", "a plan"].iter().any(|told| trap.story.iter().any(|story| story.contains(told)));
    if told || fs::symlink_metadata(&path).map_or(true, |found| !found.is_file()) {
        return;
    }
    let outside = trap.outside.clone();
    let text = outside.as_os_str().as_bytes().to_vec();
    let odd: &[&[u8]] = &[
        b"",
        b".",
        b"..",
        b"../victim",
        b"/etc/passwd",
        b"a/b",
        b"a\0b",
        b"folderlock",
        b".bdbkit-restore",
        b".bdbkit-aside",
        b"\x1b[31m\nstore: forged",
    ];
    let kind = random.next() % 16;
    match kind {
        // As a plan was once: the folder of what moved aside, and nothing else.
        0 => {
            plan::private(&path, &[&text[..], b"\0"].concat());
        }
        1 | 2 => {
            (planned.aside, planned.aside_is) = (text, plan::is(&outside));
            if kind == 2 {
                let moved = Item::itself(&outside.join("letter.txt"));
                planned.moves = vec![moved];
            }
            // Even with the mark that belongs there.
            plan::private(&outside.join(".bdbkit-aside"), &planned.mark());
            // Where all is done only the mark of this very restore goes.
            planned.id ^= u64::from(planned.state == plan::DONE);
            if once_in(random, 2) {
                let _ = chown(outside.join(".bdbkit-aside"), Some(65534), None);
            }
            planned.folder = one_of(random, &[planned.folder, (planned.folder.0, 4711)]).to_owned();
        }
        3 => planned.folder.1 += 1,
        4 => planned.stage = plan::is(&outside),
        5 => planned.aside_is.1 ^= 1,
        6 => {
            (planned.cache, planned.cache_is) = (text, (planned.folder.0, 4711));
            planned.places.push(Item { name: b"__db.001".to_vec(), ..planned.places[0].clone() });
            planned.places.last_mut().unwrap().place = CACHE;
        }
        7 | 8 => {
            let items = if kind == 7 { &mut planned.moves } else { &mut planned.places };
            let known = items.first().map_or(Known::Itself((1, 1)), |item| item.known.clone());
            items.push(Item { name: one_of(random, odd).to_vec(), place: FOLDER, known });
        }
        9 => planned.places.clear(),
        10 => planned.places.iter_mut().for_each(|item| {
            if let Known::Content { sha256, .. } = &mut item.known {
                sha256[0] ^= 1;
            }
        }),
        11 => planned.places.iter_mut().for_each(|item| {
            if let Known::Content { size, .. } = &mut item.known {
                *size += 1;
            }
        }),
        12 => planned.state = *one_of(random, &[0, 1, 2, 3, 4, 5, 255]),
        13 => planned.moves.push(Item {
            name: b"never-there".to_vec(),
            place: FOLDER,
            known: Known::Itself((planned.folder.0, 4711)),
        }),
        14 => {
            planned.aside = one_of(random, &[&b"outside"[..], b"/a/../b", b"", b"/"]).to_vec();
        }
        _ => {}
    }
    trap.story.push(format!("a plan of kind {kind}"));
    if kind != 0 {
        plan::private(&path, &planned.encode());
    }
    if kind == 15 {
        trap.distrust(&path, random);
    }
    // Some are somewhere else, under two names.
    if once_in(random, 8) && kind != 15 {
        let elsewhere = outside.join("bdbkit-plan");
        if elsewhere.exists() {
            return;
        }
        fs::rename(&path, &elsewhere).unwrap();
        if once_in(random, 2) { symlink(&elsewhere, &path) } else { fs::hard_link(&elsewhere, &path) }
            .unwrap();
        trap.story.push("the plan is a link".into());
        trap.is_foreign(&path);
    }
}

/// Another folder where what moved aside was, or one without its mark, or with more in it.
fn the_aside(trap: &mut Trap, random: &mut Random) {
    let aside = trap.inside.join("store.aside");
    if !trap.story.is_empty() || !fs::symlink_metadata(&aside).is_ok_and(|found| found.is_dir()) {
        return;
    }
    let mark = aside.join(".bdbkit-aside");
    match random.next() % 5 {
        0 => {
            fs::rename(&aside, trap.inside.join(format!("other-{}", random.next()))).unwrap();
            symlink(&trap.outside, &aside).unwrap();
            trap.story.push("the folder aside leads out".into());
        }
        1 => {
            fs::rename(&aside, trap.inside.join(format!("other-{}", random.next()))).unwrap();
            fs::create_dir(&aside).unwrap();
            fs::write(aside.join("a.db"), "mine").unwrap();
            trap.story.push("another folder aside".into());
        }
        2 if fs::symlink_metadata(&mark).is_ok_and(|found| found.is_file()) => {
            let away = trap.inside.join(format!("mark-{}", random.next()));
            fs::rename(&mark, &away).unwrap();
            if once_in(random, 2) {
                symlink(&away, &mark).unwrap();
            }
            trap.story.push("no mark".into());
        }
        3 if fs::symlink_metadata(&mark).is_ok_and(|found| found.is_file()) => trap.distrust(&mark, random),
        _ => trap.lay("store.aside/thesis.txt", *one_of(random, &Thing::ALL), "letter.txt"),
    }
}

/// Something in the store that was not there, or not so, when the restore began.
fn in_the_store(trap: &mut Trap, random: &mut Random) {
    let name =
        *one_of(random, &["a.db", "log.0000000009", "log.0000000002", "new\nstore: forged", "folderlock"]);
    let path = trap.inside.join("store").join(name);
    if fs::symlink_metadata(&path).is_ok() {
        fs::rename(&path, trap.inside.join(format!("old-{}", random.next()))).unwrap();
    }
    match random.next() % 3 {
        0 => symlink(trap.outside.join("victim.db"), &path).unwrap(),
        1 => fs::hard_link(trap.outside.join("victim.db"), &path).unwrap(),
        _ => fs::write(&path, "mine").unwrap(),
    }
    trap.story.push(format!("{name:?} in the store"));
}

/// Folders with the names of backups.
fn backups(trap: &mut Trap, random: &mut Random) {
    let store = trap.inside.join("store");
    for number in 0..=random.next() % 3 {
        let names = ["1700000001", "1700000002.keep", "mine", "", "1\u{1b}[31m"];
        let name = format!("store/.bdbkit-backup-{}", one_of(random, &names));
        let path = trap.inside.join(&name);
        if fs::symlink_metadata(&path).is_ok() {
            continue;
        }
        if once_in(random, 4) {
            trap.lay(&name, *one_of(random, &Thing::ALL), "letter.txt");
            continue;
        }
        fs::create_dir(&path).unwrap();
        let mode = *one_of(random, &[0o700, 0o700, 0o700, 0o755]);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let wrong = random.next() % 8;
        let inode = plan::is(&store).1 + u64::from(wrong == 0);
        let listed = if wrong == 1 { "other.db" } else { "a.db" };
        let lines =
            format!("bdbkit-backup 1 of the store {inode}\n{}  {:>12}  {listed}\n", "0".repeat(64), 5);
        let sum = crc32fast::hash(lines.as_bytes()) ^ u32::from(wrong == 2);
        let manifest = path.join("MANIFEST");
        plan::private(&manifest, format!("{lines}crc32 {sum:08x}\n").as_bytes());
        fs::write(path.join("a.db"), "copy").unwrap();
        match wrong {
            3 => trap.lay(&format!("{name}/thesis.txt"), *one_of(random, &Thing::ALL), "letter.txt"),
            4 => {
                fs::remove_file(path.join("a.db")).unwrap();
                trap.lay(&format!("{name}/a.db"), *one_of(random, &Thing::ALL[1..]), "victim.db");
            }
            5 => trap.distrust(&manifest, random),
            6 => fs::remove_file(&manifest).unwrap(),
            _ => {}
        }
        if wrong < 7 || mode != 0o700 || !name.ends_with(|c: char| c.is_ascii_digit() || c == 'p') {
            trap.story.push(format!("backup {number}: {name}: wrong in way {wrong}, mode {mode:o}"));
            trap.is_foreign(&path);
        }
    }
    if once_in(random, 3) {
        let odd = std::ffi::OsString::from_vec(b"x\n0000  1  evil.db".to_vec());
        fs::copy(store.join("a.db"), store.join(odd)).unwrap();
    }
}
