//! `bdbkit store survey`: what a store is and how it was left.

use std::fs;
use std::io;
use std::path::PathBuf;

use bdbkit::mboxlist::{Mailbox, StoreSeverity, Survey, SurveyOptions};

use super::snapshots::{Age, Before};
use super::{json, text};
use crate::failure::{Failure, Outcome};
use crate::input::map;
use crate::page::Page;
use crate::places::Places;
use crate::progress;

/// Say what a store is, how it was left, and which release wrote it
///
/// Databases, log files, region files, snapshots and what interrupted runs left behind;
/// whether the store was closed or needs recovery, told from its files alone; the releases
/// that fit; and what is wrong, each with what to do and a code, which bdbkit explain explains.
/// Reads every file and writes nothing; symbolic links and special files are not followed, but
/// named. Exits with 1 if there is an error or worse, if something could not be read or the state
/// not be told, or if there is no database at all; with 3 if the databases are not those of a mail
/// store.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Which store, and what else is known of it.
#[derive(clap::Args)]
pub(super) struct Place {
    /// The folder of the region files (store.dbtmpdir), if it is not DIR
    #[arg(long, value_name = "FOLDER")]
    dbtmpdir: Option<PathBuf>,

    /// The folder of the lock environment
    #[arg(long, value_name = "FOLDER")]
    lock_dir: Option<PathBuf>,

    /// The folder of the session database
    #[arg(long, value_name = "FOLDER")]
    session_dir: Option<PathBuf>,

    /// The folder of the snapshots (default: DIR/../dbdata/snapshots)
    #[arg(long, value_name = "FOLDER")]
    snapshots: Option<PathBuf>,

    #[command(flatten)]
    places: Places,

    #[command(flatten)]
    before: Before,

    #[command(flatten)]
    age: Age,

    /// The version of the mailboxes, which is not in these files: ask imcheck -m
    #[arg(long, value_name = "1_1|1_2|1_3", value_parser = mailbox)]
    mailbox_version: Option<Mailbox>,

    /// The folder of the databases, mboxlist
    dir: PathBuf,
}

fn mailbox(text: &str) -> Result<Mailbox, &'static str> {
    Mailbox::parse(text).ok_or("1_1, 1_2 or 1_3")
}

impl Place {
    pub(super) fn survey(&self) -> Result<Survey, Failure> {
        // What is named is there: in a folder that is not, nothing would be found.
        let named = [&self.dbtmpdir, &self.lock_dir, &self.session_dir, &self.snapshots];
        for folder in named.into_iter().flatten().chain(self.places.all()) {
            fs::read_dir(folder).map_err(|error| Failure::io(folder, &error))?;
        }
        let options = SurveyOptions::new().mapped(map()).age_from(self.age.age_from);
        let options = self.places.log_dir().into_iter().fold(options, SurveyOptions::log_dir);
        let options = self.places.data_dirs().iter().fold(options, SurveyOptions::data_dir);
        let options = self.dbtmpdir.iter().fold(options, SurveyOptions::dbtmpdir);
        let options = self.lock_dir.iter().fold(options, SurveyOptions::lock_dir);
        let options = self.session_dir.iter().fold(options, SurveyOptions::session_dir);
        let options = self.snapshots.iter().fold(options, SurveyOptions::snapshots);
        let options = self.before.time().into_iter().fold(options, SurveyOptions::upgraded);
        let options = self.mailbox_version.into_iter().fold(options, SurveyOptions::mailbox);
        // What is printed comes when all is read.
        let bar = progress::bytes(false);
        let survey = options.progress(progress::teller(&bar)).survey(&self.dir);
        bar.finish_and_clear();
        survey.map_err(|error| Failure::about(&self.dir, &error))
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let survey = arguments.place.survey()?;
    let mut page = Page::new(io::stdout().lock());
    if arguments.json {
        json::survey(&survey, &mut page.out)?;
    } else {
        text::survey(&survey, &mut page)?;
        text::findings(&survey.findings, &mut page)?;
    }
    if survey.product.is_foreign() {
        return Ok(Outcome::Unsupported);
    }
    let sound = survey.worst() < Some(StoreSeverity::Error) && survey.is_complete();
    Ok(Outcome::complete_if(sound && !survey.is_empty()))
}
