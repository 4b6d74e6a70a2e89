//! What the code cites of the documents in `docs/` is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A document: its headings, without their numbers, and the numbers of its sections.
#[derive(Default)]
struct Document {
    headings: Vec<String>,
    numbers: Vec<String>,
}

impl Document {
    fn parse(text: &str) -> Self {
        let mut document = Document::default();
        for heading in text.lines().filter(|line| line.starts_with('#')) {
            let heading = heading.trim_start_matches('#').trim_start();
            let heading = heading.strip_prefix("Annex ").or(heading.strip_prefix("Part ")).unwrap_or(heading);
            match heading.split_once(' ') {
                Some((number, name)) if is_number(number.trim_end_matches('.')) => {
                    document.numbers.push(number.trim_end_matches('.').to_owned());
                    document.headings.push(name.to_owned());
                }
                _ => document.headings.push(heading.to_owned()),
            }
        }
        document
    }

    /// Whether there is such a heading; what follows a colon in it may be left out.
    fn has_heading(&self, cited: &str) -> bool {
        self.headings.iter().any(|heading| {
            heading.strip_prefix(cited).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    }

    fn has_section(&self, number: &str) -> bool {
        self.numbers.iter().any(|known| known == number)
    }
}

/// `10.3`, `A`, `A.6`.
fn is_number(word: &str) -> bool {
    let mut parts = word.split('.');
    let first = parts.next().unwrap();
    let letter = first.len() == 1 && first.as_bytes()[0].is_ascii_uppercase();
    (letter || is_decimal(first)) && parts.all(is_decimal)
}

fn is_decimal(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

/// The documents by name.
fn documents() -> BTreeMap<String, (String, Document)> {
    let mut paths = Vec::new();
    files(&root().join("docs"), "md", &mut paths);
    let named = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let document = Document::parse(&text);
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), (text, document))
    });
    named.collect()
}

/// The comments of a source: lines that follow each other are one.
fn comments(source: &str) -> Vec<String> {
    let mut comments = vec![String::new()];
    for line in source.lines().map(str::trim_start) {
        match line.strip_prefix("//") {
            Some(text) => {
                let comment = comments.last_mut().unwrap();
                comment.push_str(text.trim_start_matches(['/', '!']).trim());
                comment.push(' ');
            }
            None => comments.push(String::new()),
        }
    }
    comments
}

/// What a comment cites: documents, and what is said of each behind its name.
fn citations<'a>(comment: &'a str, names: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let brackets = comment.split('(').skip(1).filter_map(|text| text.split_once(')'));
    let parts = brackets.flat_map(|(inside, _)| inside.split(';')).map(str::trim);
    let cited = parts.flat_map(|part| {
        names.iter().filter_map(move |name| {
            let rest = part.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with(',')).then_some((*name, rest))
        })
    });
    cited.collect()
}

/// The headings and annexes in a citation.
fn places(cited: &str) -> (Vec<&str>, Vec<&str>) {
    let headings = cited.split('"').skip(1).step_by(2).collect();
    let annexes = cited.split("annex ").skip(1).map(|rest| rest.split([' ', ',']).next().unwrap());
    (headings, annexes.collect())
}

#[test]
fn every_heading_that_the_code_cites_exists() {
    let documents = documents();
    let names: Vec<&str> = documents.keys().map(String::as_str).collect();
    let mut sources = Vec::new();
    ["src", "tests"].iter().for_each(|folder| files(&root().join(folder), "rs", &mut sources));
    let (mut found, mut wrong) = (0, Vec::new());
    for path in sources {
        let source = fs::read_to_string(&path).unwrap();
        for comment in comments(&source) {
            for (name, cited) in citations(&comment, &names) {
                let document = &documents[name].1;
                let (headings, annexes) = places(cited);
                found += 1;
                let missing = headings.iter().filter(|heading| !document.has_heading(heading));
                let missing = missing.chain(annexes.iter().filter(|annex| !document.has_section(annex)));
                wrong.extend(missing.map(|place| format!("{}: {name}, {place}", path.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "no such heading:\n{}", wrong.join("\n"));
    assert!(found > 100, "only {found} citations were found");
}

/// The numbers behind each place where `before` stands.
fn numbers<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(|rest| {
        let word = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).next()?;
        let word = word.trim_end_matches('.');
        is_number(word).then_some(word)
    })
}

#[test]
fn every_section_that_the_documents_cite_exists() {
    let documents = documents();
    let (mut found, mut wrong) = (0, Vec::new());
    for (citing, (text, own)) in &documents {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let here = ["(section ", " section ", " sections "].map(|before| (before.to_owned(), own, citing));
        let there = documents.iter().flat_map(|(name, (_, document))| {
            let ways = [format!("{name}.md "), format!("{name}.md) "), format!("{name}.md` ")];
            ways.map(|before| (before, document, name))
        });
        for (before, document, name) in here.into_iter().chain(there) {
            for number in numbers(&text, &before) {
                found += 1;
                if !document.has_section(number) {
                    wrong.push(format!("{citing}: {name} {number}"));
                }
            }
        }
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if !link.starts_with("http") && !root().join("docs").join(link).exists() {
                wrong.push(format!("{citing}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "no such section:\n{}", wrong.join("\n"));
    assert!(found > 100, "only {found} references were found");
}

#[test]
fn what_is_cited_is_taken_apart() {
    let document =
        Document::parse("# Files\n## 4.5 Leaves: pairs\n### Annex A. HASH\n#### A.6 Bucket pages\n");
    for (cited, there) in [("Leaves", true), ("Leaves: pairs", true), ("Leave", false), ("4.5 Leaves", false)]
    {
        assert_eq!(document.has_heading(cited), there, "{cited}");
    }
    assert!(document.has_section("4.5") && document.has_section("A") && document.has_section("A.6"));
    assert!(!document.has_section("4.6") && !document.has_section("B"));
    let source = "/// One (files,\n    /// \"Leaves\" and annex A.6; other). Two.\nlet x = 1; \n// (files of others) (other).";
    let comments = comments(source);
    let cited = |comment: &str| {
        let found = citations(comment, &["files", "other"]).into_iter();
        found.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect::<Vec<_>>()
    };
    let all: Vec<_> = comments.iter().flat_map(|comment| cited(comment)).collect();
    let expected = [("files", ", \"Leaves\" and annex A.6"), ("other", ""), ("other", "")];
    assert_eq!(all, expected.map(|(name, rest)| (name.to_owned(), rest.to_owned())));
    assert_eq!(places(&all[0].1), (vec!["Leaves"], vec!["A.6"]));
}
