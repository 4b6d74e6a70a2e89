//! The tool by the name of a genuine program: `db_dump`, `db5.3_dump` and the others take the options of
//! these programs, write what they write to standard output, and end as they do.

mod options;
mod time;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bdbkit::ShowName;
use bdbkit::verify::Severity;
use clap::Parser;

use crate::failure::{Failure, Outcome, about, call, complain};
use crate::files::refused;
use crate::input::{in_home, options as opening, real};
use crate::{Arguments, Command, dump, load, log, recover, reset, upgrade};
use options::Given;

/// A genuine program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Dump,
    Load,
    Printlog,
    Recover,
    Upgrade,
    Verify,
}

/// Does what a genuine program does, if the tool is called by the name of one.
pub(crate) fn run() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let path = PathBuf::from(words.next()?);
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let program = Program::of(name)?;
    call(name);
    Some(program.run(name, words).into())
}

impl Program {
    /// By its name, with or without a release: `db_dump`, `db5.3_dump`, `db51_dump`.
    fn of(name: &str) -> Option<Program> {
        let (release, job) = name.strip_prefix("db")?.split_once('_')?;
        if !release.chars().all(|c| c.is_ascii_digit() || c == '.') {
            return None;
        }
        Some(match job {
            "dump" => Program::Dump,
            "load" => Program::Load,
            "printlog" => Program::Printlog,
            "recover" => Program::Recover,
            "upgrade" => Program::Upgrade,
            "verify" => Program::Verify,
            _ => return None,
        })
    }

