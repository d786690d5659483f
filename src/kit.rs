//! The kit: a folder for one access method.
//!
//! `method.toml`, `contacts.toml`, `logbook.jsonl`, `sets/CODE/` (dealt method, manifest, sealed credential) and the
//! documents. No share, no plaintext and no paper is ever kept in it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::codes::code::{Code, CodeKind};
use crate::codes::payload::{self, Payload};
use crate::files::{self, FileError};
use crate::logbook::Logbook;
use crate::method::{Contacts, Method, MethodError, file::MAX_FILE};
use crate::paper::{PACKS, Pack};
use crate::sealing::MAX_SEALED;
use crate::set::{CodeBytes, Manifest, sha256};
use crate::state::{self, State};

/// What `init` lays down beside the papers of the packs: name and content.
const SEED: [(&str, &str); 14] = [
    ("README.md", include_str!("../custodian-kit/README.md")),
    ("method.toml", include_str!("../custodian-kit/method.toml")),
    ("contacts.toml", include_str!("../custodian-kit/contacts.toml")),
    ("recover.py", include_str!("../custodian-kit/recover.py")),
    ("verify.py", include_str!("../custodian-kit/verify.py")),
    ("drivers/README.md", include_str!("../custodian-kit/drivers/README.md")),
    ("drivers/example.sh", include_str!("../custodian-kit/drivers/example.sh")),
    ("queries/README.md", include_str!("../custodian-kit/queries/README.md")),
    (
        "queries/athena-cloudtrail.sql",
        include_str!("../custodian-kit/queries/athena-cloudtrail.sql"),
    ),
    ("queries/bigquery-audit.sql", include_str!("../custodian-kit/queries/bigquery-audit.sql")),
    ("queries/sentinel-entra.kql", include_str!("../custodian-kit/queries/sentinel-entra.kql")),
    (
        "queries/splunk-cloudtrail.spl",
        include_str!("../custodian-kit/queries/splunk-cloudtrail.spl"),
    ),
    (
        ".gitignore",
        "# papers and secrets never belong here\n*.pdf\n*.png\n*.jpg\nrecord-*.json\ntyped-*.txt\n!templates/**\n",
    ),
    (".gitattributes", "# every byte counts: the logbook is a chain of hashes\n* -text\n"),
];

/// A kit folder.
pub struct Kit {
    dir: PathBuf,
}

/// A set as the kit knows it; its manifest's code was checked.
#[derive(Clone)]
pub struct KnownSet {
    /// Set code.
    pub code: Code,
    /// Manifest.
    pub manifest: Manifest,
    /// Sealed credential, when the kit has it.
    pub sealed: Option<Vec<u8>>,
    /// Hashes of the sheets that the logbook says were issued; `None`: the logbook does not say.
    pub issued: Option<BTreeSet<[u8; 16]>>,
}

/// Why a kit, or a part of it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// There is no `method.toml`.
    #[error("`{}` is not a kit: it has no method.toml", .0.display())]
    NoKit(PathBuf),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The method file is not valid.
    #[error("`{}` is not a valid access method\n{source}", path.display())]
    Method {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: MethodError,
    },
    /// The contacts file is not valid.
    #[error("`{}` is not valid\n{what}", path.display())]
    Contacts {
        /// Which file.
        path: PathBuf,
        /// Why, with line and caret.
        what: String,
    },
    /// A set folder does not hold what its name says.
    #[error("`{}` does not hold the set that its name says: {what}", path.display())]
    Set {
        /// Which folder.
        path: PathBuf,
        /// Why.
        what: String,
    },
}

impl Kit {
    /// Takes a folder that has a `method.toml` or a logbook.
    pub fn open(dir: &Path) -> Result<Self, KitError> {
        let kit = Self { dir: dir.to_owned() };
        for path in [kit.method_path(), kit.logbook().path().to_owned()] {
            match path.try_exists() {
                Ok(true) => return Ok(kit),
                Ok(false) => {}
                // a folder that may not be looked into is no empty one
                Err(source) => return Err(FileError::Io { deed: "open", path, source }.into()),
            }
        }
        Err(KitError::NoKit(dir.to_owned()))
    }

