//! `aws iam list-access-keys` and `get-access-key-last-used`: the state with ids, but without time and account.

use serde::Deserialize;

use super::time::zoned;
use super::{Format, Input, each_element, whole_text};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Listing, Reading, Told, Whose};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "AWS access keys",
        platform: "aws",
        kind: Kind::State,
        knows: |probe| probe.json(|shape| shape.has(&["AccessKeyMetadata"])),
        read: keys,
    },
    Format {
        name: "AWS access key last used",
        platform: "aws",
        kind: Kind::State,
        knows: |probe| probe.json(|shape| shape.has(&["AccessKeyLastUsed"])),
        read: last_used,
    },
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    user_name: String,
    access_key_id: String,
    status: String,
    create_date: String,
}

fn keys(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let seen = reading.found.report_time.map_or(Span::UNKNOWN, Span::at);
    if input.report_time.is_none() {
        reading.note("it does not say when it was made: `--report-time FILE=TIME`");
    }
    // an empty list names nobody
    reading.found.listing = Some(Listing { of: Whose::NotSaid, by: Told::Id });
    each_element(input, reading, |json, reading| {
        let key: Key = serde_json::from_str(json).map_err(|e| e.to_string())?;
        if reading.found.listing.as_ref().is_some_and(|l| l.of == Whose::NotSaid) {
            reading.found.listing = None;
        }
        reading.lists(&key.user_name, Told::Id);
        let what = match key.status.as_str() {
            "Active" => What::SeenActive,
            "Inactive" => What::SeenInactive,
            other => return Err(format!("`{other}` is no status of an access key")),
        };
        let made = zoned(&key.create_date);
        let about = |what, when| {
            Fact::new(what, when).subject(&key.user_name).credential(&key.access_key_id).made(made)
        };
        reading.fact(about(what, seen).word(&key.status));
        if let Some(made) = made {
            reading.fact(about(What::Created, Span::at(made)).word("CreateDate"));
        }
        Ok(())
    })?;
    if reading.found.records == 0 {
        reading.note("an empty list does not say whose it is: it proves nothing about anybody");
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LastUsed {
    user_name: String,
    access_key_last_used: Used,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Used {
    last_used_date: Option<String>,
    #[serde(default)]
    service_name: String,
}

/// The answer does not repeat the key's id: it speaks of its user only.
fn last_used(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let text = whole_text(input)?;
    let broken = |what: String| Broken { record: 0, what, at_end: false };
    let said: LastUsed = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
    reading.at_record(1);
    let Some(date) = said.access_key_last_used.last_used_date else {
        reading.note("never used, as far as the platform has noticed: it notices hours later");
        return Ok(());
    };
    let at = zoned(&date).ok_or_else(|| broken(format!("`{date}` is no time")))?;
    let fact = Fact::new(What::Used, Span::between(at, at.shifted(15 * 60)));
    reading.fact(fact.subject(&said.user_name).word(&said.access_key_last_used.service_name));
    Ok(())
}
