//! Secrets and certificates of an Entra application: `az ad app credential list`, `az ad sp credential list`.
//!
//! A secret can sit on the application or on its service principal: both lists are needed. Neither names its owner.

use serde::Deserialize;

use super::time::zoned;
use super::{Format, Input, each_element};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Listing, Reading, Told, Whose};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "Entra credentials",
    platform: "entra",
    kind: Kind::State,
    knows: |probe| probe.json(|shape| shape.element_has(&["keyId", "endDateTime"])),
    read,
}];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    key_id: String,
    #[serde(default)]
    display_name: Option<String>,
    start_date_time: Option<String>,
    end_date_time: String,
}

fn read(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let seen = reading.found.report_time.map_or(Span::UNKNOWN, Span::at);
    if input.report_time.is_none() {
        reading.note("it does not say when it was made: `--report-time FILE=TIME`");
    }
    reading.note(
        "it does not say whose list it is; an application and its service principal have one each",
    );
    reading.found.listing = Some(Listing { of: Whose::NotSaid, by: Told::Id });
    each_element(input, reading, |json, reading| {
        let said: Credential = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let made = said.start_date_time.as_deref().and_then(zoned);
        let name = said.display_name.as_deref().unwrap_or_default();
        let fact =
            |what, when| Fact::new(what, when).credential(&said.key_id).made(made).word(name);
        reading.fact(fact(What::SeenActive, seen));
        if let Some(end) = zoned(&said.end_date_time) {
            reading.fact(fact(What::Expires, Span::at(end)));
        }
        Ok(())
    })
}