    /// Starts a kit in a new or empty folder and returns what was written. Nothing is overwritten.
    ///
    /// Fails with [`KitError::File`] where a file of a kit is there already, but for a README, or cannot be written.
    pub fn init(dir: &Path) -> Result<Vec<PathBuf>, KitError> {
        files::make_private_folder(dir)?;
        let seed = Self::seed().map(|(name, content)| (dir.join(name), content));
        // a folder that was made for a kit may have a README of its own
        let own = |path: &Path| path.file_name() == Some(OsStr::new("README.md")) && path.exists();
        let seed: Vec<(PathBuf, &str)> = seed.filter(|(path, _)| !own(path)).collect();
        if let Some((taken, _)) = seed.iter().find(|(path, _)| path.exists()) {
            return Err(FileError::Exists(taken.clone()).into());
        }
        let write = |(path, content): &(PathBuf, &str)| {
            files::make_private_folder(files::parent(path))?;
            files::write_new(path, content.as_bytes())
        };
        if let Err(error) = seed.iter().try_for_each(write) {
            // none of them was there before
            for (path, _) in &seed {
                let _ = std::fs::remove_file(path);
                // only when it is empty
                let _ = std::fs::remove_dir(files::parent(path));
            }
            return Err(error.into());
        }
        Ok(seed.into_iter().map(|(path, _)| path).collect())
    }

