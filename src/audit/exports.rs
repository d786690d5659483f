//! What has to be exported from a platform after a release, how, and before when: platforms forget.
//!
//! Each command is of the platform's own tool. Words in capitals are for whoever exports to fill in.

use std::collections::BTreeMap;

use super::case::known;
use super::evidence::SUBJECTS;
use crate::clock::Instant;

/// One file to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// What it shows.
    pub what: &'static str,
    /// The command line that makes it.
    pub command: String,
    /// Name of the file.
    pub file: String,
    /// Whether it does not say when it was taken: `audit --report-time FILE=TIME`.
    pub timeless: bool,
}

/// A release, as far as an export has to know it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Driver, or the word of the method file.
    pub platform: &'a str,
    /// `[rotation.target]`.
    pub target: &'a BTreeMap<String, String>,
    /// Public id of the credential.
    pub credential: &'a str,
    /// Record of the release.
    pub record: u64,
    /// From a while before the release to a while after the revocation.
    pub window: (Instant, Instant),
}

/// Days that a platform keeps what it knows by itself, and what is meant.
pub fn keeps(platform: &str) -> (u16, &'static str) {
    match known(platform) {
        Some("aws") => (90, "CloudTrail's event history goes back 90 days"),
        Some("gcp") => (400, "Cloud Audit Logs keep admin activity 400 days"),
        Some("entra") => (30, "Entra keeps its audit log 30 days"),
        Some("okta") => (90, "Okta keeps its system log 90 days"),
        Some("github") => (180, "GitHub keeps its audit log 180 days"),
        _ => (30, "a server's own logs are rotated away; 30 days are assumed"),
    }
}

/// The columns of the report of roles, as the reader of it wants them.
const ROLES: &str = "SELECT rolname, rolcanlogin, rolsuper, rolvaliduntil, encode(sha256(rolpassword::bytea), 'hex') AS password_fp, now() AS report_time FROM pg_authid";

/// A text in a shell's single quotes.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

const LOG: &str = "what was done, and when it was ended";
const STATE: &str = "what is in force now";

impl Asked<'_> {
    fn target(&self, name: &str) -> &str {
        self.target.get(name).map_or("", String::as_str)
    }

    /// A target, or a word that somebody fills in.
    fn or(&self, name: &str, word: &str) -> String {
        quoted(Some(self.target(name)).filter(|text| !text.is_empty()).unwrap_or(word))
    }

    fn subject(&self) -> String {
        let named = SUBJECTS.iter().map(|name| self.target(name)).find(|text| !text.is_empty());
        quoted(named.unwrap_or("USER"))
    }

    fn id(&self) -> String {
        quoted(if self.credential.is_empty() { "ID" } else { self.credential })
    }

    fn times(&self) -> (String, String) {
        (self.window.0.rfc3339(), self.window.1.rfc3339())
    }

    fn file(&self, what: &'static str, (name, end): (&str, &str), command: &str) -> Export {
        let file = format!("{name}-r{}.{end}", self.record);
        Export { what, command: format!("{command} > {file}"), file, timeless: false }
    }

    /// A file that does not say when it was made.
    fn timeless(&self, what: &'static str, name: (&str, &str), command: &str) -> Export {
        Export { timeless: true, ..self.file(what, name, command) }
    }
}

/// Returns the files to be made for a release.
pub fn of(asked: &Asked<'_>) -> Vec<Export> {
    match known(asked.platform) {
        Some("aws") => aws(asked),
        Some("postgresql") => postgresql(asked),
        Some("vault") => vault(asked),
        Some("ssh") if !asked.target("krl").is_empty() => {
            let (host, krl) = (asked.or("host", "HOST"), asked.or("krl", "KRL"));
            vec![asked.file(STATE, ("krl", "bin"), &format!("ssh ADMIN@{host} cat {krl}"))]
        }
        Some("linux") => {
            let command = format!("passwd -S {}", asked.subject());
            vec![asked.timeless(STATE, ("passwd", "txt"), &command)]
        }
        Some("gcp") => gcp(asked),
        Some("entra") => entra(asked),
        Some("okta") => {
            let (from, to) = asked.times();
            let command = format!(
                "curl -K HEADER_FILE 'https://ORG.okta.com/api/v1/logs?since={from}&until={to}&limit=1000'"
            );
            vec![asked.file(LOG, ("okta", "json"), &command)]
        }
        Some("github") => {
            let (from, to) = (asked.window.0.date(), asked.window.1.date());
            let command = format!(
                "gh api --paginate '/orgs/ORG/audit-log?include=all&phrase=created:{from}..{to}'"
            );
            vec![asked.file(LOG, ("github", "json"), &command)]
        }
        _ => vec![Export {
            what: "what was done, when it was ended, and what is in force now",
            command: "a table `credential_id,event,at,window_from,window_to`, from the platform's own log"
                .to_owned(),
            file: format!("table-r{}.csv", asked.record),
            timeless: false,
        }],
    }
}

