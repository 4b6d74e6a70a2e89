//! `bdbkit store plan`: the way of a store to another release.

use std::io;

use bdbkit::Endianness;
use bdbkit::mboxlist::{PlanOptions, RELEASES, Release};

use super::survey::Place;
use super::{json, text};
use crate::failure::{Failure, Outcome};
use crate::page::Page;

/// Say how a store comes to another release, step by step
///
/// Surveys the store and lists the steps in their order: what the product does, what bdbkit
/// does, what is left to the administrator, and what is not possible at all. Writes nothing.
/// Exits with 0 if the plan can be carried out, and with 4 if it cannot, as one step is impossible;
/// with 1 if something could not be read, the state not be told, or no database is there; with 3
/// if the databases are not those of a mail store. A release is called by any of its names: 5.2,
/// 7u3, 7.3, "7 Update 3", or what imsimta version prints.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "RELEASE", value_parser = release, help = with_releases(
        "The release to go to (default: the newest whose components are known)"
    ))]
    target: Option<&'static Release>,

    #[arg(long, value_name = "RELEASE", value_parser = release, help = with_releases(
        "The release that the store comes from, if the files leave that open"
    ))]
    source: Option<&'static Release>,

    /// The byte order of the machine that the store goes to: little (x86) or big (SPARC)
    #[arg(long, value_name = "little|big", value_parser = order)]
    byte_order: Option<Endianness>,

    #[command(flatten)]
    place: Place,

    /// One JSON object: that of the survey, with the plan
    #[arg(long)]
    json: bool,
}

fn release(text: &str) -> Result<&'static Release, String> {
    Release::find(text).ok_or_else(|| format!("one of {}", releases()))
}

/// The releases, with other names that people use.
fn releases() -> String {
    let names = |release: &Release| match release.also() {
        [] => release.id.to_owned(),
        also => format!("{} ({})", release.id, also.join(", ")),
    };
    RELEASES.iter().map(names).collect::<Vec<_>>().join(", ")
}

fn with_releases(what: &str) -> String {
    format!("{what}: one of {}", releases())
}

fn order(text: &str) -> Result<Endianness, &'static str> {
    match text {
        "little" | "x86" => Ok(Endianness::Little),
        "big" | "sparc" => Ok(Endianness::Big),
        _ => Err("little or big"),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let survey = arguments.place.survey()?;
    let target = arguments.target.or_else(Release::newest_known);
    let target = target.ok_or_else(|| Failure::Message("no release is known".into()))?;
    let options = arguments.source.into_iter().fold(PlanOptions::new(), PlanOptions::source);
    let options = arguments.byte_order.into_iter().fold(options, PlanOptions::byte_order);
    let plan = options.plan(&survey, target);
    let mut page = Page::new(io::stdout().lock());
    if arguments.json {
        json::plan(&survey, &plan, &mut page.out)?;
    } else {
        text::plan(&survey, &plan, &mut page)?;
        text::findings(&plan.findings, &mut page)?;
    }
    Ok(match plan.possible() {
        _ if survey.product.is_foreign() => Outcome::Unsupported,
        false => Outcome::Refused,
        true => Outcome::complete_if(survey.is_complete() && !survey.is_empty()),
    })
}