    /// Returns everything that a kit begins with: path in the kit and content.
    pub fn seed() -> impl Iterator<Item = (String, &'static str)> {
        let files = SEED.iter().map(|(name, content)| ((*name).to_owned(), *content));
        files.chain(PACKS.iter().flat_map(Pack::files))
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns `method.toml`.
    pub fn method_path(&self) -> PathBuf {
        self.dir.join("method.toml")
    }

    /// Returns the folder of the organisation's own templates, which may not be there.
    pub fn templates(&self) -> PathBuf {
        self.dir.join("templates")
    }

    /// Returns the logbook; it may not exist yet.
    pub fn logbook(&self) -> Logbook {
        Logbook::at(self.dir.join("logbook.jsonl"))
    }

    /// Reads the method file as it is now; the text is what a dealing copies.
    pub fn method(&self) -> Result<(Method, String), KitError> {
        let path = self.method_path();
        files::refuse_odd(&path)?;
        let text = files::read_text(&path, MAX_FILE)?;
        let method = Method::parse(&text).map_err(|source| KitError::Method { path, source })?;
        Ok((method, text))
    }

    /// Reads the contacts; without the file there are none.
    pub fn contacts(&self) -> Result<Contacts, KitError> {
        let path = self.dir.join("contacts.toml");
        if !path.exists() {
            return Ok(Contacts::default());
        }
        let text = files::read_text(&path, MAX_FILE)?;
        Contacts::parse(&text).map_err(|what| KitError::Contacts { path, what })
    }

    /// Returns the folder of a set.
    pub fn set_folder(&self, code: &Code) -> PathBuf {
        self.dir.join("sets").join(code.folder())
    }

    /// Keeps what the kit may know of a set: dealt method, manifest, sealed credential.
    pub fn save_set(
        &self,
        code: &Code,
        method_text: &str,
        manifest: &Manifest,
        sealed: &[u8],
    ) -> Result<(), KitError> {
        let dir = self.set_folder(code);
        files::make_private_folder(&dir)?;
        files::write_new(&dir.join("method.toml"), method_text.as_bytes())?;
        let manifest = Payload::Manifest(Box::new(manifest.clone())).text();
        files::write_new(&dir.join("manifest.txt"), format!("{}\n", &*manifest).as_bytes())?;
        Ok(files::write_new(&dir.join("sealed.age"), sealed)?)
    }

    /// Returns what the kit knows of a set, or nothing. The manifest's code is checked against the folder's name.
    ///
    /// With it comes what is wrong with its sealed credential, which the sheets have too.
    pub fn known(
        &self,
        set: CodeBytes,
        state: &State,
    ) -> Result<Option<(KnownSet, Option<KitError>)>, KitError> {
        let code = Code::from_bytes(CodeKind::Set, set);
        let dir = self.set_folder(&code);
        if !dir.exists() {
            return Ok(None);
        }
        let wrong = |what: &str| KitError::Set { path: dir.clone(), what: what.to_owned() };
        let text = files::read_text(&dir.join("manifest.txt"), payload::MAX_TEXT)?;
        let manifest = match payload::parse(&text).map_err(|e| wrong(&e.to_string()))?.pop() {
            Some(Payload::Manifest(manifest)) => *manifest,
            _ => return Err(wrong("manifest.txt holds no manifest")),
        };
        if Code::stretch(CodeKind::Set, &manifest.hash()) != code {
            return Err(wrong("the manifest has another set code"));
        }
        // every sheet carries these bytes: without them the kit is still worth its manifest and its book
        let (sealed, trouble) = match files::read(&dir.join("sealed.age"), MAX_SEALED) {
            Ok(sealed) if sha256(&[&sealed]) == manifest.sealed_hash => {
                (Some(sealed.to_vec()), None)
            }
            Ok(_) => (None, Some(wrong("sealed.age is not the set's sealed credential"))),
            Err(error) => (None, Some(error.into())),
        };
        let issued = state.set(&code.to_string()).map(hashes_of);
        Ok(Some((KnownSet { code, manifest, sealed, issued }, trouble)))
    }

    /// Returns the method file, and the copies that lie with the sets, as far as they are there.
    pub fn method_files(&self) -> Vec<PathBuf> {
        let sets = std::fs::read_dir(self.dir.join("sets")).into_iter().flatten().flatten();
        let mut dealt: Vec<PathBuf> = sets.map(|set| set.path().join("method.toml")).collect();
        dealt.sort();
        let all = std::iter::once(self.dir.join("method.toml")).chain(dealt);
        all.filter(|path| path.is_file()).collect()
    }

    /// Returns the method as it was dealt with the set of that written code, when kit and copy have it whole.
    pub fn method_of(&self, written: &str) -> Option<Method> {
        self.dealt_with(written).map(|(method, _)| method)
    }

    /// Returns the same with the text of the copy.
    pub fn dealt_with(&self, written: &str) -> Option<(Method, String)> {
        let code = Code::parse(CodeKind::Set, written).ok()?;
        let (set, _) = self.known(code.bytes(), &State::default()).ok()??;
        let (method, _) = self.dealt_method(&code, &set.manifest).ok()?;
        let text = files::read_text(&self.set_folder(&code).join("method.toml"), MAX_FILE).ok()?;
        Some((method, text))
    }

    /// Returns the method as it was dealt with a set, when the copy is the one that the manifest names.
    ///
    /// With it come fields that this program does not know.
    pub fn dealt_method(
        &self,
        code: &Code,
        manifest: &Manifest,
    ) -> Result<(Method, Vec<String>), KitError> {
        let path = self.set_folder(code).join("method.toml");
        let text = files::read_text(&path, MAX_FILE)?;
        if sha256(&[text.as_bytes()]) != manifest.method_hash {
            let what = "method.toml is not the one that was dealt".to_owned();
            return Err(KitError::Set { path: self.set_folder(code), what });
        }
        Method::parse_dealt(&text).map_err(|source| KitError::Method { path, source })
    }
}

fn hashes_of(set: &state::Set) -> BTreeSet<[u8; 16]> {
    set.sheets.values().filter_map(|sheet| sheet.hash).collect()
}
