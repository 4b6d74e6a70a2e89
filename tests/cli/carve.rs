//! `bdbkit carve` as its users meet it.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::{data, hex, read, testdata};
use crate::tool::{code, err, out, run};

/// An image of a whole file, one with a hole, one without its first page, one that is encrypted, and a
/// log, with other bytes between.
fn image(folder: &Path) -> String {
    let log = read(testdata().join("env-log8-be-logs/log.0000000001"));
    let (whole, holes, loose) =
        (data("btree-v6-be-levels"), data("btree-v9-le-levels"), data("hash-v9-le-buckets"));
    let parts: [&[u8]; 7] = [
        &whole,
        &holes[..3 * 512],
        &[0x77; 1024],
        &holes[4 * 512..],
        &loose[10 * 512..40 * 512],
        &data("btree-v9-be-encrypted"),
        &log,
    ];
    let mut image = vec![0x55; 1536];
    for part in parts {
        image.extend(part);
        image.resize(image.len().next_multiple_of(512) + 512, 0x55);
    }
    let path = folder.join("disk.img");
    fs::write(&path, image).unwrap();
    path.to_str().unwrap().to_owned()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn files_are_written_checked_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path());
    let to = folder.path().join("found");
    let output = run(&["carve", "--json", "-o", to.to_str().unwrap(), &image]);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let lines = lines(&out(&output));
    let (summary, files) = lines.split_last().unwrap();
    let verdicts: Vec<_> = files.iter().map(|file| file["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["whole", "holes", "pages", "unchecked", "log"], "{files:#?}");
    assert_eq!((&summary["files_found"], &summary["whole"]), (&5.into(), &1.into()));
    for file in files {
        let bytes = read(file["file"].as_str().unwrap());
        assert_eq!(file["size"], bytes.len());
        let sum = String::from_utf8(hex(&Sha256::digest(&bytes))).unwrap();
        assert_eq!(file["sha256"], sum);
    }
    assert_eq!(
        files[0]["sha256"],
        String::from_utf8(hex(&Sha256::digest(data("btree-v6-be-levels")))).unwrap()
    );
    assert_eq!(files[1]["missing_pages"], serde_json::json!([{"first_page": 3, "last_page": 3}]));
    let command = files[1]["salvage"].as_str().unwrap();
    let salvaged = run(&command.split(' ').skip(1).collect::<Vec<_>>());
    assert!(out(&salvaged).ends_with("DATA=END\n"), "{command}: {}", err(&salvaged));
    let command = files[2]["salvage"].as_str().unwrap();
    assert!(command.contains("--page-size 512 --little-endian"), "{command}");
    let salvaged = run(&command.split(' ').skip(1).collect::<Vec<_>>());
    assert!(out(&salvaged).lines().count() > 50, "{command}: {}", err(&salvaged));

    // A second time nothing is written over.
    let again = run(&["carve", "-o", to.to_str().unwrap(), &image]);
    assert_eq!(code(&again), 4, "{}", err(&again));
    assert!(err(&again).contains("is not empty"));
    // The same is told when nothing is written; names are those that files would have.
    let checked = run(&["carve", "--json", "--check", &image]);
    let told = self::lines(&out(&checked));
    for (one, other) in told.iter().zip(&lines) {
        let name =
            |line: &Value| line["file"].as_str().map(|name| name.rsplit('/').next().unwrap().to_owned());
        assert_eq!(name(one), name(other));
        for key in ["verdict", "sha256", "pieces", "errors", "files_found"] {
            assert_eq!(one[key], other[key], "{key}");
        }
    }
    let password = run(&["carve", "--json", "--check", "-P", "corpus-password", &image]);
    assert_eq!(self::lines(&out(&password))[3]["verdict"], "whole", "{}", err(&password));
    let text = out(&run(&["carve", "--check", &image]));
    assert!(
        text.contains("btree 6, big-endian, pages of 512 bytes") && text.contains("1 missing (3)"),
        "{text}"
    );
}

#[test]
fn an_image_of_whole_files_ends_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.img");
    fs::write(&path, [data("btree-v9-le-levels"), data("hash-v9-le-buckets")].concat()).unwrap();
    let to = folder.path().join("to");
    fs::create_dir(&to).unwrap();
    let output = run(&["carve".as_ref(), "-o".as_ref(), to.as_os_str(), path.as_os_str()]);
    assert_eq!((code(&output), err(&output)), (0, String::new()), "{}", out(&output));
    let names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn what_is_no_image_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    let output = run(&["carve", "--check", name]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("is a folder"), "{}", err(&output));
    let text = folder.path().join("notes.txt");
    fs::write(&text, "nothing here\n").unwrap();
    let output = run(&["carve", "--check", text.to_str().unwrap()]);
    assert_eq!((code(&output), err(&output).contains("no database or log file found")), (1, true));
    assert_eq!(code(&run(&["carve", "--check", "nowhere.img"])), 1);
    assert_eq!(code(&run(&["carve", text.to_str().unwrap()])), 2);
}
