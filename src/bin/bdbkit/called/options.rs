//! The words of a command line, as `getopt` takes them apart.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::failure::Failure;
use crate::password;

/// Options in their order, and what else there is.
#[derive(Debug, Default)]
pub(super) struct Given {
    options: Vec<(char, Option<OsString>)>,
    pub(super) operands: Vec<OsString>,
}

impl Given {
    /// Takes words apart: options of one letter, together or alone, with their values behind them or in
    /// the next word; up to `--`, and wherever they stand.
    ///
    /// # Errors
    ///
    /// What is said of a letter that is no option, or that lacks its value.
    pub(super) fn of(letters: &str, mut words: impl Iterator<Item = OsString>) -> Result<Given, String> {
        let mut given = Given::default();
        while let Some(word) = words.next() {
            let cluster =
                word.to_str().and_then(|text| text.strip_prefix('-')).filter(|text| !text.is_empty());
            match cluster {
                Some("-") => given.operands.extend(words.by_ref()),
                Some(cluster) => given.cluster(letters, cluster, &mut words)?,
                None => given.operands.push(word),
            }
        }
        Ok(given)
    }

    fn cluster(
        &mut self,
        letters: &str,
        cluster: &str,
        words: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), String> {
        let mut rest = cluster.chars();
        while let Some(letter) = rest.next() {
            let known = letters.split_once(letter).filter(|_| letter != ':');
            let Some((_, behind)) = known else { return Err(format!("invalid option -- '{letter}'")) };
            if !behind.starts_with(':') {
                self.options.push((letter, None));
                continue;
            }
            let value = match rest.as_str() {
                "" => words.next().ok_or_else(|| format!("option requires an argument -- '{letter}'"))?,
                value => value.into(),
            };
            self.options.push((letter, Some(value)));
            break;
        }
        Ok(())
    }

    pub(super) fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(given, _)| *given == letter)
    }

    /// The value of an option: the last one.
    pub(super) fn value(&self, letter: char) -> Option<&OsStr> {
        self.options.iter().rev().find(|(given, _)| *given == letter)?.1.as_deref()
    }

    /// The home of the environment, if one is named, also by the variable `DB_HOME`.
    pub(super) fn home(&self) -> Option<OsString> {
        let variable = || std::env::var_os("DB_HOME").filter(|home| !home.is_empty());
        self.value('h').map(OsStr::to_owned).or_else(variable)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.operands.iter().map(Path::new)
    }

    /// The options as words, each on its own; a home that only the variable names is one of them.
    pub(super) fn options(&self) -> impl Iterator<Item = OsString> + '_ {
        let home = self.home().filter(|_| !self.has('h'));
        let home = home.into_iter().flat_map(|home| ["-h".into(), home]);
        let word = |(letter, value): &(char, Option<OsString>)| {
            std::iter::once(OsString::from(format!("-{letter}"))).chain(value.clone())
        };
        self.options.iter().flat_map(word).chain(home)
    }

    /// A command of the tool with these options and operands.
    pub(super) fn words(&self, command: &str) -> impl Iterator<Item = OsString> + '_ {
        let command = std::iter::once(OsString::from(command));
        command.chain(self.options()).chain(["--".into()]).chain(self.operands.iter().cloned())
    }

    /// Sets the password, before any file is opened.
    pub(super) fn set_password(&self) -> Result<(), Failure> {
        let password = self.value('P').map(|password| {
            password.to_str().map(str::to_owned).ok_or(Failure::Usage("the password is not UTF-8".into()))
        });
        password::set(password.transpose()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(letters: &str, words: &str) -> Result<(String, String), String> {
        let given = Given::of(letters, words.split_whitespace().map(OsString::from))?;
        let all = |words: Vec<OsString>| {
            words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        let options = given.options.iter().flat_map(|(letter, value)| {
            std::iter::once(OsString::from(format!("-{letter}"))).chain(value.clone())
        });
        Ok((all(options.collect()), all(given.operands)))
    }

    #[test]
    fn options_stand_together_or_alone_and_with_their_values() {
        let ok = |options: &str, operands: &str| Ok((options.to_owned(), operands.to_owned()));
        assert_eq!(given("f:kp", "-kpfout x.db"), ok("-k -p -f out", "x.db"));
        assert_eq!(given("f:kp", "x.db -f out -k"), ok("-f out -k", "x.db"));
        assert_eq!(given("f:kp", "-k -- -p"), ok("-k", "-p"));
        assert_eq!(given("f:kp", "- -k"), ok("-k", "-"));
        assert_eq!(given("f:kp", "-f"), Err("option requires an argument -- 'f'".into()));
        assert_eq!(given("f:kp", "-kx"), Err("invalid option -- 'x'".into()));
        assert_eq!(given("f:kp", "-:"), Err("invalid option -- ':'".into()));
    }
}
