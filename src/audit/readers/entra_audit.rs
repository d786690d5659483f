//! Entra: directory audits (from Graph or a diagnostic export) and sign-ins of service principals.

use std::collections::BTreeSet;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::time::zoned;
use super::{Format, each_element};
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "Entra audit log",
        platform: "entra",
        kind: Kind::Log,
        knows: |probe| {
            probe.json(|s| s.element_has(&["activityDisplayName", "activityDateTime"]))
                || probe.json(|s| s.element_has(&["operationName", "category", "properties"]))
        },
        read: |input, reading| each_element(input, reading, entry),
    },
    Format {
        name: "Entra sign-ins",
        platform: "entra",
        kind: Kind::Log,
        knows: |probe| {
            probe.json(|s| s.element_has(&["createdDateTime", "servicePrincipalCredentialKeyId"]))
        },
        read: |input, reading| each_element(input, reading, sign_in),
    },
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    properties: Audit,
    #[serde(default)]
    tenant_id: String,
    #[serde(default)]
    caller_ip_address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Audit {
    activity_display_name: String,
    activity_date_time: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    initiated_by: Initiator,
    #[serde(default)]
    target_resources: Vec<Target>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Initiator {
    app: Option<App>,
    user: Option<User>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct App {
    display_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct User {
    user_principal_name: Option<String>,
    ip_address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default)]
    id: String,
    #[serde(default)]
    modified_properties: Vec<Modified>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modified {
    display_name: Option<String>,
    old_value: Option<String>,
    new_value: Option<String>,
}

/// Puts a name of an activity into one form: it comes with an en dash and a space behind it.
fn plain(name: &str) -> String {
    let dashes = name.nfkc().map(|c| if matches!(c, '\u{2010}'..='\u{2015}') { '-' } else { c });
    dashes.collect::<String>().trim().to_lowercase()
}

/// Reads the ids in a `KeyDescription`: a list of texts like `[KeyIdentifier=…,KeyType=…]`, as JSON in a text.
fn keys(value: Option<&str>) -> BTreeSet<String> {
    let list: Vec<String> =
        value.and_then(|value| serde_json::from_str(value).ok()).unwrap_or_default();
    let id = |text: &String| {
        let rest = text.split("KeyIdentifier=").nth(1)?;
        Some(rest.split([',', ']']).next()?.to_owned())
    };
    list.iter().filter_map(id).collect()
}

fn entry(json: &str, reading: &mut Reading<'_>) -> Result<(), String> {
    let (audit, address) = match serde_json::from_str::<Exported>(json) {
        Ok(exported) => {
            reading.account(&exported.tenant_id);
            (exported.properties, exported.caller_ip_address)
        }
        Err(_) => (serde_json::from_str::<Audit>(json).map_err(|e| e.to_string())?, String::new()),
    };
    let at = zoned(&audit.activity_date_time)
        .ok_or_else(|| format!("`{}` is no time", audit.activity_date_time))?;
    reading.saw(at);
    reading.found.sees_changes = true;
    let activity = plain(&audit.activity_display_name);
    let about_secrets = activity.ends_with("certificates and secrets management")
        || activity.ends_with("service principal credentials");
    if !about_secrets {
        return Ok(());
    }
    let user = audit.initiated_by.user.unwrap_or_default();
    let app = audit.initiated_by.app.unwrap_or_default();
    let actor = user.user_principal_name.or(app.display_name).unwrap_or_default();
    let address = user.ip_address.unwrap_or(address);
    let failed = !audit.result.eq_ignore_ascii_case("success");
    for target in &audit.target_resources {
        let described = target
            .modified_properties
            .iter()
            .filter(|p| p.display_name.as_deref() == Some("KeyDescription"));
        for change in described {
            let (old, new) = (keys(change.old_value.as_deref()), keys(change.new_value.as_deref()));
            let fact = |what: What, id: &str| {
                let fact = Fact::new(what, Span::at(at)).subject(&target.id).credential(id);
                fact.by(&actor, "").from(&address, "").word(&activity)
            };
            for id in old.difference(&new) {
                reading.fact(fact(if failed { What::RevokeFailed } else { What::Deleted }, id));
            }
            for id in new.difference(&old).filter(|_| !failed) {
                reading.fact(fact(What::Created, id));
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    created_date_time: String,
    service_principal_credential_key_id: String,
    #[serde(default)]
    service_principal_id: String,
    #[serde(default)]
    ip_address: String,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    error_code: i64,
}

fn sign_in(json: &str, reading: &mut Reading<'_>) -> Result<(), String> {
    let said: SignIn = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let at = zoned(&said.created_date_time)
        .ok_or_else(|| format!("`{}` is no time", said.created_date_time))?;
    reading.saw(at);
    reading.found.sees_uses = true;
    let what = if said.status.error_code == 0 { What::Used } else { What::UseFailed };
    let fact = Fact::new(what, Span::at(at)).subject(&said.service_principal_id);
    reading.fact(
        fact.credential(&said.service_principal_credential_key_id)
            .from(&said.ip_address, "")
            .word("sign-in"),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dash_in_the_name_is_no_hyphen_and_a_space_follows() {
        let name = "Update application \u{2013} Certificates and secrets management ";
        assert_eq!(plain(name), "update application - certificates and secrets management");
    }
}