fn aws(asked: &Asked<'_>) -> Vec<Export> {
    let (id, (from, to)) = (asked.id(), asked.times());
    let lookup = |region: &str, key: &str| {
        format!(
            "aws cloudtrail lookup-events --region {region} --lookup-attributes AttributeKey={key},AttributeValue={id} --start-time {from} --end-time {to} --output json"
        )
    };
    let list = format!("aws iam list-access-keys --user-name {} --output json", asked.subject());
    vec![
        asked.file(
            "who changed or deleted it",
            ("changes", "json"),
            &lookup("us-east-1", "ResourceName"),
        ),
        asked.file(
            "what was done with it; once for each region that it may be used in",
            ("uses", "json"),
            &lookup("REGION", "AccessKeyId"),
        ),
        asked.timeless(STATE, ("keys", "json"), &list),
    ]
}

fn postgresql(asked: &Asked<'_>) -> Vec<Export> {
    let (host, (from, to)) = (asked.or("host", "HOST"), asked.times());
    let roles = format!("psql -X -h {host} -U ADMIN -d postgres --csv -c \"{ROLES}\"");
    let log =
        format!("cat LOG_DIRECTORY/postgresql-*.json # jsonlog (or csvlog) of {from} to {to}");
    vec![
        asked.file(STATE, ("roles", "csv"), &roles),
        // the comment ends the line, so the file is named before it
        Export {
            command: log.replace(" #", &format!(" > server-r{}.log #", asked.record)),
            ..asked.file(LOG, ("server", "log"), "")
        },
    ]
}

fn vault(asked: &Asked<'_>) -> Vec<Export> {
    let (id, (from, to)) = (asked.id(), asked.times());
    let log =
        format!("zcat -f AUDIT_LOG* | jq -c 'select(.time >= \"{from}\" and .time <= \"{to}\")'");
    let mut all = vec![asked.file(LOG, ("vault", "jsonl"), &log)];
    // a token is known in the log by the hash of its accessor alone
    if asked.target("user").is_empty() {
        let hash = format!(
            "(echo credential_id,audit_hash; echo {id},$(bao write -field=hash sys/audit-hash/DEVICE input={id}))"
        );
        all.push(asked.file("how the log calls the token", ("hashes", "csv"), &hash));
    }
    all
}

fn gcp(asked: &Asked<'_>) -> Vec<Export> {
    let (from, to) = asked.times();
    let subject = asked.subject();
    let filter = quoted(&format!(
        "(protoPayload.authenticationInfo.principalEmail={} OR protoPayload.serviceName=\"iam.googleapis.com\") AND timestamp>=\"{from}\" AND timestamp<=\"{to}\"",
        subject.trim_matches('\'')
    ));
    let list =
        format!("gcloud iam service-accounts keys list --iam-account={subject} --format=json");
    vec![
        asked.file(LOG, ("log", "json"), &format!("gcloud logging read {filter} --format=json")),
        asked.timeless(STATE, ("keys", "json"), &list),
    ]
}

fn entra(asked: &Asked<'_>) -> Vec<Export> {
    let (subject, (from, to)) = (asked.subject(), asked.times());
    let audit = format!(
        "az rest --url \"https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?\\$filter=activityDateTime ge {from} and activityDateTime le {to}\""
    );
    vec![
        asked.timeless(
            STATE,
            ("app", "json"),
            &format!("az ad app credential list --id {subject}"),
        ),
        asked.timeless(STATE, ("sp", "json"), &format!("az ad sp credential list --id {subject}")),
        asked.file(LOG, ("audit", "json"), &audit),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_its_commands() {
        let target = BTreeMap::from([
            ("user".to_owned(), "bg's".to_owned()),
            ("host".to_owned(), "h".to_owned()),
            ("krl".to_owned(), "/k".to_owned()),
        ]);
        let window = (Instant::from_unix(1_790_000_000), Instant::from_unix(1_790_090_000));
        for platform in
            ["aws-iam-access-key", "postgresql", "vault-userpass", "ssh-key", "linux-password"]
                .into_iter()
                .chain(["gcp-key", "entra-app", "okta", "github", "anything"])
        {
            let asked = Asked { platform, target: &target, credential: "K", record: 7, window };
            let all = of(&asked);
            assert!(!all.is_empty() && all.iter().all(|e| e.file.contains("-r7.")), "{platform}");
            assert!(keeps(platform).0 >= 30);
            // a name is one word to the shell, whatever is in it
            let words = |e: &Export| {
                let output = std::process::Command::new("sh").args(["-nc", &e.command]).output();
                output.is_ok_and(|output| output.status.success())
            };
            assert!(platform == "anything" || all.iter().all(words), "{all:?}");
        }
    }
}
