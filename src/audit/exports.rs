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

/// Returns the files to be made for a release.
pub fn of(asked: &Asked<'_>) -> Vec<Export> {
    let target = |name: &str| asked.target.get(name).map_or("", String::as_str);
    let subject = SUBJECTS.iter().map(|name| target(name)).find(|text| !text.is_empty());
    let subject = quoted(subject.unwrap_or("USER"));
    let id = quoted(if asked.credential.is_empty() { "ID" } else { asked.credential });
    let (from, to) = (asked.window.0.rfc3339(), asked.window.1.rfc3339());
    let export = |what, name: &str, end: &str, command: String, timeless| {
        let file = format!("{name}-r{}.{end}", asked.record);
        Export { what, command: format!("{command} > {file}"), file, timeless }
    };
    const LOG: &str = "what was done, and when it was ended";
    const STATE: &str = "what is in force now";
    match known(asked.platform) {
        Some("aws") => vec![
            export(
                "who changed or deleted it",
                "changes",
                "json",
                format!(
                    "aws cloudtrail lookup-events --region us-east-1 --lookup-attributes AttributeKey=ResourceName,AttributeValue={id} --start-time {from} --end-time {to} --output json"
                ),
                false,
            ),
            export(
                "what was done with it; once for each region that it may be used in",
                "uses",
                "json",
                format!(
                    "aws cloudtrail lookup-events --region REGION --lookup-attributes AttributeKey=AccessKeyId,AttributeValue={id} --start-time {from} --end-time {to} --output json"
                ),
                false,
            ),
            export(
                STATE,
                "keys",
                "json",
                format!("aws iam list-access-keys --user-name {subject} --output json"),
                true,
            ),
        ],
        Some("postgresql") => {
            let host = quoted(if target("host").is_empty() { "HOST" } else { target("host") });
            vec![
                export(
                    STATE,
                    "roles",
                    "csv",
                    format!("psql -X -h {host} -U ADMIN -d postgres --csv -c \"{ROLES}\""),
                    false,
                ),
                export(
                    LOG,
                    "server",
                    "log",
                    format!("cat LOG_DIRECTORY/postgresql-*.json # jsonlog (or csvlog) of {from} to {to}"),
                    false,
                ),
            ]
        }
        Some("vault") => {
            let mut all = vec![export(
                LOG,
                "vault",
                "jsonl",
                format!(
                    "zcat -f AUDIT_LOG* | jq -c 'select(.time >= \"{from}\" and .time <= \"{to}\")'"
                ),
                false,
            )];
            // a token is known in the log by the hash of its accessor alone
            if target("user").is_empty() {
                let hash = format!(
                    "(echo credential_id,audit_hash; echo {id},$(bao write -field=hash sys/audit-hash/DEVICE input={id}))"
                );
                all.push(export("how the log calls the token", "hashes", "csv", hash, false));
            }
            all
        }
        Some("ssh") if !target("krl").is_empty() => {
            let (host, krl) = (quoted(target("host")), quoted(target("krl")));
            vec![export(STATE, "krl", "bin", format!("ssh ADMIN@{host} cat {krl}"), false)]
        }
        Some("linux") => {
            vec![export(STATE, "passwd", "txt", format!("passwd -S {subject}"), true)]
        }
        Some("gcp") => vec![
            export(
                LOG,
                "log",
                "json",
                format!(
                    "gcloud logging read 'protoPayload.authenticationInfo.principalEmail={subject} OR protoPayload.serviceName=\"iam.googleapis.com\" AND timestamp>=\"{from}\" AND timestamp<=\"{to}\"' --format=json"
                ),
                false,
            ),
            export(
                STATE,
                "keys",
                "json",
                format!("gcloud iam service-accounts keys list --iam-account={subject} --format=json"),
                true,
            ),
        ],
        Some("entra") => vec![
            export(STATE, "app", "json", format!("az ad app credential list --id {subject}"), true),
            export(STATE, "sp", "json", format!("az ad sp credential list --id {subject}"), true),
            export(
                LOG,
                "audit",
                "json",
                format!(
                    "az rest --url \"https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?\\$filter=activityDateTime ge {from} and activityDateTime le {to}\""
                ),
                false,
            ),
        ],
        Some("okta") => vec![export(
            LOG,
            "okta",
            "json",
            format!(
                "curl -K HEADER_FILE 'https://ORG.okta.com/api/v1/logs?since={from}&until={to}&limit=1000'"
            ),
            false,
        )],
        Some("github") => vec![export(
            LOG,
            "github",
            "json",
            format!(
                "gh api --paginate '/orgs/ORG/audit-log?include=all&phrase=created:{}..{}'",
                asked.window.0.date(),
                asked.window.1.date()
            ),
            false,
        )],
        _ => vec![Export {
            what: "what was done, when it was ended, and what is in force now",
            command: "a table `credential_id,event,at,window_from,window_to`, from the platform's own log"
                .to_owned(),
            file: format!("table-r{}.csv", asked.record),
            timeless: false,
        }],
    }
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
            // a name is one word to the shell
            assert!(all.iter().all(|e| !e.command.contains(" bg's")), "{all:?}");
        }
    }
}
