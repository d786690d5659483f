//! Google Cloud audit logs: activity (what was changed) and data access (what was read).

use serde::Deserialize;

use super::gcp_keys::parts;
use super::time::zoned;
use super::{Format, each_element};
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "GCP audit log",
    platform: "gcp",
    kind: Kind::Log,
    knows: |probe| probe.json(|shape| shape.element_has(&["protoPayload", "timestamp"])),
    read: |input, reading| each_element(input, reading, entry),
}];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    timestamp: String,
    #[serde(default)]
    log_name: String,
    proto_payload: Payload,
    #[serde(default)]
    resource: Resource,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Payload {
    method_name: String,
    resource_name: String,
    authentication_info: Authentication,
    request: Named,
    response: Named,
    request_metadata: Metadata,
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Authentication {
    principal_email: String,
    service_account_key_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    caller_ip: String,
    caller_supplied_user_agent: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource {
    labels: Labels,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Labels {
    email_id: String,
    project_id: String,
}

fn entry(json: &str, reading: &mut Reading<'_>) -> Result<(), String> {
    let entry: Entry = serde_json::from_str(json).map_err(|e| e.to_string())?;
    // when it happened, not when it was received
    let at = zoned(&entry.timestamp).ok_or_else(|| format!("`{}` is no time", entry.timestamp))?;
    reading.saw(at);
    if entry.log_name.ends_with("data_access") {
        reading.found.sees_uses = true;
    } else {
        reading.found.sees_changes = true;
    }
    let payload = &entry.proto_payload;
    reading.account(&entry.resource.labels.project_id);
    let who = &payload.authentication_info;
    let with = parts(&who.service_account_key_name).map_or("", |(_, key)| key);
    let failed = payload.status.code != 0;
    let metadata = &payload.request_metadata;
    let fact = |what: What| {
        Fact::new(what, Span::at(at))
            .by(&who.principal_email, with)
            .from(&metadata.caller_ip, &metadata.caller_supplied_user_agent)
            .word(&payload.method_name)
    };
    if !with.is_empty() {
        reading.fact(fact(What::Used).subject(&who.principal_email).credential(with));
    }
    let method = payload.method_name.rsplit('.').next().unwrap_or_default();
    let what = match method {
        "CreateServiceAccountKey" | "UploadServiceAccountKey" => What::Created,
        "DeleteServiceAccountKey" | "DeleteServiceAccount" => What::Deleted,
        "DisableServiceAccountKey" | "DisableServiceAccount" => What::Deactivated,
        "EnableServiceAccountKey" | "EnableServiceAccount" => What::Reactivated,
        _ => return Ok(()),
    };
    let what = match what {
        what if failed && what.is_dead() => What::RevokeFailed,
        _ if failed => return Ok(()),
        what => what,
    };
    // create has the key in its answer, the others in the question; the account may stand there by its number
    let names = [&payload.response.name, &payload.request.name, &payload.resource_name];
    let key = names.iter().find_map(|name| parts(name)).map_or("", |(_, key)| key);
    let answered = parts(&payload.response.name).map_or("", |(account, _)| account);
    let email = [answered, &entry.resource.labels.email_id];
    let subject = email.into_iter().find(|email| email.contains('@')).unwrap_or_else(|| {
        names
            .iter()
            .find_map(|name| Some(name.rsplit_once("serviceAccounts/")?.1))
            .unwrap_or_default()
    });
    let subject = subject.split('/').next().unwrap_or_default();
    reading.fact(fact(what).subject(subject).credential(key));
    Ok(())
}