    /// The letters of its options; behind those that take a value stands a colon.
    fn letters(self) -> &'static str {
        match self {
            Program::Dump => "d:f:h:klm:NpP:rRs:V",
            Program::Load => "c:f:h:nP:r:Tt:V",
            Program::Printlog => "b:e:h:NP:rV",
            Program::Recover => "cefh:P:t:Vv",
            Program::Upgrade => "h:NP:sVv",
            Program::Verify => "h:NoP:qV",
        }
    }

    fn usage(self, name: &str) -> String {
        match self {
            Program::Dump => format!(
                "usage: {name} [-klNprRV]\n\t[-d ahr] [-f output] [-h home] [-P password] [-s database] db_file\n\
                 usage: {name} [-kNpV] [-d ahr] [-f output] [-h home] -m database"
            ),
            Program::Load => format!(
                "usage: {name} [-nTV] [-c name=value] [-f file]\n\t[-h home] [-P password] [-t btree | hash | recno | queue] db_file\n\
                 usage: {name} -r lsn | fileid [-h home] [-P password] db_file"
            ),
            Program::Printlog => {
                format!("usage: {name} [-NrV] [-b file/offset] [-e file/offset] [-h home] [-P password]")
            }
            Program::Recover => {
                format!("usage: {name} [-cefVv] [-h home] [-P password] [-t [[CC]YY]MMDDhhmm[.SS]]")
            }
            Program::Upgrade => format!("usage: {name} [-NsVv] [-h home] [-P password] db_file ..."),
            Program::Verify => format!("usage: {name} [-NoqV] [-h home] [-P password] db_file ..."),
        }
    }

    /// How it ends when something went wrong: of `db_load`, 1 is for keys that were there.
    fn failed(self) -> u8 {
        if self == Program::Load { 2 } else { 1 }
    }

    fn run(self, name: &str, words: impl Iterator<Item = OsString>) -> u8 {
        let wrong = |why: Option<String>| {
            why.iter().for_each(complain);
            eprintln!("{}", self.usage(name));
            self.failed()
        };
        let given = match Given::of(self.letters(), words) {
            Ok(given) => given,
            Err(why) => return wrong(Some(why)),
        };
        if given.has('V') {
            println!("bdbkit {}", env!("CARGO_PKG_VERSION"));
            return 0;
        }
        let operands = given.operands.len();
        let fits = match self {
            Program::Dump => operands == usize::from(!given.has('m')),
            Program::Load => operands == 1,
            Program::Printlog | Program::Recover => operands == 0,
            Program::Upgrade | Program::Verify => operands > 0,
        };
        if !fits {
            return wrong(None);
        }
        let done = match self {
            Program::Dump => self.dump(&given),
            Program::Load => self.load(&given),
            Program::Printlog => self.printlog(&given),
            Program::Recover => self.recover(&given),
            Program::Upgrade => self.upgrade(name, &given),
            Program::Verify => verify(&given),
        };
        match done {
            Ok(Some(outcome)) => self.end(outcome),
            Ok(None) => wrong(None),
            Err(failure) => self.end(Err(failure)),
        }
    }

    /// The exit code.
    fn end(self, outcome: Result<Outcome, Failure>) -> u8 {
        match outcome {
            Ok(Outcome::Complete) | Err(Failure::Closed) => 0,
            Ok(_) => 1,
            Err(failure) => {
                Outcome::tell(failure);
                self.failed()
            }
        }
    }

    /// What the tool makes of words of its own; `None`, if it cannot understand them.
    fn parsed(self, words: impl IntoIterator<Item = OsString>) -> Option<Command> {
        let words = std::iter::once(OsString::from("bdbkit")).chain(words);
        let Arguments { opening, command, .. } = Arguments::try_parse_from(words).ok()?;
        opening.set();
        Some(command)
    }

    fn dump(self, given: &Given) -> Done {
        if given.has('k') && (given.has('r') || given.has('R')) {
            let text = "the -k and -r or -R options may not both be specified";
            return Err(Failure::Usage(text.into()));
        }
        let Some(Command::Dump(arguments)) = self.parsed(given.words("dump")) else { return Ok(None) };
        Ok(Some(dump::run(&arguments)))
    }

    fn load(self, given: &Given) -> Done {
        let reset = match given.value('r').map(|what| what.to_str()) {
            None => {
                if given.has('T') && !given.has('t') {
                    return Err(Failure::Usage("no database type specified".into()));
                }
                let Some(Command::Load(arguments)) = self.parsed(given.words("load")) else {
                    return Ok(None);
                };
                return Ok(Some(load::run(&arguments)));
            }
            Some(Some("lsn")) => "reset-lsn",
            Some(Some("fileid")) => "reset-fileid",
            Some(_) => return Ok(None),
        };
        let words = [reset.into(), "--".into()].into_iter().chain(given.files().map(OsString::from));
        Ok(match self.parsed(words) {
            Some(Command::ResetLsn(arguments)) => Some(reset::lsn(&arguments, &mut io::sink())),
            Some(Command::ResetFileId(arguments)) => Some(reset::file_ids(&arguments, &mut io::sink())),
            _ => None,
        })
    }

    fn printlog(self, given: &Given) -> Done {
        let here = (given.home().is_none()).then(|| ["-h".into(), ".".into()]);
        let words = given.words("print").chain(here.into_iter().flatten());
        let words = std::iter::once("log".into()).chain(words.filter(|word| word != "--"));
        let Some(Command::Log(arguments)) = self.parsed(words) else { return Ok(None) };
        Ok(Some(log::run(&arguments)))
    }

    fn recover(self, given: &Given) -> Done {
        let mut words: Vec<OsString> = vec!["recover".into()];
        words.extend(given.has('c').then(|| "-c".into()));
        for (letter, option) in [('P', "-P"), ('t', "--until")] {
            let Some(value) = given.value(letter) else { continue };
            let value = match letter {
                't' => time::read(value).map(OsString::from),
                _ => Some(value.to_owned()),
            };
            let Some(value) = value else {
                let text = "out of range or illegal time specification: [[CC]YY]MMDDhhmm[.SS]";
                return Err(Failure::Usage(text.into()));
            };
            words.extend([option.into(), value]);
        }
        words.extend(["--".into(), given.home().unwrap_or(".".into())]);
        let Some(Command::Recover(arguments)) = self.parsed(words) else { return Ok(None) };
        if given.has('e') {
            complain("note: -e: region files are not made; the next program that opens the environment does");
        }
        Ok(Some(match given.has('v') {
            true => recover::run(&arguments, &mut io::stdout().lock()),
            false => recover::run(&arguments, &mut io::sink()),
        }))
    }

    /// File by file: what one is refused for is nothing to the others.
    fn upgrade(self, name: &str, given: &Given) -> Done {
        let mut all = Outcome::Complete;
        for file in &given.operands {
            let one = given.options().filter(|word| word != "-v");
            let words = std::iter::once("upgrade".into()).chain(one).chain(["--".into(), file.clone()]);
            let Some(Command::Upgrade(arguments)) = self.parsed(words) else { return Ok(None) };
            match upgrade::run(&arguments, &mut io::sink()) {
                Ok(Outcome::Complete) if given.has('v') => {
                    let text = format!("BDB5019 {name}: {} upgraded successfully", file.shown());
                    writeln!(io::stdout(), "{text}").map_err(Failure::from)?;
                }
                Ok(outcome) => all = all.and(outcome),
                Err(failure) => {
                    Outcome::tell(failure);
                    all = Outcome::Incomplete;
                }
            }
        }
        Ok(Some(Ok(all)))
    }
}

/// What came of it; `None`, if the options do not fit together.
type Done = Result<Option<Result<Outcome, Failure>>, Failure>;

/// What is damage is told on standard error, and what came of each file on standard output.
fn verify(given: &Given) -> Done {
    let mut all = Outcome::Complete;
    given.set_password()?;
    let home = given.home().map(PathBuf::from);
    for file in given.files() {
        let path = in_home(home.as_deref(), file);
        let sound = match is_sound(&path, !given.has('o')) {
            Ok(sound) => sound,
            Err(failure) => {
                Outcome::tell(failure);
                false
            }
        };
        if !given.has('q') {
            let became = if sound { "succeeded" } else { "failed" };
            writeln!(io::stdout(), "BDB5105 Verification of {} {became}.", file.shown())
                .map_err(Failure::from)?;
        }
        all = all.and(Outcome::complete_if(sound));
    }
    Ok(Some(Ok(all)))
}

fn is_sound(path: &Path, order: bool) -> Result<bool, Failure> {
    let verify = opening(real(path)).verify(real(path)).map_err(|error| Failure::about(path, &error))?;
    if let Some(error) = verify.refusal() {
        return Err(refused(path, error));
    }
    let verdict = verify.check_order(order).run();
    for finding in verdict.findings().iter().filter(|finding| finding.severity == Severity::Error) {
        complain(about(path, finding));
    }
    Ok(verdict.complete() && verdict.worst() < Some(Severity::Error))
}
