//! What a statement in a log of PostgreSQL does to a role.

use crate::audit::facts::{Span, What};
use crate::audit::readers::time;

/// Splits a text at semicolons that stand in no quotes, quoted names, dollar quotes or comments; comments are taken out.
pub(super) fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut rest) = (Vec::new(), String::new(), text);
    while let Some(sign) = rest.chars().next() {
        let skip = match sign {
            '\'' | '"' => rest[1..].find(sign).map_or(rest.len(), |at| at + 2),
            '-' if rest.starts_with("--") => {
                rest = rest.split_once('\n').map_or("", |(_, after)| after);
                part.push(' ');
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest.split_once("*/").map_or("", |(_, after)| after);
                part.push(' ');
                continue;
            }
            '$' => dollar(rest).unwrap_or(1),
            ';' => {
                parts.push(std::mem::take(&mut part));
                rest = &rest[1..];
                continue;
            }
            sign => sign.len_utf8(),
        };
        let (taken, after) = rest.split_at(skip);
        part.push_str(taken);
        rest = after;
    }
    parts.push(part);
    parts
}

/// Returns how long a text in dollar quotes is, if one begins here: `$$…$$`, `$tag$…$tag$`.
fn dollar(text: &str) -> Option<usize> {
    let end = text[1..].find('$')? + 2;
    let tag = &text[..end];
    let plain = tag[1..end - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    let closed = text[end..].find(tag).map_or(text.len(), |at| end + at + end);
    plain.then_some(closed)
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
    /// Further roles that are dropped with it.
    pub(super) others: Vec<String>,
    /// It goes on under another name.
    pub(super) renamed: bool,
}

/// Returns the words of a statement; what stands in quotes is one word, quotes and all.
fn words(statement: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for sign in statement.chars() {
        match quote {
            Some(open) => {
                word.push(sign);
                quote = (sign != open).then_some(open);
            }
            None if sign == '\'' || sign == '"' => {
                word.push(sign);
                quote = Some(sign);
            }
            None if sign.is_whitespace() || sign == ',' => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            None => word.push(sign),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Reads `CREATE`, `ALTER` and `DROP` of a role.
pub(super) fn role_change(statement: &str) -> Option<RoleChange> {
    let words = words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let verb = words.first()?.to_ascii_uppercase();
    if !matches!(&*words.get(1)?.to_ascii_uppercase(), "ROLE" | "USER") {
        return None;
    }
    let plain = |word: &&&str| !matches!(&*word.to_ascii_uppercase(), "IF" | "EXISTS");
    let mut names = words.iter().skip(2).filter(plain).copied().peekable();
    // names fold to lower case unless they are quoted
    let folded = |name: &str| match name.trim_end_matches(';').strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').to_owned(),
        None => name.trim_end_matches(';').to_lowercase(),
    };
    let role = folded(names.peek()?);
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
        others: Vec::new(),
        renamed: false,
    };
    // settings of a role may have any words in them
    let rest = |word: &str| words.get(3).is_some_and(|w| w.eq_ignore_ascii_case(word));
    if verb == "ALTER" && ["SET", "RESET", "IN"].into_iter().any(rest) {
        return None;
    }
    if verb == "ALTER" && rest("RENAME") {
        change.renamed = true;
        return Some(change);
    }
    match &*verb {
        "DROP" => {
            (change.what, change.word) = (vec![What::Deleted], "DROP ROLE");
            change.others = names.skip(1).map(folded).collect();
        }
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
        assert!(role_change("ALTER ROLE bg SET application_name = 'new PASSWORD set'").is_none());
        assert!(role_change("ALTER ROLE bg CONNECTION LIMIT 5").is_none());
        assert!(role_change("ALTER ROLE bg RENAME TO old").unwrap().renamed);
        assert_eq!(split("a; /* b; c */ 'd;e' -- f; g\n; $$ h; i $$").len(), 3);
        let audit =
            "AUDIT: SESSION,1,1,ROLE,ALTER ROLE,,,ALTER ROLE bg PASSWORD <REDACTED>,<not logged>";
        assert!(!role_change(statement_of(audit).unwrap()).unwrap().clear_password);
    }
}
