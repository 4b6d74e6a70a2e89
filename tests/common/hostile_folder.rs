//! Folders that somebody laid out for the tool to fall into: what they are made of, and what
//! must be as it was before.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) use crate::fake_disk::Random;

/// As many folders as `BDBKIT_FOLDERS` in the environment says.
pub(crate) fn wanted(default: u64) -> u64 {
    std::env::var("BDBKIT_FOLDERS").map_or(default, |folders| folders.parse().unwrap())
}

/// Does something for each of the numbers from 1 on, several at once: most of the time is spent
/// waiting for a run.
pub(crate) fn in_turn(most: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > most {
                        break;
                    }
                    work(number);
                }
            });
        }
    });
}

/// One of several things, by chance.
pub(crate) fn one_of<'a, T>(random: &mut Random, things: &'a [T]) -> &'a T {
    let index = usize::try_from(random.next()).unwrap() % things.len();
    &things[index]
}

/// Whether something happens that happens once in so many times.
pub(crate) fn once_in(random: &mut Random, times: u64) -> bool {
    random.next() % times == 0
}

/// All that stands below a folder: of each name what it is, whose, and what is in it. Times are
/// left out, and the number of names, which others may change.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            found.insert(path.clone(), described(&path));
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            }
        }
    }
    found
}

/// What stands at a path; empty if nothing does.
pub(crate) fn described(path: &Path) -> String {
    let Ok(kind) = fs::symlink_metadata(path) else { return String::new() };
    let content = if kind.is_file() {
        format!("{:08x} {}", crc32fast::hash(&fs::read(path).unwrap()), kind.len())
    } else if kind.is_symlink() {
        format!("{:?}", fs::read_link(path).unwrap())
    } else {
        String::new()
    };
    format!("{:o} {} {} {content}", kind.mode(), kind.uid(), kind.ino())
}

/// A folder to work on, another beside it that is nobody's business, and what in the first is
/// that of others.
pub(crate) struct Trap {
    _root: TempDir,
    pub(crate) inside: PathBuf,
    pub(crate) outside: PathBuf,
    foreign: BTreeMap<PathBuf, String>,
    /// What was laid out, for who has to understand it.
    pub(crate) story: Vec<String>,
}

/// What somebody may lay where a file of this program is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Text,
    LinkToFile,
    LinkToFolder,
    DanglingLink,
    HardLink,
    Pipe,
    Folder,
}

impl Thing {
    pub(crate) const ALL: [Thing; 7] = [
        Thing::Text,
        Thing::LinkToFile,
        Thing::LinkToFolder,
        Thing::DanglingLink,
        Thing::HardLink,
        Thing::Pipe,
        Thing::Folder,
    ];
}

impl Trap {
    /// With these files in the folder outside.
    pub(crate) fn new(victims: &[(&str, &[u8])]) -> Trap {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        let (inside, outside) = (path.join("inside"), path.join("outside"));
        [&inside, &outside].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
        victims.iter().for_each(|(name, bytes)| fs::write(outside.join(name), bytes).unwrap());
        Trap { _root: root, inside, outside, foreign: BTreeMap::new(), story: Vec::new() }
    }

    /// Lays something at a path inside; it leads to a file or folder outside, if it leads
    /// anywhere. If something stands there, that stays.
    pub(crate) fn lay(&mut self, name: &str, thing: Thing, victim: &str) {
        let (path, victim) = (self.inside.join(name), self.outside.join(victim));
        if fs::symlink_metadata(&path).is_ok() {
            return;
        }
        match thing {
            Thing::Text => fs::write(&path, "mine\n".repeat(200)).unwrap(),
            Thing::LinkToFile => symlink(victim, &path).unwrap(),
            Thing::LinkToFolder => symlink(&self.outside, &path).unwrap(),
            Thing::DanglingLink => symlink(self.outside.join("made"), &path).unwrap(),
            Thing::HardLink => fs::hard_link(victim, &path).unwrap(),
            Thing::Pipe => {
                assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            }
            Thing::Folder => {
                fs::create_dir(&path).unwrap();
                fs::write(path.join("mine"), "mine\n").unwrap();
            }
        }
        self.story.push(format!("{name}: {thing:?}"));
        self.is_foreign(&path);
    }

    /// Notes that what stands at a path is that of others: it must stay.
    pub(crate) fn is_foreign(&mut self, path: &Path) {
        self.foreign.insert(path.to_owned(), described(path));
        if path.is_dir() && !path.is_symlink() {
            self.foreign.extend(tree(path));
        }
    }

    /// Gives a file another owner, or lets others write it, so that it is not believed.
    pub(crate) fn distrust(&mut self, path: &Path, random: &mut Random) {
        let root = fs::metadata(&self.outside).unwrap().uid() == 0;
        if root && once_in(random, 2) {
            chown(path, Some(65534), None).unwrap();
        } else {
            let mode = *one_of(random, &[0o602, 0o620, 0o666]);
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        self.story.push(format!("{}: distrusted", path.file_name().unwrap().to_str().unwrap()));
        self.is_foreign(path);
    }

    /// Runs the tool in the folder, and checks that it ended as a program should, that nothing
    /// outside is another than before, and that what is that of others is still there.
    pub(crate) fn spring(&self, arguments: &[&str]) -> Output {
        let outside = tree(&self.outside);
        let mut command = Command::new(env!("CARGO_BIN_EXE_bdbkit"));
        command.current_dir(&self.inside).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
                panic!("hangs: {arguments:?}: {:?}", self.story);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let story = || format!("{arguments:?}: {:?}: {:?} {told}", self.story, output.status);
        assert!(matches!(output.status.code(), Some(0..=4)), "{}", story());
        assert_eq!(tree(&self.outside), outside, "something outside changed: {}", story());
        for (path, was) in &self.foreign {
            assert_eq!(described(path), *was, "{}: {}", path.display(), story());
        }
        output
    }
}
