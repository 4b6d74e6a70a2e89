//! Journals that are changed by hand, with right sums.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where the header of a journal has the device and the inode of the file.
const IDENTITY: std::ops::Range<usize> = 40..56;
/// Length of the header, in bytes: the CRC of the others is in the last four.
const HEADER: usize = 512;

/// Puts the right CRC behind a changed header.
pub(crate) fn seal(journal: &mut [u8]) {
    let crc = crc32fast::hash(&journal[..HEADER - 4]);
    journal[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
}

/// Makes the journal beside a file, if there is one, that of the file which stands there.
pub(crate) fn beside_its_file(path: &Path) {
    let name = bdbkit::journal::name(path);
    let Ok(mut journal) = fs::read(&name) else { return };
    if journal.len() < HEADER || !journal.starts_with(b"BDBKJRN") {
        return;
    }
    let file = fs::metadata(path).unwrap();
    journal[IDENTITY].copy_from_slice(&[file.dev().to_le_bytes(), file.ino().to_le_bytes()].concat());
    seal(&mut journal);
    fs::write(&name, journal).unwrap();
}
