//! The files that hold the sheets until they are printed or copied: where they go, what is in them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::Paper;
use crate::codes::grid::PaperSize;
use crate::dealing::Dealt;
use crate::files;
use crate::kit::Kit;
use crate::logbook::record::Media;
use crate::method::{Custodian, Method};
use crate::paper::{self, PaperError, Templates};
use crate::rng;
use crate::set::SheetId;
use crate::ui::{Failure, Ui};

/// Returns the folder for the papers: new or empty, and never inside a kit.
pub(super) fn papers_folder(kit: &Kit, wanted: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = match wanted {
        Some(folder) => folder.to_owned(),
        None => memory_folder()?,
    };
    let absolute = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    let home = std::path::absolute(kit.dir()).unwrap_or_else(|_| kit.dir().to_owned());
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // `kit/../papers` is not inside `kit`: what exists of the way is followed first
    let exists = absolute.ancestors().find(|path| path.exists()).unwrap_or(&absolute);
    let rest = absolute.strip_prefix(exists).unwrap_or(Path::new(""));
    let absolute = real(exists).join(rest);
    let in_a_kit = |path: &Path| real(path) == real(&home) || path.join("method.toml").exists();
    if absolute.ancestors().any(in_a_kit) {
        return Err(Failure::invalid(format!(
            "`{}` lies inside a kit, where no paper belongs",
            folder.display()
        ))
        .hint("name a folder outside with `-o DIR`, or leave `-o` out"));
    }
    match fs::read_dir(&folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(Failure::invalid(format!("`{}` is not empty", folder.display()))
            .hint("papers go into a new or empty folder: name another with `-o DIR`")),
        Ok(false) => Ok(folder),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(folder),
        Err(error) => Err(Failure::invalid(format!("cannot use `{}`: {error}", folder.display()))),
    }
}

/// A folder that lives in memory only, so that no disk ever holds a share.
fn memory_folder() -> Result<PathBuf, Failure> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let base =
        [runtime, Some(PathBuf::from("/dev/shm"))].into_iter().flatten().find(|p| p.is_dir());
    let base = base.ok_or_else(|| {
        Failure::invalid("there is no folder in memory for the papers")
            .hint("name a folder with `-o DIR`")
    })?;
    let name: [u8; 4] = rng::bytes(&mut rng::os());
    Ok(base.join(format!("breakglass-{}", crate::logbook::hex(&name))))
}

/// Names and contents of the files, one for each sheet.
pub(super) type Papers = Vec<(String, Zeroizing<Vec<u8>>)>;

/// Returns the paper that was asked for.
pub(super) fn size(paper: Paper) -> PaperSize {
    match paper {
        Paper::A4 => PaperSize::A4,
        Paper::Letter => PaperSize::Letter,
    }
}

/// What the sheets become.
pub(super) enum Press {
    /// PDF, to be printed: the sheets of each language and size of print by templates of their own.
    Paper(Option<PaperSize>, Vec<((String, bool), Templates)>),
    /// Text, to be copied onto a stick or a card.
    File,
}

impl Press {
    /// Opens the templates that the custodians' sheets need: the kit's own before the built-in ones.
    pub(super) fn on_paper(
        ui: &Ui,
        kit: &Kit,
        method: &Method,
        paper: Option<PaperSize>,
    ) -> Result<Self, Failure> {
        let mut all: Vec<((String, bool), Templates)> = Vec::new();
        for custodian in &method.custodians {
            let key = look(custodian);
            if all.iter().any(|(known, _)| *known == key) {
                continue;
            }
            let templates = Templates::of_kit(kit.dir(), &key.0, key.1)
                .map_err(|e| Failure::invalid(e.to_string()))?;
            if !templates.has_sheet() {
                ui.warn(&format!(
                    "there is no sheet in `{}`: {} gets the English one",
                    key.0, custodian.name
                ));
            }
            all.push((key, templates));
        }
        Ok(Self::Paper(paper, all))
    }

    /// Returns the paper of a custodian's sheet; A4 where sheets are files.
    pub(super) fn size_of(&self, custodian: &Custodian) -> PaperSize {
        match self {
            Self::Paper(Some(size), _) => *size,
            Self::Paper(None, all) => of(all, custodian).map_or(PaperSize::A4, Templates::paper),
            Self::File => PaperSize::A4,
        }
    }

    /// Makes the file of every sheet.
    pub(super) fn render(&self, dealt: &Dealt, method: &Method) -> Result<Papers, Failure> {
        match self {
            Self::Paper(paper, all) => on_paper(dealt, method, *paper, all),
            Self::File => Ok(as_text(dealt, method)),
        }
    }

    /// Returns what the record says the sheets are made of.
    pub(super) fn media(&self, method: &Method) -> Result<Media, Failure> {
        let Self::Paper(_, all) = self else { return Ok(Media::File) };
        let hash = |custodian| {
            let templates = of(all, custodian).ok_or_else(|| Failure::invalid("no templates"))?;
            templates.hash().map_err(|e| Failure::invalid(e.to_string()))
        };
        let templates = method.custodians.iter().map(hash).collect::<Result<_, _>>()?;
        Ok(Media::Paper { templates })
    }
}

