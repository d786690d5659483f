//! What the platform itself says, as a file whose hash goes into the record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::Report;
use crate::clock::Instant;
use crate::files::{self, FileError};
use crate::logbook::hex;
use crate::set::sha256;

/// An evidence file.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Why a report is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// What the platform said cannot be read.
    #[error("the report's `{0}` is not base64")]
    Raw(String),
    /// The time is none.
    #[error("the report says that it was made at `{0}`, which is no time")]
    Time(String),
}

/// Writes a report into the folder, a new file named after platform and time.
///
/// Every file of the platform is in it, byte for byte, with its SHA-256; `taken_at` is this machine's time, beside the
/// platform's own, so that its clock can be judged, too.
pub fn write(
    folder: &Path,
    (platform, target): (&str, &BTreeMap<String, String>),
    report: &Report,
    now: Instant,
) -> Result<Evidence, EvidenceError> {
    if Instant::parse_rfc3339(&report.generated_at).is_none() {
        return Err(EvidenceError::Time(report.generated_at.clone()));
    }
    let mut raw = Vec::new();
    for file in &report.raw {
        let bytes =
            STANDARD.decode(&file.base64).map_err(|_| EvidenceError::Raw(file.name.clone()))?;
        raw.push(json!({
            "name": file.name,
            "media_type": file.media_type,
            "sha256": hex(&sha256(&[&bytes])),
            "base64": file.base64,
        }));
    }
    let items: Vec<Value> = report
        .items
        .iter()
        .map(|item| json!({ "id": item.id, "status": item.status, "created_at": item.created_at }))
        .collect();
    let object = json!({
        "breakglass_report": 1,
        "platform": platform,
        "target": target,
        "account": report.account,
        "caller": report.caller,
        "generated_at": report.generated_at,
        "clock_source": report.clock_source,
        "taken_at": now.rfc3339(),
        "complete": report.complete,
        "items": items,
        "raw": raw,
    });
    let text = format!("{object:#}\n");
    files::make_private_folder(folder)?;
    let stamp: String = now.rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
    let sha256 = sha256(&[text.as_bytes()]);
    // two reports of one second do not get into each other's way
    // a driver of one's own may be called anything
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let platform: String = platform.trim_start_matches('.').chars().map(plain).take(60).collect();
    let name = format!("{platform}-{stamp}-{}.json", &hex(&sha256)[..8]);
    let path = folder.join(name);
    files::write_new(&path, text.as_bytes())?;
    Ok(Evidence { path, sha256 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rotation::answer::{Item, Raw};

    fn report(base64: &str) -> Report {
        let item = Item { id: "A".into(), status: "absent".into(), created_at: String::new() };
        Report {
            generated_at: "2026-11-24T04:02:11Z".into(),
            clock_source: "Date header".into(),
            account: "1".into(),
            caller: "me".into(),
            complete: true,
            items: vec![item],
            raw: vec![Raw {
                name: "keys.json".into(),
                media_type: "application/json".into(),
                base64: base64.into(),
            }],
        }
    }

    #[test]
    fn what_the_platform_said_is_kept_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("evidence");
        let now = Instant::parse("2026-11-24T04:02:13Z").unwrap();
        let target = BTreeMap::from([("user".to_owned(), "bg".to_owned())]);
        let evidence = write(&folder, ("../fake/x", &target), &report("W10K"), now).unwrap();
        assert_eq!(evidence.path.parent(), Some(&*folder));
        let bytes = std::fs::read(&evidence.path).unwrap();
        assert_eq!(sha256(&[&bytes]), evidence.sha256);
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["raw"][0]["sha256"], hex(&sha256(&[b"[]\n"])));
        assert_eq!(value["taken_at"], "2026-11-24T04:02:13Z");
        assert!(matches!(
            write(&folder, ("fake", &target), &report("*"), now),
            Err(EvidenceError::Raw(_))
        ));
        let timeless = Report { generated_at: "today".into(), ..report("W10K") };
        assert!(matches!(
            write(&folder, ("fake", &target), &timeless, now),
            Err(EvidenceError::Time(_))
        ));
    }
}
