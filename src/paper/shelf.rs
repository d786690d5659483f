//! Where templates, themes, logos and fonts come from: an organisation's own folder before the built-in ones.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::PaperError;
use crate::files;

/// Most bytes of one file of the folder.
const MAX_FILE: usize = 4 << 20;

/// Language of last resort; every built-in template is there in it.
pub(super) const FALLBACK: &str = "en";

const BUILT_IN: [(&str, &str); 17] = [
    ("README.md", include_str!("../../templates/README.md")),
    ("theme.toml", include_str!("../../templates/theme.toml")),
    ("theme-large.toml", include_str!("../../templates/theme-large.toml")),
    ("en/sheet.md", include_str!("../../templates/en/sheet.md")),
    ("en/slip.md", include_str!("../../templates/en/slip.md")),
    ("en/stub.md", include_str!("../../templates/en/stub.md")),
    ("en/audit.md", include_str!("../../templates/en/audit.md")),
    ("en/book.md", include_str!("../../templates/en/book.md")),
    ("en/card.md", include_str!("../../templates/en/card.md")),
    ("en/destruction.md", include_str!("../../templates/en/destruction.md")),
    ("en/evidence.md", include_str!("../../templates/en/evidence.md")),
    ("en/label.md", include_str!("../../templates/en/label.md")),
    ("en/operator.md", include_str!("../../templates/en/operator.md")),
    ("de/operator.md", include_str!("../../templates/de/operator.md")),
    ("es/operator.md", include_str!("../../templates/es/operator.md")),
    ("de/sheet.md", include_str!("../../templates/de/sheet.md")),
    ("es/sheet.md", include_str!("../../templates/es/sheet.md")),
];

/// A text with its name, `en/sheet.md`.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: Cow<'static, str>,
    /// Whether it is the organisation's own.
    pub(super) own: bool,
}

/// The built-in files, and the folder whose files go before them.
///
/// Every file is read once: what is hashed is what is printed, whatever happens to the folder meanwhile.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    folder: Option<PathBuf>,
    read: RefCell<BTreeMap<String, Option<Vec<u8>>>>,
}

impl Shelf {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned), read: RefCell::default() }
    }

    /// Returns the text of that name, `theme.toml` or `en/sheet.md`; nothing when there is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<Source>, PaperError> {
        if let Some(bytes) = self.own(name)? {
            let text =
                String::from_utf8(bytes).map_err(|_| self.unusable(name, "it is not UTF-8"))?;
            return Ok(Some(Source { name: name.to_owned(), text: text.into(), own: true }));
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        Ok(built_in.map(|(name, text)| Source {
            name: (*name).to_owned(),
            text: Cow::Borrowed(text),
            own: false,
        }))
    }

    /// Returns the template of that name in a language, or in English where there is none.
    pub(super) fn template(
        &self,
        language: &str,
        name: &str,
    ) -> Result<Option<Source>, PaperError> {
        match self.text(&format!("{language}/{name}.md"))? {
            Some(text) => Ok(Some(text)),
            None => self.text(&format!("{FALLBACK}/{name}.md")),
        }
    }

    /// Returns a picture or a font; there are none built in.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, PaperError> {
        self.own(name)?.ok_or_else(|| self.unusable(name, "there is no such file"))
    }

    fn own(&self, name: &str) -> Result<Option<Vec<u8>>, PaperError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        // a name is a file below the folder, never a way out of it
        let plain = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        if !plain || name.contains('\\') {
            return Err(
                self.unusable(name, "a file is named as it lies below the folder of the templates")
            );
        }
        if let Some(known) = self.read.borrow().get(name) {
            return Ok(known.clone());
        }
        let path = folder.join(name);
        // nor is a link one
        let inside = match (path.canonicalize(), folder.canonicalize()) {
            (Ok(path), Ok(folder)) => path.starts_with(folder),
            _ => true,
        };
        if !inside {
            let what = "it is a link that leads out of the folder of the templates";
            return Err(self.unusable(name, what));
        }
        let found = match files::read(&path, MAX_FILE) {
            Ok(bytes) => Some(bytes.to_vec()),
            Err(files::FileError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                None
            }
            Err(error) => return Err(self.unusable(name, &error.to_string())),
        };
        self.read.borrow_mut().insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn unusable(&self, name: &str, what: &str) -> PaperError {
        let at = self.folder.as_ref().map(|folder| format!(" ({})", folder.display()));
        PaperError::File {
            name: name.to_owned(),
            what: format!("{what}{}", at.unwrap_or_default()),
        }
    }

    /// Returns the organisation's own templates in order, each as language and name: `de`, `sheet`.
    pub(super) fn own_templates(&self) -> Result<Vec<(String, String)>, PaperError> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let failed = |error: io::Error| self.unusable(".", &error.to_string());
        let mut names = Vec::new();
        let languages = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(failed(error)),
        };
        for entry in languages {
            let language = entry.map_err(failed)?.path();
            if !language.is_dir() {
                continue;
            }
            for entry in std::fs::read_dir(&language).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                let parts = [language.file_name(), path.file_name()];
                let [Some(language), Some(file)] = parts.map(|part| part.and_then(|p| p.to_str()))
                else {
                    continue;
                };
                if let Some(name) = file.strip_suffix(".md").filter(|name| !name.starts_with('.')) {
                    names.push((language.to_owned(), name.to_owned()));
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns everything built in, by name.
    pub(super) fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.into_iter()
    }

    /// Returns the names of the built-in documents, without the sheet.
    pub(super) fn documents() -> impl Iterator<Item = &'static str> {
        let names =
            BUILT_IN.iter().filter_map(|(name, _)| name.strip_prefix("en/")?.strip_suffix(".md"));
        names.filter(|name| *name != "sheet")
    }
}
