//! The arrows between the rooms of `src/` point one way, as `src/ARCHITECTURE.md` has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The files of a folder and of those in it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// A file without its comments and its unit tests.
pub(crate) fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.to_owned() + "\n")
        .collect()
}

/// The room of a file: its folder in `src/`, or the file itself.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(src()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms that a room names: `crate::room::…`, and those that the crate root gives.
fn used(code: &str) -> BTreeSet<String> {
    let parts = code.split("crate::").skip(1);
    let name = |part: &str| part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    parts.map(name).filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).collect()
}

/// What each room may use, by the table of the document: `| room | duty | may use |`.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let document = fs::read_to_string(src().join("ARCHITECTURE.md")).unwrap();
    let mut allowed = BTreeMap::<String, BTreeSet<String>>::new();
    let words = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).flat_map(str::split_whitespace).map(str::to_owned).collect()
    };
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').collect();
        let (rooms, may) = (words(cells[1]), words(cells[3]));
        for room in rooms {
            let room = room.trim_end_matches('/').to_owned();
            assert!(allowed.insert(room.clone(), may.clone()).is_none(), "{room} has two rows");
        }
    }
    allowed
}

#[test]
fn no_room_uses_one_that_it_may_not() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files(&src()) {
        let own = room(&path);
        if own == "bin" || own == "lib" {
            continue;
        }
        let may = allowed.get(&own).unwrap_or_else(|| panic!("{own} is not in src/ARCHITECTURE.md"));
        let of_room = |name: &String| allowed.contains_key(name) && *name != own;
        for name in used(&code(&path)).into_iter().filter(of_room) {
            if !may.contains(&name) {
                wrong.push(format!("{} uses {name}", path.display()));
            }
            seen.insert((own.clone(), name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.len() > 40, "only {} arrows were found", seen.len());
}

/// The table has no arrow back: whoever may use a room is not used by it.
#[test]
fn the_table_itself_has_no_circle() {
    let allowed = allowed();
    let mut below = allowed.clone();
    for _ in 0..allowed.len() {
        for (room, may) in &allowed {
            let more: BTreeSet<String> =
                may.iter().filter_map(|used| below.get(used)).flatten().cloned().collect();
            below.get_mut(room).unwrap().extend(more);
        }
    }
    for (room, reached) in below {
        assert!(!reached.contains(&room), "{room} leads back to itself");
    }
}

/// The tool is a user of the library as any other.
#[test]
fn the_tool_uses_the_public_api() {
    for path in files(&src().join("bin")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("#[path"), "{}", path.display());
    }
}

/// A version number is compared where versions are known: above, rooms ask for what a release
/// can do.
#[test]
fn versions_are_compared_in_few_rooms() {
    let rooms =
        ["format", "meta", "upgrade", "edit", "log", "journal", "env", "mboxlist", "method", "explain"];
    let compares = |line: &str| {
        let Some((_, behind)) = line.split_once("version()").or_else(|| line.split_once("version ")) else {
            return false;
        };
        let behind = behind.trim_start();
        let operator = ["<=", ">=", "==", "!=", "<", ">"].iter().find_map(|op| behind.strip_prefix(op));
        operator.is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut wrong = Vec::new();
    for path in files(&src()) {
        if rooms.contains(&room(&path).as_str()) || room(&path) == "bin" {
            continue;
        }
        let code = code(&path);
        wrong.extend(
            code.lines().filter(|line| compares(line)).map(|line| format!("{}: {line}", path.display())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compares("if meta.version() >= 9 {") && compares("version < 8") && !compares("version > newest"));
}
