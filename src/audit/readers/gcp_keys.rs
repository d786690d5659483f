//! `gcloud iam service-accounts keys list --format=json`, and the last authentication of keys by Activity Analyzer.

use serde::Deserialize;

use super::time::zoned;
use super::{Format, Input, each_element};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Reading, Told};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "GCP service account keys",
        platform: "gcp",
        kind: Kind::State,
        knows: |probe| probe.json(|s| s.element_has(&["keyType", "validAfterTime"])),
        read: keys,
    },
    Format {
        name: "GCP key activity",
        platform: "gcp",
        kind: Kind::State,
        knows: |probe| probe.json(|s| s.element_has(&["activityType", "fullResourceName"])),
        read: activity,
    },
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    name: String,
    valid_after_time: String,
    #[serde(default)]
    valid_before_time: String,
    #[serde(rename = "keyType")]
    kind: String,
    #[serde(default)]
    disabled: bool,
}

/// Splits `projects/P/serviceAccounts/SA/keys/KEY`, wherever it starts.
pub(super) fn parts(name: &str) -> Option<(&str, &str)> {
    let (before, key) = name.split_once("/keys/")?;
    Some((before.rsplit_once("serviceAccounts/")?.1, key))
}

fn keys(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let seen = reading.found.report_time.map_or(Span::UNKNOWN, Span::at);
    if input.report_time.is_none() {
        reading.note("it does not say when it was made: `--report-time FILE=TIME`");
    }
    each_element(input, reading, |json, reading| {
        let key: Key = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let (subject, id) =
            parts(&key.name).ok_or_else(|| format!("`{}` is no name of a key", key.name))?;
        reading.account(key.name.split('/').nth(1).unwrap_or_default());
        reading.lists(subject, Told::Id);
        // Google's own, which it changes by itself
        if key.kind == "SYSTEM_MANAGED" {
            return Ok(());
        }
        let made = zoned(&key.valid_after_time);
        let fact = |what, when| Fact::new(what, when).subject(subject).credential(id).made(made);
        let what = if key.disabled { What::SeenInactive } else { What::SeenActive };
        reading.fact(fact(what, seen).word(if key.disabled { "disabled" } else { "enabled" }));
        if let Some(made) = made {
            reading.fact(fact(What::Created, Span::at(made)).word("validAfterTime"));
        }
        // the year 9999 means never
        if let Some(end) =
            zoned(&key.valid_before_time).filter(|_| !key.valid_before_time.starts_with("9999"))
        {
            reading.fact(fact(What::Expires, Span::at(end)).word("validBeforeTime"));
        }
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    full_resource_name: String,
    #[serde(rename = "activityType")]
    kind: String,
    #[serde(rename = "activity")]
    said: Last,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Last {
    last_authenticated_time: Option<String>,
}

fn activity(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    reading.note("it counts days of the Pacific coast, and knows Google's own services only");
    each_element(input, reading, |json, reading| {
        let said: Activity = serde_json::from_str(json).map_err(|e| e.to_string())?;
        if said.kind != "serviceAccountKeyLastAuthentication" {
            return Ok(());
        }
        let (subject, id) = parts(&said.full_resource_name)
            .ok_or_else(|| format!("`{}` is no name of a key", said.full_resource_name))?;
        let Some(day) = said.said.last_authenticated_time.as_deref().and_then(zoned) else {
            return Ok(());
        };
        let when = Span::between(day, day.shifted(86_400));
        reading.fact(
            Fact::new(What::Used, when).subject(subject).credential(id).word("last day of use"),
        );
        Ok(())
    })
}
