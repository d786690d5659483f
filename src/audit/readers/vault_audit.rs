//! Audit device of Vault and OpenBao: one JSON object a line, perhaps behind a prefix.
//!
//! Paths are clear text, texts in the data are HMACs with a salt of the device. What an accessor looks like there only
//! the server can say (`bao write sys/audit-hash/DEVICE input=ACCESSOR`), while the device exists: a table
//! `credential_id,audit_hash` brings it here.

use std::borrow::Cow;

use serde::Deserialize;

use super::time::zoned;
use super::{Format, Input, each_element, each_row};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};
use crate::clock::Instant;

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "Vault audit log",
        platform: "vault",
        kind: Kind::Log,
        knows: |probe| probe.json(|shape| shape.element_has(&["time", "type", "request"])),
        read: |input, reading| each_element(input, reading, line),
    },
    Format {
        name: "Vault audit hashes",
        platform: "vault",
        kind: Kind::State,
        knows: |probe| probe.table(&["credential_id", "audit_hash"]),
        read: hashes,
    },
];

fn hashes(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    each_row(input, reading, |row, reading| {
        let (id, hash) = (row.get("credential_id"), row.get("audit_hash"));
        if id.is_empty() || !hash.starts_with("hmac-") {
            return Err("a row is a credential's id and its hash, `hmac-sha256:…`".to_owned());
        }
        reading.found.aliases.insert(hash.to_owned(), id.to_owned());
        Ok(())
    })
}

/// How the paths begin on which tokens are renewed.
const RENEW: &str = "auth/token/renew";

/// A text; `null` is an empty one.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<Borrowed<'a>>::deserialize(from)?;
        Ok(Self(text.map(|text| text.0).unwrap_or_default()))
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    time: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    auth: Auth<'a>,
    #[serde(borrow)]
    request: Request<'a>,
    #[serde(borrow, default)]
    response: Response<'a>,
    #[serde(borrow, default)]
    error: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth<'a> {
    #[serde(borrow)]
    accessor: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    metadata: Option<Metadata>,
    token_ttl: u64,
}

impl Auth<'_> {
    /// Returns when a token ends that was given at a time, if nobody renews it.
    fn until(&self, at: Instant) -> Option<Instant> {
        let seconds = i64::try_from(self.token_ttl).ok().filter(|seconds| *seconds > 0)?;
        Some(at.shifted(seconds))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow)]
    operation: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    client_token_accessor: Text<'a>,
    #[serde(borrow)]
    remote_address: Text<'a>,
    #[serde(borrow)]
    namespace: Namespace<'a>,
    data: Option<Data>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Namespace<'a> {
    #[serde(borrow)]
    path: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    accessor: Option<String>,
    password: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    auth: Option<Auth<'a>>,
}

