//! What a statement in a log of PostgreSQL does to a role.

use crate::audit::facts::{Span, What};
use crate::audit::readers::time;

/// Splits a text at semicolons that stand in no quotes.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    text.split(move |c: char| {
        match quote {
            Some(open) if open == c => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            _ => {}
        }
        c == ';' && quote.is_none()
    })
}

/// Returns the statement in a message of `log_statement` or pgaudit.
pub(super) fn statement_of(message: &str) -> Option<&str> {
    if let Some(audit) = message.strip_prefix("AUDIT: ") {
        return audit.find("ROLE,").and_then(|_| {
            ["ALTER ROLE ", "CREATE ROLE ", "DROP ROLE ", "ALTER USER "]
                .iter()
                .find_map(|verb| audit.rfind(verb).map(|at| &audit[at..]))
        });
    }
    let statement = message.strip_prefix("statement: ");
    statement.or_else(|| Some(message.strip_prefix("execute ")?.split_once(": ")?.1))
}

/// What a statement does to a role.
pub(super) struct RoleChange {
    pub(super) role: String,
    pub(super) what: Vec<What>,
    pub(super) word: &'static str,
    pub(super) expires: Option<Span>,
    pub(super) ends_now: bool,
    pub(super) clear_password: bool,
}

/// Reads `CREATE`, `ALTER` and `DROP` of a role.
pub(super) fn role_change(statement: &str) -> Option<RoleChange> {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let verb = words.first()?.to_ascii_uppercase();
    if !matches!(&*words.get(1)?.to_ascii_uppercase(), "ROLE" | "USER") {
        return None;
    }
    let name = words
        .iter()
        .skip(2)
        .find(|word| !matches!(&*word.to_ascii_uppercase(), "IF" | "EXISTS"))?;
    // names fold to lower case unless they are quoted
    let role = match name.trim_end_matches(';').strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').to_owned(),
        None => name.trim_end_matches(';').to_lowercase(),
    };
    let said =
        |word: &str| words.iter().any(|w| w.trim_end_matches(';').eq_ignore_ascii_case(word));
    let after = |word: &str| {
        let at = words.iter().position(|w| w.eq_ignore_ascii_case(word))?;
        words.get(at + 1).copied()
    };
    let secret = after("PASSWORD").unwrap_or_default();
    let hashed = ["'SCRAM-SHA-256", "'md5", "<REDACTED>", "NULL", "$1"];
    let clear_password = said("PASSWORD")
        && !hashed
            .iter()
            .any(|start| secret.to_ascii_uppercase().starts_with(&start.to_ascii_uppercase()));
    let mut change = RoleChange {
        role,
        what: Vec::new(),
        word: "",
        expires: None,
        ends_now: false,
        clear_password,
    };
    match &*verb {
        "DROP" => (change.what, change.word) = (vec![What::Deleted], "DROP ROLE"),
        "CREATE" => (change.what, change.word) = (vec![What::Created], "CREATE ROLE"),
        "ALTER" => {
            change.word = "ALTER ROLE";
            if said("PASSWORD") {
                change.what.push(What::SecretChanged);
            }
            if said("NOLOGIN") {
                change.what.push(What::Deactivated);
            } else if said("LOGIN") {
                change.what.push(What::Reactivated);
            }
        }
        _ => return None,
    }
    if said("VALID") && said("UNTIL") {
        let until =
            statement.split("UNTIL").nth(1).unwrap_or_default().trim().trim_start_matches('\'');
        let until = until.split('\'').next().unwrap_or_default();
        change.ends_now = until == "now";
        change.expires = time::database(until).or_else(|| time::zoned(until)).map(Span::at);
        change.what.push(What::Expires);
    }
    (!change.what.is_empty()).then_some(change)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_done_to_a_role() {
        for (statement, role, what, clear) in [
            ("ALTER ROLE bg PASSWORD 'new'", "bg", vec![What::SecretChanged], true),
            (
                "alter user BG password 'SCRAM-SHA-256$4096:x$y:z';",
                "bg",
                vec![What::SecretChanged],
                false,
            ),
            ("ALTER ROLE \"Bg\" NOLOGIN", "Bg", vec![What::Deactivated], false),
            ("DROP ROLE IF EXISTS bg;", "bg", vec![What::Deleted], false),
            (
                "CREATE ROLE bg LOGIN PASSWORD 'x' VALID UNTIL '2027-01-01 00:00:00+00'",
                "bg",
                vec![What::Created, What::Expires],
                true,
            ),
        ] {
            let change = role_change(statement).unwrap();
            assert_eq!(
                (&*change.role, &change.what, change.clear_password),
                (role, &what, clear),
                "{statement}"
            );
        }
        assert!(role_change("ALTER TABLE t ADD COLUMN password text").is_none());
        assert!(role_change("ALTER ROLE bg SET search_path = x").is_none());
        let audit =
            "AUDIT: SESSION,1,1,ROLE,ALTER ROLE,,,ALTER ROLE bg PASSWORD <REDACTED>,<not logged>";
        assert!(!role_change(statement_of(audit).unwrap()).unwrap().clear_password);
    }
}
