//! A credential and its parts: what custodians hold is bytes, what a driver changes are named texts.

use zeroize::Zeroizing;

use super::protocol::Fields;
use crate::credential::{self, Layout};
use crate::secret::Secret;

/// Why a credential does not make fields. Nothing of it is in the message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// It has not the layout of the method.
    #[error(transparent)]
    Layout(#[from] credential::CredentialError),
    /// It is not text.
    #[error("the credential is not text")]
    NotText,
    /// One part and `raw` go together, several parts need lines.
    #[error("the driver wants {0}, so the method file needs layout = \"lines\" under [release]")]
    NeedsLines(String),
    /// A part is missing.
    #[error("the credential has no line `{0}`, which the driver needs")]
    Missing(String),
    /// A part with a line feed does not fit into a line.
    #[error(
        "the part `{0}` of the new credential has several lines: use layout = \"raw\" and a driver with one part"
    )]
    Lines(String),
}

/// Takes a credential apart; `wanted` are the parts that the driver works with.
pub fn fields(bytes: &Secret, layout: Layout, wanted: &[String]) -> Result<Fields, FieldsError> {
    match (layout, wanted) {
        (Layout::Raw, [one]) => {
            if std::str::from_utf8(bytes.expose()).is_err() {
                return Err(FieldsError::NotText);
            }
            Ok(Fields::from([(one.clone(), Secret::new(bytes.expose().to_vec()))]))
        }
        (Layout::Raw, _) => Err(FieldsError::NeedsLines(wanted.join(", "))),
        (Layout::Lines, _) => {
            let fields: Fields = credential::fields(bytes)?
                .into_iter()
                .map(|field| (field.name, field.value))
                .collect();
            match wanted.iter().find(|name| !fields.contains_key(*name)) {
                Some(missing) => Err(FieldsError::Missing(missing.clone())),
                None => Ok(fields),
            }
        }
    }
}

/// Returns those parts that are `wanted`.
pub fn only(fields: &Fields, wanted: &[String]) -> Fields {
    let of = fields.iter().filter(|(name, _)| wanted.contains(name));
    of.map(|(name, value)| (name.clone(), Secret::new(value.expose().to_vec()))).collect()
}

/// Puts the next credential together: the parts of `new`, and of `old` what the driver does not change.
pub fn credential(
    new: &Fields,
    old: Option<&Fields>,
    layout: Layout,
) -> Result<Secret, FieldsError> {
    if layout == Layout::Raw {
        let mut parts = new.iter();
        if let (Some((_, value)), None) = (parts.next(), parts.next()) {
            return Ok(Secret::new(value.expose().to_vec()));
        }
        let names: Vec<&str> = new.keys().map(String::as_str).collect();
        return Err(FieldsError::NeedsLines(names.join(", ")));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(4096));
    let kept = old.into_iter().flatten().filter(|(name, _)| !new.contains_key(*name));
    for (name, value) in new.iter().chain(kept) {
        if value.expose().contains(&b'\n') {
            return Err(FieldsError::Lines(name.clone()));
        }
        out.extend(name.bytes().chain(*b": "));
        out.extend(value.expose());
        out.push(b'\n');
    }
    Ok(Secret::from(out))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_credential_is_taken_apart_and_put_together() {
        let old = secret("user: bg\npassword: old\nurl: db:5432\n");
        let wanted = ["password".to_owned()];
        let parts = fields(&old, Layout::Lines, &wanted).unwrap();
        let new = Fields::from([("password".to_owned(), secret("new"))]);
        let next = credential(&new, Some(&parts), Layout::Lines).unwrap();
        assert_eq!(next.expose(), b"password: new\nurl: db:5432\nuser: bg\n");
        let raw = fields(&secret("a key\nof lines\n"), Layout::Raw, &wanted).unwrap();
        let same = credential(&raw, None, Layout::Raw).unwrap();
        assert_eq!(same.expose(), b"a key\nof lines\n");
        let two = ["id".to_owned(), "secret".to_owned()];
        assert!(matches!(fields(&old, Layout::Raw, &two), Err(FieldsError::NeedsLines(_))));
        assert!(matches!(fields(&old, Layout::Lines, &two), Err(FieldsError::Missing(_))));
        let lines = Fields::from([("key".to_owned(), secret("a\nb"))]);
        assert!(matches!(credential(&lines, None, Layout::Lines), Err(FieldsError::Lines(_))));
    }
}
