//! `bdbkit load`: what `db_load` does, into a fresh file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bdbkit::build::Target;
use bdbkit::load::{Load, LoadError, Text};
use bdbkit::{Endianness, Method, ShowName};
use clap::ValueEnum;

use crate::failure::{Failure, Outcome, about, complain};
use crate::genuine::Genuine;
use crate::output::{Fresh, counted};
use crate::password::{self, Password};

/// Make a database file of the text of a dump, of any version from 6 to 9 and either byte order
///
/// The text is that of db_dump of any release, of db_dump185, of bdbkit dump or salvage, or lines of
/// pairs (-T). The options mean what they mean to db_load, which adds to a file that is there: bdbkit
/// makes a fresh one, which has its name when it is whole.
#[derive(clap::Args)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct Arguments {
    /// Read the text from a file instead of standard input
    #[arg(short = 'f', value_name = "TEXT")]
    text: Option<PathBuf>,

    /// A line of the header, whatever the text says: db_pagesize=8192, duplicates=1 …
    #[arg(short = 'c', value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,

    /// Of pairs with one key keep the first, and name how many there were; without it the last stays
    #[arg(short = 'n')]
    keep_first: bool,

    /// The access method, whatever the text says
    #[arg(short = 't', value_name = "METHOD", value_enum)]
    method: Option<Kind>,

    /// The text has no header: keys and values line by line, or only values for recno and queue
    #[arg(short = 'T', requires = "method")]
    plain: bool,

    /// The version to write: 9 for releases 4.6 to 5.3, 8 for 3.2 to 4.0, 7 for 3.0, 6 for 2.x
    #[arg(long, value_name = "VERSION", default_value_t = 9, value_parser = clap::value_parser!(u32).range(6..=9))]
    version: u32,

    /// The byte order of the machine that is to read it: big for SPARC, little for x86; without it as the
    /// text says, or native
    #[arg(long, value_name = "ORDER", value_enum)]
    byte_order: Option<Order>,

    /// Replace a file that is there
    #[arg(long)]
    overwrite: bool,

    /// Longest key or value, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    max_item: u32,

    #[command(flatten)]
    genuine: Genuine,

    #[command(flatten)]
    password: Password,

    /// Reset LSNs or file ids: see reset-lsn, reset-fileid
    #[arg(short = 'r', value_name = "lsn|fileid", hide = true)]
    reset: Option<String>,

    /// Print version
    #[arg(short = 'V', action = clap::ArgAction::Version)]
    _print_version: Option<bool>,

    /// The file to make
    file: PathBuf,
}

/// The access methods that are built.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Btree,
    Hash,
    Recno,
    Queue,
}

/// A byte order, by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    Big,
    Little,
    Native,
}

/// A setting, `NAME=VALUE`.
fn setting(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("a setting is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.reset.is_some() {
        let advice = "-r changes a file in place: bdbkit reset-lsn and bdbkit reset-fileid do it";
        return Err(Failure::Usage(advice.into()));
    }
    arguments.password.set()?;
    let path = arguments.genuine.file(&arguments.file);
    let release = Target::of(arguments.version).map_err(|error| Failure::Usage(error.to_string().into()))?;
    let load = Load::new()
        .release(release)
        .order(arguments.byte_order.map(order))
        .method(arguments.method.map(method))
        .plain(arguments.plain)
        .keep_first(arguments.keep_first)
        .password(password::known().map(str::to_owned))
        .max_item(arguments.max_item);
    let settings = arguments.settings.iter();
    let load = settings.fold(load, |load, (name, value)| load.set(name.as_str(), value.as_str()));
    let text = match arguments.text.as_deref().filter(|text| *text != Path::new("-")) {
        Some(name) => {
            let kind = fs::metadata(name).map_err(|error| Failure::io(name, &error))?;
            let file = fs::File::open(name).map_err(|error| Failure::io(name, &error))?;
            if kind.is_file() { Text::File(file) } else { Text::Stream(Box::new(file)) }
        }
        None => Text::Stream(Box::new(io::stdin().lock())),
    };
    let name = arguments.text.as_deref().unwrap_or(Path::new("-"));
    let mut fresh = Fresh::new(&path, name, arguments.overwrite)?;
    let folder = fresh.folder().to_owned();
    let loaded = load.run(text, fresh.file(), &folder).map_err(|error| failure(name, &error))?;
    fresh.publish(true)?;
    for (line, other) in &loaded.others {
        complain(format_args!("{}: note: line {line}: {other}", name.shown()));
    }
    if loaded.repeated > 0 {
        let pairs = counted(loaded.repeated, "pair");
        complain(about(name, format_args!("{pairs} left out: the key, or the pair, was there already")));
    }
    Ok(Outcome::complete_if(loaded.repeated == 0))
}

fn failure(text: &Path, error: &LoadError) -> Failure {
    let told = about(text, error);
    match error {
        LoadError::Heap { .. } => Failure::Unsupported(told),
        LoadError::Setting(_) => Failure::Usage(told),
        _ => Failure::Message(told),
    }
}

fn method(kind: Kind) -> Method {
    match kind {
        Kind::Btree => Method::Btree,
        Kind::Hash => Method::Hash,
        Kind::Recno => Method::Recno,
        Kind::Queue => Method::Queue,
    }
}

fn order(order: Order) -> Endianness {
    match order {
        Order::Big => Endianness::Big,
        Order::Little => Endianness::Little,
        Order::Native => bdbkit::build::FileForm::default().order,
    }
}
