//! Says what a mail store is, and what has to be done about it.
//!
//! `cargo run --features mboxlist --example survey -- testdata/mboxlist-ims60-log3-le-unclean`

use bdbkit::ShowName;
use bdbkit::mboxlist::{Release, StorePlan, StoreSeverity, Survey};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "testdata/mboxlist-ims5-log2-be".into());

    let survey = Survey::of(&folder)?;
    let writers: Vec<_> = survey.candidates.last_writer.iter().map(|release| release.name).collect();
    println!("{folder}: {}, written by {}", survey.decision.state, writers.join(" or "));
    for file in &survey.databases {
        let records = file.contents.as_ref().map_or(0, |contents| contents.records);
        println!("  {}: version {}, {records} records", file.name.shown(), file.version.unwrap_or_default());
    }
    for finding in survey.findings.iter().filter(|finding| finding.severity >= StoreSeverity::Warning) {
        println!("{finding}");
    }

    let target = Release::newest_known().ok_or("no release is known")?;
    println!("to {}:", target.name);
    for step in &StorePlan::of(&survey, target).steps {
        println!("  {}: {}", step.state.name(), step.title);
    }
    Ok(())
}
