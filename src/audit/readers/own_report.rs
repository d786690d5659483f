//! What `rotate` put aside: our own wrapper around a platform's answer, with time, account and caller.

use serde::Deserialize;

use super::time::zoned;
use super::{Format, Input, whole_text};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Listing, Reading, SUBJECTS, Told, Whose};
use crate::audit::facts::{Fact, Span, What};
use crate::logbook::hex;
use crate::set::sha256;

pub(super) const FORMATS: &[Format] = &[Format {
    name: "breakglass report",
    platform: "",
    kind: Kind::State,
    knows: |probe| probe.json(|shape| shape.has(&["breakglass_report"])),
    read,
}];

#[derive(Deserialize)]
struct Report {
    #[serde(rename = "breakglass_report")]
    version: u64,
    platform: String,
    account: String,
    caller: String,
    generated_at: String,
    complete: bool,
    #[serde(default)]
    target: std::collections::BTreeMap<String, String>,
    items: Vec<Item>,
    raw: Vec<Raw>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    status: String,
    #[serde(default)]
    created_at: String,
}

#[derive(Deserialize)]
struct Raw {
    name: String,
    sha256: String,
    base64: String,
}

fn read(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let text = whole_text(input)?;
    let broken = |what: String| Broken { record: 0, what, at_end: false };
    let report: Report = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
    if report.version != 1 {
        let what = format!("its version is {}; this program knows 1", report.version);
        return Err(broken(what));
    }
    let at = zoned(&report.generated_at)
        .ok_or_else(|| broken(format!("`{}` is no time", report.generated_at)))?;
    reading.found.report_time = Some(at);
    reading.account(&report.account);
    reading.found.exporter.clone_from(&report.caller);
    reading.found.platform.clone_from(&report.platform);
    reading.note(format!(
        "made by this program for {}; an export of somebody else is independent",
        report.platform
    ));
    for raw in &report.raw {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD.decode(&raw.base64);
        if !bytes.is_ok_and(|bytes| hex(&sha256(&[&bytes])) == raw.sha256) {
            return Err(broken(format!("`{}` in it does not have its SHA-256", raw.name)));
        }
    }
    let subject =
        SUBJECTS.into_iter().find_map(|name| report.target.get(name)).map_or("", String::as_str);
    let mount = report.target.get("mount").map_or("", String::as_str);
    if report.complete {
        let of = if subject.is_empty() {
            Whose::NotSaid
        } else {
            Whose::These([subject.to_owned()].into())
        };
        // the password of a user is called by the user's name, whoever's secret it is
        let place = !subject.is_empty() && report.items.iter().any(|item| item.id == subject);
        let by = if place { Told::Fingerprint } else { Told::Id };
        reading.found.listing = Some(Listing { of, by });
    } else {
        reading.partial("the platform did not say all");
    }
    for (number, item) in (1..).zip(&report.items) {
        reading.at_record(number);
        let what = match item.status.as_str() {
            "active" => What::SeenActive,
            "inactive" | "disabled" => What::SeenInactive,
            "absent" | "deleted" | "revoked" => What::SeenAbsent,
            other => {
                reading.note(format!("`{other}` of {} is no status that is known", item.id));
                continue;
            }
        };
        let fact = Fact::new(what, Span::at(at)).subject(subject).credential(&item.id).mount(mount);
        reading.fact(fact.made(zoned(&item.created_at)).word(&item.status));
    }
    Ok(())
}
