//! Paths in commands, as a shell takes them.

use std::fmt::Write;
use std::path::Path;

#[allow(clippy::disallowed_methods)] // quoted below
/// A path as one word of a shell: as it is if nothing in it is special.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    if !text.chars().any(|c| c.is_control() || c == '\\') {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // A string takes everything.
                    let _ = write!(quoted, "\\{byte:03o}");
                }
            }
            _ => quoted.push(c),
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
            ("/a\nb'\u{1b}", r"$'/a\012b\'\033'"),
        ];
        for (path, word) in cases {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }
}
