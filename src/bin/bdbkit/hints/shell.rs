//! Paths in commands, as a shell takes them.

use std::fmt::Write;
use std::path::Path;

use bdbkit::ShowName;

/// A path as one word of a shell: as it is if nothing in it is special. A name that moves a
/// cursor, turns text round or is no text is written as `$'…'`, byte for byte.
pub(super) fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let text = path.to_str().filter(|text| path.shown().to_string() == *text);
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    match text {
        // A name that begins with a hyphen would be an option.
        Some(text) if text.starts_with('-') => quoted(&Path::new(".").join(text)),
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) => format!("'{}'", text.replace('\'', r"'\''")),
        None => octal(bytes),
    }
}

fn octal(bytes: &[u8]) -> String {
    let start = if bytes.starts_with(b"-") { "$'./" } else { "$'" };
    let mut quoted = String::from(start);
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => quoted.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => quoted.push(char::from(*byte)),
            _ => {
                // A string takes everything.
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_path_as_one_word() {
        let cases = [
            ("/var/opt/store/mboxlist", "/var/opt/store/mboxlist"),
            ("/a b/c", "'/a b/c'"),
            ("/it's", r"'/it'\''s'"),
            ("/$(x);", "'/$(x);'"),
            ("", "''"),
            ("-rf", "./-rf"),
            ("/a\nb'\u{1b}", r"$'/a\012b\'\033'"),
            ("/a\u{202e}b", r"$'/a\342\200\256b'"),
            ("-\n", r"$'./-\012'"),
        ];
        for (path, word) in cases {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_not_lost() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"/a\xff\xfe");
        assert_eq!(quoted(Path::new(name)), r"$'/a\377\376'");
    }
}