/// What decides how a custodian's sheet looks: language, and whether it is in large print.
fn look(custodian: &Custodian) -> (String, bool) {
    (custodian.lang.clone().unwrap_or_else(|| "en".to_owned()), custodian.large_print)
}

fn of<'a>(all: &'a [((String, bool), Templates)], custodian: &Custodian) -> Option<&'a Templates> {
    let key = look(custodian);
    all.iter().find(|(known, _)| *known == key).map(|(_, templates)| templates)
}

fn on_paper(
    dealt: &Dealt,
    method: &Method,
    paper: Option<PaperSize>,
    all: &[((String, bool), Templates)],
) -> Result<Papers, Failure> {
    let mut papers = Papers::new();
    for sheet in &dealt.sheets {
        let custodian = method.custodian(sheet.id());
        let templates = custodian.and_then(|custodian| of(all, custodian));
        let templates = templates.ok_or_else(|| Failure::invalid("no templates for a sheet"))?;
        let paper = paper.unwrap_or_else(|| templates.paper());
        let text = dealt.sheet_text(sheet, method);
        let pdf = paper::render(&text, paper, templates).map_err(|e| {
            let failure = Failure::invalid(format!("sheet {} cannot be laid out: {e}", sheet.id()));
            let (n, sealed) = (dealt.manifest.threshold.n(), dealt.sealed.len());
            match e {
                // the manifest grows with every share and every sealed part
                PaperError::CodeTooLong("locked share") => failure.hint("name fewer recipients for this sheet"),
                PaperError::CodeTooLong(_) => failure.hint(format!(
                    "{n} shares of a credential that seals to {sealed} bytes are more than one code holds: \
                     name fewer custodians, or seal the large thing with a key of its own and split that key"
                )),
                PaperError::Overflow { .. } => {
                    failure.hint("shorten the texts of the method file or of your own template, name fewer shares, or take `--paper a4`")
                }
                _ => failure,
            }
        })?;
        papers.push((file_name(sheet.id(), &text.holder, "pdf"), Zeroizing::new(pdf)));
    }
    Ok(papers)
}

/// The texts of each sheet's codes, one a line, with what a finder has to know before them.
fn as_text(dealt: &Dealt, method: &Method) -> Papers {
    let mut papers = Papers::new();
    for sheet in &dealt.sheets {
        let text = dealt.sheet_text(sheet, method);
        let mut out = Zeroizing::new(String::with_capacity(64 * 1024));
        // writing to a String cannot fail; no name has a line break, so each of these stays a comment
        let _ = write!(
            out,
            "# BREAK GLASS {} generation {}\n# Sheet {} of set {}, held by {}\n\
             # Any {} of {} different numbers open it: breakglass combine FILE...\n\
             # Without that program: python3 recover.py FILE...\n",
            text.method, text.generation, text.sheet, text.set_code, text.holder, text.k, text.n
        );
        if let Some(lock) = &text.lock {
            let by_passphrase = lock.recipients.is_empty();
            let what = if by_passphrase { "the holder's passphrase" } else { "one of its keys" };
            let _ = writeln!(out, "# Locked: needs {what}");
            if !lock.second_way.is_empty() {
                let _ = writeln!(out, "# Second way: {}", lock.second_way);
            }
        }
        let codes = [text.share_code.as_str()].into_iter().chain(text.manifest_code.as_deref());
        for code in codes.chain(text.sealed_codes.iter().map(String::as_str)) {
            out.push_str(code);
            out.push('\n');
        }
        let name = file_name(sheet.id(), &text.holder, "txt");
        papers.push((name, Zeroizing::new(out.as_bytes().to_vec())));
    }
    papers
}

/// `sheet-3b-chen-li.pdf`; a name without Latin letters leaves the number alone.
fn file_name(sheet: SheetId, holder: &str, ending: &str) -> String {
    let tail = slug(holder).map(|words| format!("-{words}")).unwrap_or_default();
    format!("sheet-{sheet}{tail}.{ending}")
}

/// `chen-li`; none of a name without Latin letters.
pub(super) fn slug(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    (!words.is_empty()).then(|| words.join("-"))
}

pub(super) fn write_papers(folder: &Path, papers: &Papers) -> Result<(), Failure> {
    for (name, pdf) in papers {
        files::write_new(&folder.join(name), pdf)?;
    }
    Ok(())
}

/// Deletes what was written of a set that came to nothing; returns what is still there.
pub(super) fn delete_papers(folder: &Path, papers: &Papers) -> Vec<String> {
    let paths = papers.iter().map(|(name, _)| folder.join(name));
    let left = paths.filter(|path| path.exists() && fs::remove_file(path).is_err());
    let left = left.map(|path| path.display().to_string()).collect();
    // only when it is empty
    let _ = fs::remove_dir(folder);
    left
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn file_names_are_plain() {
        let sheet = SheetId::parse("3b").unwrap();
        assert_eq!(file_name(sheet, "Chen O'Li / ../x", "pdf"), "sheet-3b-chen-o-li-x.pdf");
        assert_eq!(file_name(sheet, "Ω", "txt"), "sheet-3b.txt");
    }
}
