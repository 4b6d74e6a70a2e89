//! Images in which every sector looks like a page, or like the start of a file.

use std::io::Cursor;
use std::time::{Duration, Instant};

use bdbkit::carve::Carve;

use crate::common::data;
use crate::counting::peak_of;

const SECTOR: usize = 512;

/// An image of so many sectors, each made of its number.
fn image(sectors: usize, sector: impl Fn(u32, &mut [u8])) -> Vec<u8> {
    let mut image = vec![0; sectors * SECTOR];
    (0..).zip(image.chunks_mut(SECTOR)).for_each(|(number, bytes)| sector(number, bytes));
    image
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

/// A leaf of pages of any size, that says that it is page `number`.
fn leaf(bytes: &mut [u8], number: u32) {
    put(bytes, 8, number);
    // Two entries from byte 400 on; no item ends a page.
    bytes[20..26].copy_from_slice(&[2, 0, 0x90, 1, 1, 5]);
    bytes[26..30].copy_from_slice(&[0x90, 1, 0x94, 1]);
}

/// Memory is bounded by the length of the image, and time is not quadratic in it.
#[track_caller]
fn is_bounded(name: &str, sector: impl Fn(u32, &mut [u8])) {
    for sectors in [4 << 10, 16 << 10] {
        let image = image(sectors, &sector);
        let start = Instant::now();
        let peak = peak_of(|| {
            let carved = Carve::new().run(&mut Cursor::new(&image[..])).unwrap();
            let long = carved.files().iter().any(|file| file.len() > image.len() as u64);
            assert!(!long && carved.len() == image.len() as u64, "{name}");
        });
        println!("{name}: {peak} bytes for {}, {:?}", image.len(), start.elapsed());
        let limit = Carve::MEMORY * image.len() + (2 << 20);
        assert!(peak <= limit, "{name}: {peak} bytes for an image of {}", image.len());
        assert!(start.elapsed() < Duration::from_secs(60), "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn sectors_that_lie_take_memory_in_proportion_to_the_image() {
    let head = &data("btree-v8-le-levels")[..SECTOR];
    let log = crate::common::read(crate::common::testdata().join("env-log3-le-logs/log.0000000001"));
    is_bounded("page n", |number, bytes| leaf(bytes, number + 1));
    is_bounded("all page 7", |_, bytes| leaf(bytes, 7));
    is_bounded("any page", |number, bytes| leaf(bytes, number.wrapping_mul(2_654_435_761) | 1));
    is_bounded("first pages", |_, bytes| bytes.copy_from_slice(head));
    is_bounded("first pages of large ones", |number, bytes| {
        bytes.copy_from_slice(head);
        put(bytes, 20, 512 << (number % 8));
        put(bytes, 32, u32::MAX);
    });
    is_bounded("first pages and others", |number, bytes| match number % 2 {
        0 => bytes.copy_from_slice(head),
        _ => leaf(bytes, 1 + number % 5),
    });
    is_bounded("logs", |_, bytes| bytes[..28].copy_from_slice(&log[..28]));
    is_bounded("1.x", |_, bytes| {
        for (at, number) in [(0, 0x53162), (4, 3), (8, 514)] {
            put(bytes, at, number);
        }
    });
    is_bounded("records of a queue", |number, bytes| {
        put(bytes, 8, 1 + number);
        bytes[25] = 11;
    });
}
