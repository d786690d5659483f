//! Where templates, themes, logos and fonts come from: an organisation's own folder before the built-in ones.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::PaperError;
use super::packs::{self, PACKS, Pack};
use crate::files;

/// Most bytes of one file of the folder.
const MAX_FILE: usize = 4 << 20;

/// Language of last resort; every built-in template is there in it.
pub(super) const FALLBACK: &str = "en";

const BUILT_IN: [(&str, &str); 10] = [
    ("README.md", include_str!("../../templates/README.md")),
    ("theme.toml", include_str!("../../templates/theme.toml")),
    ("theme-large.toml", include_str!("../../templates/theme-large.toml")),
    ("en/sheet.md", include_str!("../../templates/en/sheet.md")),
    ("en/stub.md", include_str!("../../templates/en/stub.md")),
    ("en/audit.md", include_str!("../../templates/en/audit.md")),
    ("de/operator-card.md", include_str!("../../templates/de/operator-card.md")),
    ("es/operator-card.md", include_str!("../../templates/es/operator-card.md")),
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
    /// The kit, whose packs hold documents in English.
    kit: Option<PathBuf>,
    read: RefCell<BTreeMap<PathBuf, Option<Vec<u8>>>>,
}

impl Shelf {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned), kit: None, read: RefCell::default() }
    }

    /// The templates of a kit, and the documents of its packs.
    pub(super) fn of_kit(kit: &Path) -> Self {
        let folder = Some(kit.join("templates"));
        Self { folder, kit: Some(kit.to_owned()), read: RefCell::default() }
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
        for language in [language, FALLBACK] {
            if let Some(text) = self.text(&format!("{language}/{name}.md"))? {
                return Ok(Some(text));
            }
        }
        self.document(name)
    }

    /// Returns a document of a pack: as it lies in the kit, else the built-in one.
    pub(super) fn document(&self, name: &str) -> Result<Option<Source>, PaperError> {
        let built_in = packs::built_in(name);
        let packs =
            PACKS.iter().filter(|pack| built_in.is_none_or(|(own, _)| own.name == pack.name));
        for pack in packs {
            let path = format!("{}/{name}.md", pack.name);
            let Some(kit) = &self.kit else { break };
            let Some(bytes) = self.file(kit, &path)? else { continue };
            let text = String::from_utf8(bytes).map_err(|_| PaperError::File {
                name: path.clone(),
                what: "it is not UTF-8".to_owned(),
            })?;
            let own = built_in.is_none_or(|(_, words)| words != text);
            return Ok(Some(Source { name: path, text: text.into(), own }));
        }
        Ok(built_in.map(|(pack, text)| Source {
            name: format!("{}/{name}.md", pack.name),
            text: Cow::Borrowed(text),
            own: false,
        }))
    }

    /// Returns the documents that the kit has put beside those of the program, by their names alone.
    pub(super) fn added_documents(&self) -> Result<Vec<(&'static Pack, String)>, PaperError> {
        Ok(self.kit_documents()?.into_iter().filter(|(_, name)| is_free(name)).collect())
    }

    /// Returns the documents of the kit's packs that are not the program's own: added, changed, or not to be read at all.
    pub(super) fn changed_documents(&self) -> Result<Vec<(&'static Pack, String)>, PaperError> {
        let mut all = self.kit_documents()?;
        all.retain(|(pack, name)| match packs::built_in(name) {
            Some((own, _)) if own.name == pack.name => {
                !self.document(name).is_ok_and(|found| found.is_some_and(|source| !source.own))
            }
            _ => is_free(name),
        });
        Ok(all)
    }

    /// Returns files that look like documents and are never printed, each with the reason.
    pub(super) fn unused(&self) -> Result<Vec<(String, String)>, PaperError> {
        let mut found = Vec::new();
        for (pack, name) in self.kit_documents()? {
            let path = format!("{}/{name}.md", pack.name);
            match packs::built_in(&name) {
                Some((own, _)) if own.name == pack.name => {}
                Some((own, _)) => {
                    found.push((path, format!("it is printed from `{}/{name}.md`", own.name)));
                }
                None if is_free(&name) => {}
                None => found.push((path, format!("`{name}` is printed from `templates`"))),
            }
        }
        for pack in &PACKS {
            let stray = self.folder.as_ref().map(|folder| folder.join(pack.name));
            if stray.is_some_and(|folder| folder.is_dir()) {
                let what =
                    format!("papers of that pack lie in the kit's own folder `{}`", pack.name);
                found.push((format!("templates/{}", pack.name), what));
            }
        }
        Ok(found)
    }

    fn kit_documents(&self) -> Result<Vec<(&'static Pack, String)>, PaperError> {
        let mut found = Vec::new();
        let Some(kit) = &self.kit else { return Ok(found) };
        for pack in &PACKS {
            let folder = kit.join(pack.name);
            let names = markdown(&folder).map_err(|e| PaperError::File {
                name: pack.name.to_owned(),
                what: format!("{e} ({})", folder.display()),
            })?;
            found.extend(names.into_iter().map(|name| (pack, name)));
        }
        Ok(found)
    }

    /// Returns a picture or a font; there are none built in.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, PaperError> {
        self.own(name)?.ok_or_else(|| self.unusable(name, "there is no such file"))
    }

    fn own(&self, name: &str) -> Result<Option<Vec<u8>>, PaperError> {
        self.folder.as_ref().map_or(Ok(None), |folder| self.file(folder, name))
    }

    fn file(&self, folder: &Path, name: &str) -> Result<Option<Vec<u8>>, PaperError> {
        // a name is a file below the folder, never a way out of it
        let plain = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        if !plain || name.contains('\\') {
            return Err(
                self.unusable(name, "a file is named as it lies below the folder of the templates")
            );
        }
        let path = folder.join(name);
        if let Some(known) = self.read.borrow().get(&path) {
            return Ok(known.clone());
        }
        // nor is a link one
        let inside = match (path.canonicalize(), folder.canonicalize()) {
            (Ok(path), Ok(folder)) => path.starts_with(folder),
            _ => true,
        };
        if !inside {
            let what = "it is a link that leads out of the folder of the templates";
            return Err(self.unusable(name, what));
        }
        let read = files::refuse_odd(&path).and_then(|()| files::read(&path, MAX_FILE));
        let found = match read {
            Ok(bytes) => Some(bytes.to_vec()),
            Err(files::FileError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                None
            }
            Err(error) => return Err(self.unusable(name, &error.to_string())),
        };
        self.read.borrow_mut().insert(path, found.clone());
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
            // a pack is no language
            if language.file_name().and_then(|name| name.to_str()).and_then(Pack::named).is_some() {
                continue;
            }
            let Some(tag) = language.file_name().and_then(|name| name.to_str()) else { continue };
            let templates = markdown(&language).map_err(failed)?;
            names.extend(templates.into_iter().map(|name| (tag.to_owned(), name)));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns everything built in, by name.
    pub(super) fn built_in() -> impl Iterator<Item = (String, &'static str)> {
        let documents = PACKS.iter().flat_map(Pack::files);
        BUILT_IN.into_iter().map(|(name, text)| (name.to_owned(), text)).chain(documents)
    }

    /// Returns the names of the built-in documents that belong to no pack, the sheet left out.
    pub(super) fn documents() -> impl Iterator<Item = &'static str> {
        let names =
            BUILT_IN.iter().filter_map(|(name, _)| name.strip_prefix("en/")?.strip_suffix(".md"));
        names.filter(|name| *name != "sheet")
    }
}

/// Says whether a document of an organisation's own may have that name in a pack.
fn is_free(name: &str) -> bool {
    let other = BUILT_IN.iter().any(|(known, _)| *known == format!("{FALLBACK}/{name}.md"));
    packs::built_in(name).is_none() && !other && Pack::named(name).is_none()
}

/// Returns the names of the Markdown files in a folder, in order; none where there is no folder.
fn markdown(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        // whatever else has such a name is no document
        if !entry.path().is_file() {
            continue;
        }
        let file = entry.file_name();
        let name = file.to_str().and_then(|file| file.strip_suffix(".md"));
        names.extend(name.filter(|name| !name.starts_with('.')).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}
