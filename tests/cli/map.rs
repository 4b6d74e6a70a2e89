//! `bdbkit map`: in the terminal, and as a page of HTML in a real browser.

use std::fs;
use std::path::Path;

use crate::browser::{Browser, Missing};
use crate::common::{data, testdata};
use crate::tool::{code, err, file, out, run, tool};

fn text(case: &str, more: &[&str]) -> String {
    let output = tool().env("COLUMNS", "60").args(["map", &file(case)]).args(more).output().unwrap();
    out(&output)
}

/// The signs of all pages.
fn signs(text: &str) -> String {
    let lines = text.lines().skip(1).take_while(|line| !line.is_empty());
    lines.map(|line| &line[11..]).collect()
}

#[test]
fn each_page_is_a_character() {
    let shown = text("btree-v9-le-subdbs", &[]);
    assert_eq!(signs(&shown), "MLMILLLLLLLLMIILLLRRLMIRRMHHMHHLMLOOOOOO", "{shown}");
    assert!(shown.contains("  O  overflow\n") && shown.contains("6 databases"), "{shown}");
    let owners = text("btree-v9-le-subdbs", &["--owners"]);
    assert_eq!(signs(&owners), "aaggggggggggbbbbbbbbbeeeecccdccdffffffff", "{owners}");
    assert!(owners.contains("  a  the list of databases\n") && owners.contains("  c  hashed\n"), "{owners}");
    let queue = text("queue-v3-le-few", &[]);
    assert!(signs(&queue).starts_with("MQ"), "{queue}");
    let old = text("old-btree-1234-512-dup", &[]);
    assert!(signs(&old).starts_with("M") && signs(&old).contains('L'), "{old}");
}

#[test]
fn pages_are_free_or_belong_to_somebody() {
    for case in ["btree-v9-le-deleted", "btree-v6-be-levels", "hash-v9-le-buckets", "hash-v5-le-dups-offpage"]
    {
        let shown = text(case, &[]);
        assert!(!shown.contains("nothing leads to"), "{case}: {shown}");
    }
    let free = text("btree-v9-le-deleted", &[]);
    assert!(free.contains("on the free list") && signs(&free).contains('.'), "{free}");
}

#[test]
fn damage_is_seen_and_ends_with_1() {
    let output = run(&["map", &file("damage-v9-le-garbage")]);
    assert_eq!(code(&output), 1);
    assert_eq!(signs(&out(&output)), "MILLL!LLLL");
    assert!(out(&output).contains("damaged: 1 page"));
    assert_eq!(code(&run(&["map", &file("btree-v9-le-levels")])), 0);
}

#[test]
fn large_files_are_folded() {
    let output = tool().env("COLUMNS", "20").args(["map", &file("hash-v9-le-buckets")]).output().unwrap();
    let shown = out(&output);
    let lines = shown.lines().skip(1).take_while(|line| !line.is_empty()).count();
    assert!(lines <= 60 && !shown.contains("stands for"), "{shown}");
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = data("btree-v9-le-levels");
    bytes.resize(4000 * 512, 0);
    let path = folder.path().join("x.db");
    fs::write(&path, bytes).unwrap();
    let output = tool().env("COLUMNS", "20").arg("map").arg(&path).output().unwrap();
    let shown = out(&output);
    let lines = shown.lines().skip(1).take_while(|line| !line.is_empty()).count();
    assert!(lines <= 60 && shown.contains("stands for"), "{shown}");
}

fn html(arguments: &[&str], folder: &Path) -> String {
    let to = folder.join("map.html");
    let output = run(&[&["map", "-o", to.to_str().unwrap()], arguments].concat());
    assert!(code(&output) < 2, "{}", err(&output));
    fs::read_to_string(to).unwrap()
}

/// The page needs no other, and nothing that a file says is markup.
#[test]
fn the_page_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let page = html(&[&file("btree-v9-le-subdbs")], folder.path());
    for outside in ["src=", "href=", "http:", "https:", "url(", "import", "fetch(", "innerHTML"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let evil = folder.path().join("<script>alert(1)<\u{2f}script>".replace('/', ":"));
    fs::write(&evil, data("btree-v9-le-levels")).unwrap();
    let page = html(&[evil.to_str().unwrap()], folder.path());
    assert_eq!(page.matches("<script").count(), 2, "the data and the script");
    assert!(page.contains(r"\u003cscript>alert(1)"));
}

/// One start of a browser: a page is clicked, its header read, a link followed, a finding found.
#[test]
fn a_browser_shows_pages_and_findings() {
    let folder = tempfile::tempdir().unwrap();
    html(&[&file("damage-v9-le-garbage"), "--log", env_log().to_str().unwrap()], folder.path());
    let browser = match Browser::start(&folder.path().join("profile")) {
        Ok(browser) => browser,
        Err(Missing(why)) => {
            assert!(std::env::var_os("BDBKIT_DEMAND_BROWSER").is_none(), "{why}");
            return println!("skipped: {why}");
        }
    };
    browser.open(&folder.path().join("map.html"));
    assert_eq!(browser.evaluate("return document.querySelectorAll('#findings-list li').length > 0"), true);
    // A click into the middle of the square of page 1, the root.
    let place = browser.evaluate(
        "const box = document.getElementById('cells').getBoundingClientRect();
         return [Math.round(box.left + (1 % columns) * cell + cell / 2), Math.round(box.top + cell / 2)]",
    );
    browser.click_at(place[0].as_i64().unwrap(), place[1].as_i64().unwrap());
    assert_eq!(browser.text("#title"), "Page 1: btree internal");
    let details = browser.text("#body");
    assert!(
        details.contains("entries") && details.contains("hf_offset") && details.contains("0000"),
        "{details}"
    );
    assert!(details.contains("child"), "{details}");
    // The link of its first child.
    browser.click("#body .link");
    assert!(browser.text("#title").ends_with("btree leaf"), "{}", browser.text("#title"));
    // From the keyboard: the page behind it, the details, the next finding.
    let before = browser.evaluate("return selected").as_i64().unwrap();
    browser.keys("#cells", "\u{e014}");
    assert_eq!(browser.evaluate("return selected"), before + 1);
    browser.keys("#cells", "\u{e007}");
    assert_eq!(browser.evaluate("return document.activeElement.id"), "title");
    browser.keys("#cells", "n");
    browser.click("#next-finding");
    assert_eq!(browser.evaluate("return (flagsOf(selected) & DAMAGED) !== 0"), true);
    assert!(browser.text("#body").contains("Findings"));
    browser.click("#findings-list .link");
    assert!(browser.text("#title").starts_with("Page "), "{}", browser.text("#title"));
    // The table has all of it in words, and nothing went wrong.
    browser.click("#table summary");
    assert_eq!(browser.evaluate("return document.querySelectorAll('#rows tr').length"), 10);
    assert_eq!(
        browser.evaluate("document.getElementById('by').value = 'state'; legend(); draw(); return true"),
        true
    );
    if let Some(to) = std::env::var_os("BDBKIT_SCREENSHOT") {
        browser.evaluate(
            "document.getElementById('by').value = 'kind'; legend(); draw(); scrollTo(0, 0); return 0",
        );
        fs::write(to, browser.screenshot()).unwrap();
    }
    assert_eq!(browser.errors(), Vec::<String>::new());
}

fn env_log() -> std::path::PathBuf {
    testdata().join("env-log8-be-logs")
}
