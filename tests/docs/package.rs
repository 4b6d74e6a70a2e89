//! What the package leaves behind is not needed by its own tests and examples.

use std::fs;
use std::path::Path;

/// The paths of test data that a text names as a whole.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c));
    text.match_indices("testdata/").map(move |(at, _)| {
        let path = &text[at..];
        path.split(ends).next().unwrap().trim_end_matches('/')
    })
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn test_data_that_sources_and_examples_name_is_in_the_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let include = manifest["package"]["include"].as_array().unwrap();
    let include: Vec<&str> = include.iter().map(|path| path.as_str().unwrap().trim_matches('/')).collect();
    assert!(include.iter().all(|path| path.ends_with('*') || root.join(path).exists()), "{include:?}");
    let mut texts = Vec::new();
    ["src", "examples"].iter().for_each(|folder| sources(&root.join(folder), &mut texts));
    let (mut there, mut missing) = (0, Vec::new());
    for path in texts.iter().flat_map(|text| named(text)).filter(|path| path.contains('/')) {
        // Folders of which only a part is asked for, and names that a test puts together.
        if !root.join(path).exists() || ["testdata/text", "testdata/json", "testdata/recover"].contains(&path)
        {
            continue;
        }
        match include.iter().any(|included| Path::new(path).starts_with(included)) {
            true => there += 1,
            false => missing.push(path),
        }
    }
    assert!(missing.is_empty() && there > 30, "{missing:?}");
}
