//! AWS IAM credential report: CSV, or the JSON of `get-credential-report` around it.
//!
//! It holds no key ids: only two slots a user, told apart by when the key in them was made. It is up to four hours old,
//! and only the JSON says when it was made.

use serde::Deserialize;

use super::time::zoned;
use super::{Format, Input, Row, each_row, rows_of, whole_text};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Listing, Reading, Told, Whose};
use crate::audit::facts::{Fact, Span, What};

const COLUMNS: [&str; 4] = ["user", "arn", "access_key_1_active", "access_key_1_last_rotated"];

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "AWS credential report",
        platform: "aws",
        kind: Kind::State,
        knows: |probe| probe.json(|shape| shape.has(&["Content", "GeneratedTime"])),
        read: wrapped,
    },
    Format {
        name: "AWS credential report",
        platform: "aws",
        kind: Kind::State,
        knows: |probe| probe.table(&COLUMNS),
        read: bare,
    },
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapper {
    content: String,
    generated_time: String,
}

fn wrapped(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    use base64::Engine;
    let text = whole_text(input)?;
    let broken = |what: String| Broken { record: 0, what, at_end: false };
    let wrapper: Wrapper = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
    let content = base64::engine::general_purpose::STANDARD
        .decode(&wrapper.content)
        .map_err(|e| broken(format!("its Content is not base64: {e}")))?;
    // its own word counts more than anybody's
    reading.found.report_time = zoned(&wrapper.generated_time);
    begin(reading);
    rows_of(&*content, reading, row)
}

fn bare(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    begin(reading);
    if reading.found.report_time.is_none() {
        reading.note("it does not say when it was made: `--report-time FILE=TIME`, or export the JSON of `get-credential-report`");
    }
    each_row(input, reading, row)
}

fn begin(reading: &mut Reading<'_>) {
    reading.found.listing = Some(Listing { of: Whose::Everybody, by: Told::Made });
}

fn row(row: &Row<'_>, reading: &mut Reading<'_>) -> Result<(), String> {
    let user = row.get("user");
    if user.is_empty() {
        return Err("it names no user".to_owned());
    }
    if let Some(account) = row.get("arn").split(':').nth(4) {
        reading.account(account);
    }
    if !matches!(row.get("additional_credentials_info"), "" | "N/A")
        && reading.interest.wants(user, "")
    {
        reading.partial(format!("{user} has more keys than the two that are listed"));
    }
    let seen = reading.found.report_time.map_or(Span::UNKNOWN, Span::at);
    for slot in ["access_key_1", "access_key_2"] {
        let cell = |name: &str| row.get(&format!("{slot}_{name}")).to_owned();
        // a slot without a key has no time
        let Some(made) = zoned(&cell("last_rotated")) else { continue };
        let what = if cell("active").eq_ignore_ascii_case("true") {
            What::SeenActive
        } else {
            What::SeenInactive
        };
        reading.fact(Fact::new(what, seen).subject(user).made(Some(made)).word(slot));
        // the first use within 15 minutes is what is kept
        used(reading, user, Some(made), &cell("last_used_date"), 15 * 60);
    }
    if row.get("password_enabled").eq_ignore_ascii_case("true") {
        let changed = zoned(row.get("password_last_changed"));
        let id = format!("{user} password");
        reading
            .fact(Fact::new(What::SeenActive, seen).subject(user).credential(&id).word("password"));
        if let Some(changed) = changed {
            let fact = Fact::new(What::SecretChanged, Span::at(changed));
            reading.fact(fact.subject(user).credential(&id).word("password"));
        }
    }
    let last = zoned(row.get("password_last_used"));
    if let Some(last) = last {
        let fact = Fact::new(What::Used, Span::between(last, last.shifted(5 * 60)));
        reading.fact(fact.subject(user).credential(&format!("{user} password")).word("password"));
    }
    Ok(())
}

fn used(
    reading: &mut Reading<'_>,
    user: &str,
    made: Option<crate::clock::Instant>,
    cell: &str,
    span: i64,
) {
    if let Some(at) = zoned(cell) {
        let fact = Fact::new(What::Used, Span::between(at, at.shifted(span)));
        reading.fact(fact.subject(user).made(made).word("last used"));
    }
}
