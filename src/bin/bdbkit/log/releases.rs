//! Which releases write and read which log versions, and what the others do with them
//! (log-format, "What a release says to logs of another version").

use bdbkit::Endianness;
use bdbkit::mboxlist::{Engine, LAST_OF_HOST_ORDER, Treatment};
use serde::Serialize;

/// Releases that do not read a log, and what they do with it.
#[derive(Serialize)]
struct Refusal {
    releases: Vec<&'static str>,
    /// What they say.
    message: Option<String>,
    /// Whether they stop; otherwise they go on without the file.
    stops: bool,
}

/// The releases that are known to read a log version.
fn readers(version: u32, order: Endianness) -> Vec<&'static str> {
    Engine::known()
        .filter(|engine| engine.treats(version, order) == Treatment::Reads)
        .map(Engine::release)
        .collect()
}

/// What the releases do that do not read a log version.
fn refusals(version: u32, order: Endianness) -> Vec<Refusal> {
    let mut found: Vec<Refusal> = Vec::new();
    for engine in Engine::known() {
        let (message, stops) = match engine.treats(version, order) {
            Treatment::Reads => continue,
            Treatment::Skips { says } => (says, false),
            Treatment::Stops { says } => (Some(says), true),
        };
        match found.iter_mut().find(|known| known.stops == stops && known.message == message) {
            Some(known) => known.releases.push(engine.release()),
            None => found.push(Refusal { releases: vec![engine.release()], message, stops }),
        }
    }
    found
}

/// What the releases do with logs of a version and byte order.
#[derive(Serialize)]
pub(crate) struct Treatments {
    written_by: Vec<&'static str>,
    read_by: Vec<&'static str>,
    refused_by: Vec<Refusal>,
    /// The machines on which it is read, if not all.
    #[serde(skip)]
    machines: Option<Endianness>,
}

impl Treatments {
    pub(crate) fn of(version: u32, order: Endianness) -> Treatments {
        Treatments {
            written_by: Engine::writers(version),
            read_by: readers(version, order),
            refused_by: refusals(version, order),
            machines: (version <= LAST_OF_HOST_ORDER).then_some(order),
        }
    }

    /// Lines of text: what is told, once for all lines that tell it, and what is so.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let machines = self.machines.map_or(String::new(), |order| format!(", on {order} machines only"));
        let refusal = |Refusal { releases, message, stops }: &Refusal| {
            let says = message.as_ref().map_or(String::new(), |message| format!("say \"{message}\" and "));
            let does = if *stops { "stop" } else { "skip the file" };
            let silently = if message.is_none() { " silently" } else { "" };
            format!("{}: {says}{does}{silently}", releases.join(", "))
        };
        let names = std::iter::once("not read by").chain(std::iter::repeat(""));
        let mut rows = vec![
            ("written by", format!("Berkeley DB {}", self.written_by.join(", "))),
            ("read by", format!("{}{machines}", self.read_by.join(", "))),
        ];
        rows.extend(names.zip(self.refused_by.iter().map(refusal)));
        rows
    }
}

#[cfg(test)]
mod tests {
    use Endianness::{Big, Little};

    use super::*;

    #[test]
    fn newer_releases_skip_what_they_do_not_read() {
        assert_eq!(readers(11, Little), ["4.4", "4.5", "4.6", "4.7", "4.8", "5.3"]);
        assert_eq!(readers(11, Big), ["4.4", "4.5", "4.6", "4.7"]);
        assert_eq!(readers(14, Little), ["4.7", "4.8", "5.3"]);
        let of = |version, release| {
            let refusals = refusals(version, if release == "5.3" { Big } else { Little }).into_iter();
            let refusal = refusals.into_iter().find(|refusal| refusal.releases.contains(&release));
            refusal.map(|refusal| (refusal.message, refusal.stops))
        };
        assert_eq!(of(8, "4.3"), Some((Some("historic log version 8".into()), false)));
        assert_eq!(of(8, "4.1"), Some((Some("unsupported log version 8".into()), true)));
        assert_eq!(of(3, "4.0"), Some((None, false)));
        assert_eq!(of(8, "5.3"), Some((Some("historic byte order".into()), false)));
        assert_eq!(of(7, "5.3"), Some((Some("historic log version 7".into()), false)));
        assert_eq!(of(8, "4.5"), None);
    }
}