fn line(json: &str, reading: &mut Reading<'_>) -> Result<(), String> {
    let line: Line<'_> = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let at = zoned(&line.time.0).ok_or_else(|| format!("`{}` is no time", line.time.0))?;
    reading.saw(at);
    reading.found.sees_uses = true;
    reading.found.sees_changes = true;
    // the request is what was asked, the response what was done
    if line.kind.0 != "response" {
        return Ok(());
    }
    let failed = !line.error.0.is_empty();
    let (path, operation) = (&*line.request.path.0, &*line.request.operation.0);
    let named = |word: &str| reading.interest.named(word).to_owned();
    let accessor = match &*line.auth.accessor.0 {
        "" => named(&line.request.client_token_accessor.0),
        accessor => named(accessor),
    };
    let address = line.request.remote_address.0.clone();
    let user = line.auth.metadata.as_ref().map(|m| m.username.clone()).unwrap_or_default();
    let actor =
        if user.is_empty() { line.auth.display_name.0.clone().into_owned() } else { user.clone() };
    let word = format!("{operation} {path}");
    let fact = |what: What| {
        Fact::new(what, Span::at(at)).by(&actor, &accessor).from(&address, "").word(&word)
    };
    let space = line.request.namespace.path.0.clone();
    if let Some((mount, login)) = login_of(path) {
        // userpass folds names
        let login = &login.to_lowercase();
        let fact = |what: What| fact(what).mount(&format!("{space}{mount}"));
        let what = if failed { What::UseFailed } else { What::Used };
        reading.fact(fact(what).subject(login).credential(login).by(login, ""));
        if let Some(auth) = line.response.auth.as_ref().filter(|_| !failed) {
            let session = named(&auth.accessor.0);
            let minted = fact(What::SessionMinted).subject(login).credential(login).by(login, "");
            let minted = minted.session(&session, auth.until(at));
            reading.session(minted.word(&format!("{word} {session}")));
        }
        return Ok(());
    }
    if failed {
        return Ok(());
    }
    // every call with a token uses it; `root` is the display name of the tokens that can do everything
    let subject = if user.is_empty() { &*line.auth.display_name.0 } else { &user };
    reading.fact(fact(What::Used).subject(subject).credential(&accessor));
    if !user.is_empty() {
        // a token lives on when the password is changed
        reading.fact(fact(What::SessionUsed).subject(&user).credential(&user));
    }
    let data = line.request.data.unwrap_or_default();
    // whoever renews a token moves its end
    if let Some(auth) = line.response.auth.as_ref().filter(|_| path.starts_with(RENEW)) {
        let session = named(&auth.accessor.0);
        if reading.knows_session(&session) {
            let renewed = fact(What::SessionMinted).subject(&user).credential(&user);
            reading.fact(renewed.session(&session, auth.until(at)));
        }
    }
    let changed = match path {
        "auth/token/revoke-accessor" => {
            let gone = named(data.accessor.as_deref().unwrap_or_default());
            ended(fact(What::Deleted).credential(&gone), reading)
        }
        "auth/token/revoke-self" => {
            ended(fact(What::Deleted).subject(subject).credential(&accessor), reading)
        }
        "auth/token/revoke" | "auth/token/revoke-orphan" => {
            reading.note("tokens were revoked by themselves, not by accessor: which ones, this log does not tell");
            None
        }
        _ => {
            let fact = |what: What, mount: &str| fact(what).mount(&format!("{space}{mount}"));
            on_user(&path.to_lowercase(), operation, data.password.is_some(), &fact)
        }
    };
    if let Some(changed) = changed {
        reading.fact(changed);
    }
    Ok(())
}

/// A token is gone: where it came from a credential that matters, whoever has ended it.
fn ended(fact: Fact, reading: &mut Reading<'_>) -> Option<Fact> {
    if !reading.knows_session(&fact.credential) {
        return Some(fact);
    }
    reading.ends(fact);
    None
}

/// What happens to a user of a userpass mount.
fn on_user(
    path: &str,
    operation: &str,
    password: bool,
    fact: &dyn Fn(What, &str) -> Fact,
) -> Option<Fact> {
    if let Some(rest) = path.strip_prefix("sys/leases/revoke-prefix/auth/") {
        let (mount, user) = rest.split_once("/login/")?;
        let user = user.trim_end_matches('/');
        return Some(fact(What::SessionsEnded, mount).subject(user).credential(user));
    }
    let (mount, rest) = path.strip_prefix("auth/")?.split_once("/users/")?;
    let (user, what) = match (rest.split_once('/'), operation) {
        (Some((user, "password")), "update" | "create") => (user, What::SecretChanged),
        (None, "delete") => (rest, What::Deleted),
        (None, "create") => (rest, What::Created),
        (None, "update") if password => (rest, What::SecretChanged),
        _ => return None,
    };
    Some(fact(what, mount).subject(user).credential(user))
}

/// Returns whose login a path is, and on which mount.
fn login_of(path: &str) -> Option<(&str, &str)> {
    let (mount, user) = path.strip_prefix("auth/")?.split_once("/login/")?;
    (!user.is_empty() && !user.contains('/')).then_some((mount, user))
}
