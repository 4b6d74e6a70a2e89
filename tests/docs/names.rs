//! One public name is one thing: no two public types of the library have the same name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::rooms::{code, files, src};

/// What a file gives to whoever is above it, as paths.
fn given(code: &str) -> Vec<String> {
    let statements = code.split("\npub use ").skip(1).map(|rest| rest.split(';').next().unwrap());
    let mut paths = Vec::new();
    for statement in statements {
        match statement.split_once('{') {
            Some((before, names)) => {
                let names = names.trim_end().trim_end_matches('}').split(',');
                let names = names.map(str::trim).filter(|name| !name.is_empty());
                paths.extend(names.map(|name| format!("{before}{name}")));
            }
            None => paths.push(statement.to_owned()),
        }
    }
    paths
}

/// The public types that a file defines.
fn defined(code: &str) -> impl Iterator<Item = &str> {
    let what = ["pub struct ", "pub enum ", "pub trait ", "pub union ", "pub type "];
    code.lines().filter_map(move |line| {
        let rest = what.iter().find_map(|what| line.strip_prefix(what))?;
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    })
}

/// The name of the module that a file is.
fn module(path: &Path) -> &str {
    match path.file_stem().unwrap().to_str().unwrap() {
        "mod" => path.parent().unwrap().file_name().unwrap().to_str().unwrap(),
        stem => stem,
    }
}

#[test]
fn no_two_public_types_have_one_name() {
    let library: Vec<_> =
        files(&src()).into_iter().filter(|path| !path.starts_with(src().join("bin"))).collect();
    let root = code(&src().join("lib.rs"));
    let public: BTreeSet<&str> = root.lines().filter_map(|line| line.strip_prefix("pub mod ")).collect();
    let paths: Vec<String> = library.iter().flat_map(|path| given(&code(path))).collect();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in &library {
        let module = module(path);
        let in_room = path.ends_with("mod.rs") && path.parent().and_then(Path::parent) == Some(&src());
        let is_public = |name: &str| {
            let directly = in_room && public.contains(format!("{module};").as_str());
            directly || paths.iter().any(|path| path.ends_with(&format!("{module}::{name}")) || path == name)
        };
        for name in defined(&code(path)).filter(|name| is_public(name)) {
            let place = path.strip_prefix(src()).unwrap().display().to_string();
            places.entry(name.to_owned()).or_default().push(place);
        }
    }
    assert!(places.len() > 150, "only {} public types were found", places.len());
    for name in ["Database", "Verify", "Salvage", "LogDir", "StorePlan", "Upgrade"] {
        assert!(places.contains_key(name), "{name} was not found");
    }
    // The result of a room has the name of that of the standard library.
    places.remove("Result");
    let twice: Vec<_> = places.iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}
