//! Okta System Log.

use serde::Deserialize;

use super::time::{self, zoned};
use super::{Format, Input, each_element};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "Okta system log",
    platform: "okta",
    kind: Kind::Log,
    knows: |probe| probe.json(|shape| shape.element_has(&["eventType", "published"])),
    read,
}];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    published: String,
    #[serde(rename = "eventType")]
    kind: String,
    #[serde(default)]
    actor: Entity,
    #[serde(default)]
    outcome: Outcome,
    #[serde(default)]
    target: Option<Vec<Entity>>,
    #[serde(default)]
    client: Client,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Entity {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    alternate_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Outcome {
    result: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Client {
    ip_address: Option<String>,
}

fn read(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let zone = input.zone;
    reading.note("the platform keeps its log for 90 days");
    each_element(input, reading, |json, reading| event(json, zone, reading))
}

fn event(json: &str, zone: Option<&time::Zone>, reading: &mut Reading<'_>) -> Result<(), String> {
    let event: Event = serde_json::from_str(json).map_err(|e| e.to_string())?;
    // some exports drop the T and the Z
    let at = zoned(&event.published)
        .or_else(|| time::local(&event.published, zone))
        .ok_or_else(|| format!("`{}` has no zone: say it with `--tz`", event.published))?;
    reading.saw(at);
    reading.found.sees_uses = true;
    reading.found.sees_changes = true;
    let failed = event.outcome.result != "SUCCESS";
    let actor = event.actor.alternate_id.clone().unwrap_or_else(|| event.actor.id.clone());
    let address = event.client.ip_address.as_deref().unwrap_or_default();
    let what = match &*event.kind {
        "system.api_token.create" => What::Created,
        "system.api_token.revoke" | "user.lifecycle.delete.initiated" => What::Deleted,
        "user.account.update_password" | "user.account.reset_password" => What::SecretChanged,
        "user.lifecycle.deactivate" | "user.lifecycle.suspend" => What::Deactivated,
        "user.lifecycle.activate" | "user.lifecycle.unsuspend" => What::Reactivated,
        "user.session.start" => What::Used,
        "user.session.clear" => What::SessionsEnded,
        _ => return Ok(()),
    };
    let what = match what {
        What::Used if failed => What::UseFailed,
        what if failed && what.is_dead() => What::RevokeFailed,
        _ if failed => return Ok(()),
        what => what,
    };
    let fact = || Fact::new(what, Span::at(at)).by(&actor, "").from(address, "").word(&event.kind);
    let mut targets = event.target.unwrap_or_default();
    // a session is its actor's own
    if matches!(what, What::Used | What::UseFailed) && targets.iter().all(|t| t.kind != "User") {
        targets = vec![event.actor];
    }
    for target in targets.iter().filter(|t| matches!(&*t.kind, "Token" | "User")) {
        let user = target.alternate_id.as_deref().unwrap_or(&target.id);
        let fact = match &*target.kind {
            "Token" => fact().credential(&target.id),
            _ => fact().subject(user).credential(user),
        };
        reading.fact(fact);
    }
    Ok(())
}
