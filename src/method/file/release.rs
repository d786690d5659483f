//! `[release]`: how the credential is laid out, and which variables of a program get which part of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::MethodError;
use super::check::Checker;
use crate::credential::Layout;

/// Variables that change which program runs, or where its words go.
const REFUSED: [&str; 18] = [
    "ALL_PROXY",
    "AWS_CONFIG_FILE",
    "BASH_ENV",
    "ENV",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "NODE_OPTIONS",
    "PATH",
    "PERL5LIB",
    "PERL5OPT",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYOPT",
    "SHELLOPTS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Where a variable of the program's environment comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The whole credential, without a line end.
    All,
    /// A field of the layout `lines`.
    Field(String),
    /// A field that only some credentials have, such as personal ones.
    Maybe(String),
    /// A text that is no secret.
    Text(String),
}

/// The table as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRelease {
    layout: Option<Spanned<String>>,
    #[serde(default)]
    env: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl Checker<'_> {
    pub(super) fn release(
        &self,
        raw: &RawRelease,
    ) -> Result<(Layout, BTreeMap<String, Source>), MethodError> {
        let layout = match &raw.layout {
            None => Layout::Raw,
            Some(text) => match text.get_ref().as_str() {
                "raw" => Layout::Raw,
                "lines" => Layout::Lines,
                _ => return Err(self.rule(text.span(), "a layout is \"raw\" or \"lines\"")),
            },
        };
        let mut env = BTreeMap::new();
        for (name, value) in &raw.env {
            let text = name.get_ref();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if text.is_empty()
                || !text.bytes().all(plain)
                || text.starts_with(|c: char| c.is_ascii_digit())
            {
                return Err(self.rule(name.span(), "a variable has letters, digits and _"));
            }
            let steers = REFUSED.contains(&text.to_ascii_uppercase().as_str())
                || text.starts_with("LD_")
                || text.starts_with("DYLD_")
                || text.starts_with("GIT_SSH")
                || text.ends_with("_CA_BUNDLE")
                || text.contains("ENDPOINT_URL");
            if steers {
                let what = "this variable could send the credential elsewhere: it is refused";
                return Err(self.rule(name.span(), what));
            }
            let source = self.source(layout, value)?;
            env.insert(text.clone(), source);
        }
        Ok((layout, env))
    }

    fn source(&self, layout: Layout, value: &Spanned<String>) -> Result<Source, MethodError> {
        let text = self.printed(value)?;
        if let Some(literal) = text.strip_prefix('=') {
            return Ok(Source::Text(literal.to_owned()));
        }
        match (text.as_str(), layout) {
            ("all", _) => Ok(Source::All),
            ("", _) | (_, Layout::Raw) => {
                let what = "\"all\" for the whole credential, \"=text\" for a text that is no secret; \
                            a field needs layout = \"lines\"";
                Err(self.rule(value.span(), what))
            }
            (field, Layout::Lines) => Ok(match field.strip_suffix('?') {
                Some(field) => Source::Maybe(field.to_ascii_lowercase()),
                None => Source::Field(field.to_ascii_lowercase()),
            }),
        }
    }
}
