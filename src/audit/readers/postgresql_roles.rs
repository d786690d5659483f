//! What `pg_authid` holds, as CSV: the state of roles, with a fingerprint of each verifier.
//!
//! ```sql
//! SELECT rolname, rolcanlogin, rolsuper, rolvaliduntil,
//!   encode(sha256(rolpassword::bytea), 'hex') AS password_fp, now() AS report_time FROM pg_authid
//! ```

use super::time::database;
use super::{Format, Input, each_row};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Listing, Reading, Told, Whose};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "PostgreSQL roles",
    platform: "postgresql",
    kind: Kind::State,
    knows: |probe| probe.table(&["rolname", "password_fp", "report_time"]),
    read,
}];

fn read(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    reading.found.listing = Some(Listing { of: Whose::Everybody, by: Told::Fingerprint });
    each_row(input, reading, |row, reading| {
        let at = database(row.get("report_time"))
            .ok_or_else(|| format!("`{}` is no time with its offset", row.get("report_time")))?;
        reading.found.report_time = Some(at);
        let (role, print) = (row.get("rolname"), row.get("password_fp").to_lowercase());
        let open = row.get("rolcanlogin").starts_with('t');
        let what = if open && !print.is_empty() { What::SeenActive } else { What::SeenInactive };
        let fact = |what, when| Fact::new(what, when).subject(role).credential(&print);
        reading.fact(fact(what, Span::at(at)).word(if open { "LOGIN" } else { "NOLOGIN" }));
        if let Some(until) = database(row.get("rolvaliduntil")) {
            reading.fact(fact(What::Expires, Span::at(until)).word("VALID UNTIL"));
        }
        Ok(())
    })
}
