//! The faults that `tests/planted/run` plants still find the text that they replace.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn each_fault_finds_its_text_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("tests/planted/bugs.toml")).unwrap();
    let bugs: toml::Table = toml::from_str(&text).unwrap();
    let bugs = bugs["bug"].as_array().unwrap();
    assert!(bugs.len() > 200, "{}", bugs.len());
    let (mut names, mut lost) = (BTreeSet::new(), Vec::new());
    for bug in bugs {
        let [name, file, old, new] = ["name", "file", "old", "new"].map(|key| bug[key].as_str().unwrap());
        assert!(names.insert(name), "there are two faults {name}");
        let found = fs::read_to_string(root.join(file)).unwrap_or_default().matches(old).count();
        if found != 1 || old == new {
            lost.push(format!("{name}: its text is {found} times in {file}"));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
