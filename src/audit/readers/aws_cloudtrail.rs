//! AWS `CloudTrail`: S3 files, `lookup-events`, one event a line. Made for millions of events.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::time::{us_text, zoned};
use super::{Format, Input, each_element};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};

/// IAM is global: its events lie in this region alone.
const HOME: &str = "us-east-1";

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "AWS CloudTrail",
        platform: "aws",
        kind: Kind::Log,
        knows: |probe| probe.json(|s| s.element_has(&["eventName", "eventSource", "eventTime"])),
        read: |input, reading| each_element(input, reading, event),
    },
    Format {
        name: "AWS CloudTrail lookup-events",
        platform: "aws",
        kind: Kind::Log,
        knows: |probe| {
            probe.json(|s| s.element_has(&["CloudTrailEvent", "EventName"]))
                || probe.json(|s| s.holder.as_deref() == Some("Events") && s.element.is_empty())
        },
        read: lookup,
    },
];

/// The policy that denies what older sessions ask for: the name is that of AWS's own console.
const ENDS_SESSIONS: &str = "AWSRevokeOlderSessions";

/// A text of the event, not copied where it stands there as it is.
#[derive(Deserialize)]
#[serde(transparent)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

type Text<'a> = Option<Borrowed<'a>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, rename = "eventTime")]
    time: Cow<'a, str>,
    #[serde(borrow, rename = "eventSource")]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "eventName")]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "eventCategory", default)]
    category: Text<'a>,
    #[serde(borrow, default)]
    aws_region: Text<'a>,
    #[serde(borrow, rename = "sourceIPAddress", default)]
    source_ip: Text<'a>,
    #[serde(borrow, default)]
    user_agent: Text<'a>,
    #[serde(borrow, default)]
    error_code: Text<'a>,
    #[serde(borrow, default)]
    recipient_account_id: Text<'a>,
    #[serde(borrow, default)]
    user_identity: Option<Identity<'a>>,
    // taken apart only where the event is one of ours
    #[serde(borrow, default)]
    request_parameters: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response_elements: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    arn: Text<'a>,
    #[serde(borrow)]
    user_name: Text<'a>,
    #[serde(borrow)]
    access_key_id: Text<'a>,
    #[serde(borrow)]
    account_id: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    user_name: Option<String>,
    access_key_id: Option<String>,
    status: Option<String>,
    role_arn: Option<String>,
    role_name: Option<String>,
    policy_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Response {
    access_key: Option<NewKey>,
    credentials: Option<Minted>,
    #[serde(rename = "ConsoleLogin")]
    console_login: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct NewKey {
    access_key_id: String,
    user_name: String,
    create_date: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Minted {
    access_key_id: String,
    expiration: String,
}

fn text<'a>(value: &'a Text<'_>) -> &'a str {
    value.as_ref().map(|text| &*text.0).unwrap_or_default()
}

fn lookup(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Looked {
        // JSON inside a JSON string
        cloud_trail_event: String,
        #[serde(default)]
        access_key_id: Option<String>,
    }
    reading.note("lookup-events goes back 90 days, and knows management events only");
    let mut callers = BTreeSet::new();
    each_element(input, reading, |json, reading| {
        let looked: Looked = serde_json::from_str(json).map_err(|e| e.to_string())?;
        if callers.len() < 2 {
            callers.insert(looked.access_key_id);
        }
        event(&looked.cloud_trail_event, reading)
    })?;
    // what was done to data, and in other regions, is not in it
    reading.found.sees_uses = false;
    // whoever asks for one key, one user or one resource gets nothing else, and the answer does not say what was asked
    if callers.len() == 1 {
        reading.note("all of it was done with one key: what others did is not in it");
        reading.found.sees_changes = false;
    }
    Ok(())
}

fn event(json: &str, reading: &mut Reading<'_>) -> Result<(), String> {
    let event: Event<'_> = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let at = zoned(&event.time).ok_or_else(|| format!("`{}` is no time", event.time))?;
    reading.saw(at);
    reading.found.sees_uses = true;
    // a trail of data events knows nothing of IAM; older events have no category
    reading.found.sees_changes |= event.category.as_ref().is_none_or(|c| c.0 == "Management");
    let account = match text(&event.recipient_account_id) {
        "" => event.user_identity.as_ref().map_or("", |i| text(&i.account_id)),
        account => account,
    };
    reading.account(account);
    let iam = event.source == "iam.amazonaws.com";
    reading.region(text(&event.aws_region));
    let identity = event.user_identity.as_ref();
    let with = identity.map_or("", |i| text(&i.access_key_id));
    let caller = identity.map_or("", |i| text(&i.user_name));
    let root = identity.is_some_and(|i| text(&i.kind) == "Root");
    let caller = if root && caller.is_empty() { "<root_account>" } else { caller };
    let console = event.name == "ConsoleLogin";
    let sts = event.source == "sts.amazonaws.com";
    // what a session does, its credential does
    let parent = reading.parent(with).map(str::to_owned);
    // most events of a log are nobody's here, and do nothing to a credential
    if !(iam || console || sts || parent.is_some() || reading.interest.wants(caller, with)) {
        return Ok(());
    }
    let failed = event.error_code.is_some();
    let when = Span::at(at);
    let (address, agent) = (text(&event.source_ip), text(&event.user_agent));
    let actor = if caller.is_empty() { identity.map_or("", |i| text(&i.arn)) } else { caller };
    let word = match &event.error_code {
        Some(Borrowed(code)) => format!("{} {code}", event.name),
        None => event.name.clone().into_owned(),
    };
    // what a session does, is done with what it came from
    let root = parent.as_deref().unwrap_or(with);
    let fact = |what: What| Fact::new(what, when).by(actor, root).from(address, agent).word(&word);
    if let Some(parent) = &parent {
        if !(failed && is_refused(text(&event.error_code))) {
            reading.fact(fact(What::SessionUsed).credential(parent));
        }
    } else if !with.is_empty() {
        // who uses a key that is gone or switched off is refused before any service sees it
        let what = if failed && is_refused(text(&event.error_code)) {
            What::UseFailed
        } else {
            What::Used
        };
        reading.fact(fact(what).subject(caller).credential(with));
    }
    let response = || -> Response { parsed(event.response_elements) };
    if console {
        let what = match response().console_login.as_deref() {
            Some("Success") => What::Used,
            _ => What::UseFailed,
        };
        // a wrong user name may be a password: the platform hides it
        let user = if caller == "HIDDEN_DUE_TO_SECURITY_REASONS" { "" } else { caller };
        reading.fact(fact(what).subject(user).credential(&format!("{user} password")));
        return Ok(());
    }
    if sts && !failed {
        if let Some(minted) = response().credentials {
            let with = parent.as_deref().unwrap_or(with);
            reading.minted(&minted.access_key_id, with);
            let until = us_text(&minted.expiration).or_else(|| zoned(&minted.expiration));
            let request: Request = parsed(event.request_parameters);
            let role = request.role_arn.as_deref().and_then(|arn| arn.rsplit('/').next());
            let role = role.map(|role| format!(" of role/{role}")).unwrap_or_default();
            let session = fact(What::SessionMinted).subject(caller).credential(with);
            let session = session.session(&format!("{}{role}", minted.access_key_id), until);
            reading.fact(
                session
                    .word(&format!("{word} {} until {}", minted.access_key_id, minted.expiration)),
            );
        }
        return Ok(());
    }
    if iam {
        let request: Request = parsed(event.request_parameters);
        change(&event, &request, caller, &fact, failed, reading, response);
    }
    Ok(())
}

/// Credentials that are made, switched and deleted.
fn change(
    event: &Event<'_>,
    request: &Request,
    caller: &str,
    fact: &dyn Fn(What) -> Fact,
    failed: bool,
    reading: &mut Reading<'_>,
    response: impl Fn() -> Response,
) {
    // without a user in the request it is the caller's own
    let user = request.user_name.as_deref().unwrap_or(caller);
    if request.policy_name.as_deref() == Some(ENDS_SESSIONS) && !failed {
        let whose = match (&*event.name, &request.role_name) {
            ("PutUserPolicy", _) => Some(user.to_owned()),
            ("PutRolePolicy", Some(role)) => Some(format!("role/{role}")),
            _ => None,
        };
        if let Some(whose) = whose {
            reading.ends(fact(What::SessionsEnded).subject(&whose));
        }
        return;
    }
    let key = request.access_key_id.as_deref().unwrap_or_default();
    let password = format!("{user} password");
    if matches!(&*event.name, "DeleteAccessKey" | "UpdateAccessKey") && key.is_empty() {
        reading.note(format!("{} of {} does not say of which key", event.name, event.time));
        return;
    }
    let other =
        format!("{user} {}", event.name.trim_start_matches("Create").trim_start_matches("Upload"));
    let (what, credential) = match &*event.name {
        "CreateAccessKey" => {
            let made = response().access_key.unwrap_or_default();
            if !failed {
                let user = if made.user_name.is_empty() { user } else { &made.user_name };
                let new = fact(What::Created).subject(user).credential(&made.access_key_id);
                reading.fact(new.made(us_text(&made.create_date)));
                elsewhere(event, reading);
            }
            return;
        }
        "DeleteAccessKey" => (What::Deleted, key),
        "UpdateAccessKey" if request.status.as_deref() == Some("Active") => {
            (What::Reactivated, key)
        }
        "UpdateAccessKey" => (What::Deactivated, key),
        "CreateLoginProfile" => (What::Created, &*password),
        "CreateServiceSpecificCredential" | "UploadSSHPublicKey" | "UploadSigningCertificate" => {
            (What::Created, &*other)
        }
        "DeleteLoginProfile" => (What::Deleted, &*password),
        "UpdateLoginProfile" | "ChangePassword" => (What::SecretChanged, &*password),
        // everything of a user goes with it
        "DeleteUser" => (What::Deleted, ""),
        _ => return,
    };
    let what = if failed && what.is_dead() { What::RevokeFailed } else { what };
    if failed && what != What::RevokeFailed {
        return;
    }
    reading.fact(fact(what).subject(user).credential(credential));
    elsewhere(event, reading);
}

fn elsewhere(event: &Event<'_>, reading: &mut Reading<'_>) {
    if text(&event.aws_region) != HOME {
        reading.note(format!(
            "an IAM event from `{}`: they come from {HOME}",
            text(&event.aws_region)
        ));
    }
}

fn is_refused(code: &str) -> bool {
    matches!(
        code,
        "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidAccessKeyId"
            | "InvalidSignatureException"
            | "AuthFailure"
    )
}

fn parsed<T: Default + for<'a> Deserialize<'a>>(raw: Option<&RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}
