//! GitHub audit log: JSON list or lines; times in milliseconds since 1970.

use serde::Deserialize;

use super::time::epoch;
use super::{Format, each_element};
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "GitHub audit log",
    platform: "github",
    kind: Kind::Log,
    knows: |probe| probe.json(|shape| shape.element_has(&["action", "actor", "created_at"])),
    read: |input, reading| each_element(input, reading, event),
}];

#[derive(Deserialize)]
struct Event {
    action: String,
    created_at: u64,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    org: Option<String>,
    #[serde(default)]
    actor_ip: Option<String>,
    #[serde(default)]
    user_agent: Option<String>,
    /// Base64 of the SHA-256 of a token.
    #[serde(default)]
    hashed_token: Option<String>,
    #[serde(default)]
    token_id: Option<serde_json::Number>,
}

fn event(json: &str, reading: &mut Reading<'_>) -> Result<(), String> {
    let event: Event = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let at = epoch(event.created_at);
    reading.saw(at);
    reading.found.sees_changes = true;
    reading.account(event.org.as_deref().unwrap_or_default());
    let actor = event.actor.as_deref().unwrap_or_default();
    let subject = event.user.as_deref().unwrap_or(actor);
    let token = event.token_id.map(|id| id.to_string());
    let id = event.hashed_token.as_deref().or(token.as_deref()).unwrap_or_default();
    let address = event.actor_ip.as_deref().unwrap_or_default();
    let agent = event.user_agent.as_deref().unwrap_or_default();
    let fact = |what: What| {
        let fact = Fact::new(what, Span::at(at)).subject(subject).credential(id);
        fact.by(actor, id).from(address, agent).word(&event.action)
    };
    let what = match &*event.action {
        "personal_access_token.access_granted" | "public_key.create" | "deploy_key.create" => {
            What::Created
        }
        "personal_access_token.access_revoked"
        | "public_key.delete"
        | "deploy_key.destroy"
        | "oauth_authorization.destroy"
        | "credential_authorization.revoke"
        | "oauth_access.revoke"
        | "personal_access_token.destroy" => What::Deleted,
        // whatever else was done with a token that is known was a use of it
        _ if !id.is_empty() => {
            reading.found.sees_uses = true;
            What::Used
        }
        _ => return Ok(()),
    };
    reading.fact(fact(what));
    Ok(())
}
