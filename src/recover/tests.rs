use std::fs;
use std::path::Path;

use super::passes::{Passes, Wanted};
use crate::env::Layout;
use crate::log::LogDir;

#[test]
fn corpus() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let root = Path::new("/work/shared/corpus");
    let mut cases: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("env-") || !name.contains(&only) || name.contains("encrypted") || !case.join("recovered").is_dir() {
            continue;
        }
        let layout = Layout::of(&case);
        let dir = match LogDir::open(&layout.logs().path) {
            Ok(dir) => dir,
            Err(error) => {
                println!("{name}: {error}");
                continue;
            }
        };
        let passes = Passes::new(&dir, &layout, Wanted { strict: true, catastrophic: false });
        let (world, report) = match passes.and_then(Passes::run) {
            Ok(done) => done,
            Err(error) => {
                println!("{name}: FAILED {error}");
                continue;
            }
        };
        let mut wrong = Vec::new();
        for (path, of) in &report.files {
            if let Some(why) = &of.stopped {
                wrong.push(format!("{}: stopped: {why}", path.display()));
            }
        }
        let mut expected = Vec::new();
        find(&case.join("recovered"), &case.join("recovered"), &mut expected);
        for (path, genuine) in &expected {
            let index = world.indices().find(|&index| world.is_there(index) && world.get(index).unwrap().name == *path);
            let ours = match index.and_then(|index| world.get(index)) {
                Some(file) => file.whole(),
                None if path.to_str().unwrap().starts_with("__dbq.") => {
                    let text = path.to_str().unwrap();
                    let (main, number) = text["__dbq.".len()..].rsplit_once('.').unwrap();
                    let main = world.indices().find(|&index| world.get(index).unwrap().name == Path::new(main)).unwrap();
                    let file = world.get(main).unwrap();
                    let number: u32 = number.parse().unwrap();
                    let found = file.extents();
                    match found.get(&number) {
                        Some(&pages) => file.extent(number, pages),
                        None => { wrong.push(format!("{text}: not there")); continue; }
                    }
                }
                None => match layout.find(path) {
                    Some(disk) => fs::read(disk).unwrap(),
                    None => {
                        wrong.push(format!("{}: not made", path.display()));
                        continue;
                    }
                },
            };
            if let Some(why) = compare(&ours, genuine) {
                wrong.push(format!("{}: {why}", path.display()));
            }
        }
        for index in world.indices().filter(|&index| world.is_there(index)) {
            let file = world.get(index).unwrap();
            if !expected.iter().any(|(path, _)| *path == file.name) {
                wrong.push(format!("{}: too many", file.name.display()));
            }
        }
        let say = if wrong.is_empty() { "equal".to_owned() } else { format!("WRONG\n    {}", wrong.join("\n    ")) };
        println!("{name}: {} records, {say}", report.records);
        if std::env::var("NOTES").is_ok() { println!("{report:#?}"); }
    }
}

fn find(root: &Path, folder: &Path, found: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(root, &path, found);
        } else if !path.to_str().unwrap().ends_with(".txt") && !path.file_name().unwrap().to_str().unwrap().starts_with("log.") {
            let bytes = fs::read(&path).unwrap();
            found.push((path.strip_prefix(root).unwrap().to_owned(), bytes));
        }
    }
}

fn compare(ours: &[u8], genuine: &[u8]) -> Option<String> {
    let Some(head) = super::target::Head::of(genuine) else {
        return (ours != genuine).then(|| "differs".to_owned());
    };
    let size = head.size.bytes();
    if ours.len() != genuine.len() {
        return Some(format!("{} pages, not {}; {}", ours.len() / size, genuine.len() / size, pages(ours, genuine, &head).unwrap_or_default()));
    }
    pages(ours, genuine, &head)
}

fn pages(ours: &[u8], genuine: &[u8], head: &super::target::Head) -> Option<String> {
    let size = head.size.bytes();
    let mut wrong = Vec::new();
    for (no, (a, b)) in ours.chunks(size).zip(genuine.chunks(size)).enumerate() {
        let (kind, order) = (b[25], head.order);
        let entries = usize::from(order.u16_at(b, 20).unwrap());
        let area = usize::from(order.u16_at(b, 22).unwrap());
        let area = if area == 0 { size } else { area };
        let skip = |range: std::ops::Range<usize>| {
            let mut copy = (a.to_vec(), b.to_vec());
            for at in range.filter(|&at| at < size) {
                copy.0[at] = 0;
                copy.1[at] = 0;
            }
            if head.index == 32 && no > 0 {
                for at in 26..28 { copy.0[at] = 0; copy.1[at] = 0; }
                for at in 28..32 { copy.0[at] = 0; copy.1[at] = 0; }
            }
            if head.index == 32 && no == 0 {
                for at in 492..496 { copy.0[at] = 0; copy.1[at] = 0; }
            }
            copy
        };
        let (mut x, mut y) = match kind {
            7 => skip(head.index + area..size),
            0 => skip(head.index..size),
            3 | 4 | 5 | 6 | 12 | 2 | 13 | 1 => skip(head.index + 2 * entries..area),
            _ => skip(0..0),
        };
        if matches!(kind, 5 | 6 | 12 | 3 | 1) && x[..head.index] == y[..head.index] {
            // padding
            for slot in 0..entries {
                let at = usize::from(order.u16_at(b, head.index + 2 * slot).unwrap());
                if at + 3 > size { continue }
                let len = usize::from(order.u16_at(b, at).unwrap());
                if b[at + 2] & 0x7f == 1 {
                    let head_len = if kind == 3 { 12 } else { 3 };
                    let end = at + head_len + len;
                    for pad in end..((end + 3) & !3).min(size) { x[pad] = 0; y[pad] = 0; }
                    if kind == 3 { x[at + 3] = 0; y[at + 3] = 0; }
                } else {
                    for pad in [at, at + 1, at + 3] { x[pad] = 0; y[pad] = 0; }
                    if kind != 3 && b[at + 2] & 0x7f == 2 { for pad in at + 8..at + 12 { x[pad] = 0; y[pad] = 0; } }
                }
            }
        }
        if x != y {
            let at = x.iter().zip(&y).position(|(x, y)| x != y).unwrap();
            let lsn = |page: &[u8]| (order.u32_at(page, 0).unwrap(), order.u32_at(page, 4).unwrap());
            wrong.push(format!("page {no} type {kind} byte {at}: {:02x?} not {:02x?}, lsn {:?} not {:?}", &x[at..(at+6).min(size)], &y[at..(at + 6).min(size)], lsn(a), lsn(b)));
        }
    }
    (!wrong.is_empty()).then(|| wrong.into_iter().take(3).collect::<Vec<_>>().join("; "))
}
