//! The desk: what an auditor brings is sorted by content, never by name, and read. What is not understood is named.

mod books;
mod error;
mod exports;
mod papers;
mod recordings;
mod secrets;
mod sort;

use std::fs;
use std::path::{Component, Path, PathBuf};

use self::books::{copies, hash_of, read_book};
pub use self::error::DeskError;
use self::error::broken;
use self::exports::{again, is_same, read_evidence};
use self::papers::{read_leavers, read_transcript};
use self::sort::{Sorted, TERMINAL, sort};
use super::case::{Beside, Book, Case, Input};
use super::evidence::{Evidence, Interest};
use super::probe::Probe;
use super::readers::{Format, time};
use super::waivers::{self, Waiver};
use crate::clock::Instant;
use crate::files::{self, FileError};
use crate::kit::Kit;
use crate::logbook::{Entry, Logbook, hex};
use crate::method::{Method, file::MAX_FILE};
use crate::session::recording::Recording;
use crate::set::sha256;

/// Most files in all.
const MOST_FILES: usize = 100_000;
/// Deepest folder in a folder.
const DEEPEST: usize = 8;
/// Most bytes of a table of people or of lines of the paper book.
const MAX_TABLE: usize = 64 << 20;

/// Reads the records on scanned strips, and says on which files no code is. What cannot be read is said in words.
pub type ReadStrips<'a> = &'a dyn Fn(&[PathBuf]) -> Result<(Vec<Entry>, Vec<PathBuf>), String>;

/// What an auditor says besides the files.
pub struct Options<'a> {
    /// The time of this audit.
    pub as_of: Instant,
    /// How far clocks may be apart, seconds.
    pub skew: i64,
    /// The zone of times that have none.
    pub zone: Option<time::Zone>,
    /// When states were taken that do not say it: file and time.
    pub report_times: Vec<(PathBuf, Instant)>,
    /// Who reads pages.
    pub strips: ReadStrips<'a>,
}

/// What lies on the desk, sorted.
struct Desk {
    as_of: Instant,
    books: Vec<Book>,
    methods: Vec<(Method, String)>,
    transcripts: Vec<PathBuf>,
    leavers: Vec<PathBuf>,
    waivers: Vec<Waiver>,
    evidence: Vec<(PathBuf, &'static Format, Probe)>,
    pages: Vec<PathBuf>,
    /// Folders of recordings, and recordings that are one file.
    recordings: (Vec<PathBuf>, Vec<PathBuf>),
    inputs: Vec<Input>,
    /// Whether what is laid comes out of a kit that is audited.
    in_kit: bool,
    /// Files so far.
    files: usize,
    /// What cannot be taken: all of it is said at once.
    strays: Vec<DeskError>,
}

/// Reads everything: kits, books, evidence. Returns the case and who has waived what.
pub fn read(paths: &[PathBuf], options: &Options<'_>) -> Result<(Case, Vec<Waiver>), DeskError> {
    let Desk {
        mut books,
        methods,
        transcripts,
        leavers,
        waivers,
        evidence,
        pages,
        recordings: (folders, casts),
        inputs,
        ..
    } = Desk::of(paths, options)?;
    if books.is_empty() {
        return Err(DeskError::NoBook);
    }
    if let Some(book) = books.iter().find(|book| book.entries.is_empty() && book.broken.is_none()) {
        return Err(DeskError::TooEarly { path: book.path.clone(), as_of: options.as_of });
    }
    let copies = copies(&mut books);
    // a method file by itself stands for the copy that is not at hand
    for book in &mut books {
        if book.today.is_none() {
            book.today = methods.iter().find(|(method, _)| method.id == book.state.method).cloned();
        }
    }
    for (number, (named, _)) in options.report_times.iter().enumerate() {
        if options.report_times[..number].iter().any(|(other, _)| is_same(other, named)) {
            return Err(DeskError::TwoTimes(named.clone()));
        }
    }
    for (named, _) in &options.report_times {
        let all: Vec<&PathBuf> =
            evidence.iter().map(|(path, ..)| path).filter(|path| is_same(path, named)).collect();
        if all.len() > 1 && all.iter().all(|path| *path != named) {
            return Err(DeskError::TwoFiles(named.clone()));
        }
    }
    let same = |named: &PathBuf| evidence.iter().any(|(path, ..)| is_same(path, named));
    if let Some((named, _)) = options.report_times.iter().find(|(named, _)| !same(named)) {
        return Err(DeskError::NoSuchFile(named.clone()));
    }
    let mut files = Vec::new();
    let mut interest = Interest::of(&books);
    // tables of aliases come first: they say what to look for in logs
    let (first, rest): (Vec<_>, Vec<_>) =
        evidence.into_iter().partition(|(_, format, _)| format.name == "Vault audit hashes");
    let evidence: Vec<_> = first.into_iter().chain(rest).collect();
    for (path, format, probe) in &evidence {
        let file = read_evidence(path, format, probe, options, &interest)?;
        interest.aliases.extend(file.found.aliases.clone());
        files.push(file);
    }
    again(&evidence, options, &mut interest, &mut files)?;
    let mut beside = Beside { inputs, ..Beside::default() };
    beside.inputs.extend(copies);
    for path in leavers {
        beside.leavers.extend(read_leavers(&path)?);
    }
    for path in transcripts {
        beside.paper.push(read_transcript(&path, &books, options.as_of)?);
    }
    for path in folders {
        let recorded = recordings::read_folder(&path);
        beside.inputs.push(recordings::as_input(&recorded));
        beside.recordings.push(recorded);
    }
    for path in casts {
        beside.recordings.push(recordings::read_file(&path)?);
    }
    if let Some(first) = pages.first() {
        let read = (options.strips)(&pages);
        let (found, bare) = read.map_err(|what| broken(first, 0, what))?;
        match (found.is_empty(), bare.is_empty()) {
            (_, false) => return Err(DeskError::NoStrip(bare)),
            (true, true) => return Err(DeskError::NoStrip(pages)),
            _ => {}
        }
        let by_then = |entry: &Entry| entry.at().is_none_or(|at| at <= options.as_of);
        beside.strips = found.into_iter().filter(by_then).collect();
    }
    let case = Case::new(books, files, beside, (options.as_of, options.skew));
    Ok((case, waivers))
}

impl Desk {
    /// Sorts what is brought.
    fn of(paths: &[PathBuf], options: &Options<'_>) -> Result<Self, DeskError> {
        let mut desk = Self {
            // a record of this minute is not of the future
            as_of: options.as_of.shifted(options.skew),
            books: Vec::new(),
            methods: Vec::new(),
            transcripts: Vec::new(),
            leavers: Vec::new(),
            waivers: Vec::new(),
            evidence: Vec::new(),
            pages: Vec::new(),
            recordings: (Vec::new(), Vec::new()),
            inputs: Vec::new(),
            in_kit: false,
            files: 0,
            strays: Vec::new(),
        };
        for path in paths {
            desk.lay(path, 0)?;
        }
        match desk.strays.len() {
            0 => Ok(desk),
            1 => Err(desk.strays.remove(0)),
            _ => Err(DeskError::Strays(desk.strays)),
        }
    }

    /// Takes a file, a kit, or a folder with whatever is in it.
    fn lay(&mut self, path: &Path, depth: usize) -> Result<(), DeskError> {
        // a link in a folder may lead anywhere, and back to the folder
        if depth > 0 && path.is_symlink() {
            self.strays.push(DeskError::Link(path.to_owned()));
            return Ok(());
        }
        if !path.is_dir() {
            return match self.file(path) {
                Err(stray) => {
                    self.strays.push(stray);
                    Ok(())
                }
                Ok(()) => Ok(()),
            };
        }
        let log = Kit::open(path).ok().map(|kit| kit.logbook()).filter(Logbook::exists);
        if log.is_some() {
            return self.kit(path);
        }
        // one thing of thousands of parts
        if Recording::is_at(path) {
            return self.count(path).map(|()| self.recordings.0.push(path.to_owned()));
        }
        let failed = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            let hidden = entry.file_name().is_some_and(|name| {
                let name = name.as_encoded_bytes();
                name.starts_with(b".git") || name == b".DS_Store"
            });
            if !hidden {
                inside.push(entry);
            }
        }
        inside.sort();
        if depth > DEEPEST || self.evidence.len() + inside.len() > MOST_FILES {
            return Err(DeskError::TooMuch(path.to_owned()));
        }
        inside.into_iter().try_for_each(|entry| self.lay(&entry, depth + 1))
    }

    /// Takes a kit: its book, the methods as they were dealt, and its folders of evidence and of recordings.
    fn kit(&mut self, path: &Path) -> Result<(), DeskError> {
        let strange = |what| DeskError::Strange { path: path.to_owned(), what };
        let kit = Kit::open(path).map_err(|_| strange("no kit"))?;
        let mut book = read_book(kit.logbook().path(), self.as_of)?;
        for set in &book.state.sets {
            if let Some(method) = kit.method_of(&set.code) {
                book.dealt.insert(set.code.clone(), method);
            }
        }
        // a method file of today that is not valid is no reason to leave the book unread
        book.today =
            kit.method().ok().map(|(method, text)| (method, hex(&sha256(&[text.as_bytes()]))));
        for (_, name, hash, kept) in &mut book.named {
            let inside =
                Path::new(&*name).components().all(|part| matches!(part, Component::Normal(_)));
            *kept = match hash_of(&path.join(&*name)) {
                Ok(found) if inside => Some(hex(&found) == *hash),
                _ => None,
            };
        }
        self.books.push(book);
        for path in kit.method_files() {
            let sha256 = hash_of(&path)?;
            let dealt = path.parent() != Some(kit.dir());
            let what = if dealt { "method file as it was dealt" } else { "method file" };
            self.inputs.push(Input { path, what, sha256 });
        }
        self.in_kit = true;
        let folders = ["evidence", "sessions"].map(|name| kit.dir().join(name));
        let mut laid = folders.iter().filter(|folder| folder.is_dir());
        let laid = laid.try_for_each(|folder| self.lay(folder, 1));
        self.in_kit = false;
        laid
    }

    fn count(&mut self, path: &Path) -> Result<(), DeskError> {
        self.files += 1;
        if self.files > MOST_FILES { Err(DeskError::TooMuch(path.to_owned())) } else { Ok(()) }
    }

    fn file(&mut self, path: &Path) -> Result<(), DeskError> {
        self.count(path)?;
        let sorted = sort(path)?;
        // whoever is audited does not say what is accepted, and who has left
        if self.in_kit && matches!(sorted, Sorted::Waivers | Sorted::Leavers) {
            return Err(DeskError::FromKit(path.to_owned()));
        }
        let what = match sorted {
            Sorted::Method => Some("method file"),
            Sorted::Transcript => Some("paper book, typed"),
            Sorted::Leavers => Some("people who left"),
            Sorted::Waivers => Some("waivers"),
            Sorted::Page => Some("scanned strips"),
            Sorted::Aside(what) => Some(what),
            Sorted::Book | Sorted::Evidence(..) => None,
        };
        if let Some(what) = what {
            let sha256 = hash_of(path)?;
            self.inputs.push(Input { path: path.to_owned(), what, sha256 });
        }
        match sorted {
            Sorted::Book => self.books.push(read_book(path, self.as_of)?),
            Sorted::Method => {
                let text = files::read_text(path, MAX_FILE)?;
                let method =
                    Method::parse_dealt(&text).map_err(|e| broken(path, 0, e.to_string()))?.0;
                self.methods.push((method, hex(&sha256(&[text.as_bytes()]))));
            }
            Sorted::Transcript => self.transcripts.push(path.to_owned()),
            Sorted::Leavers => self.leavers.push(path.to_owned()),
            Sorted::Waivers => {
                let text = files::read_text(path, MAX_TABLE)?;
                self.waivers.extend(waivers::parse(&text).map_err(|what| broken(path, 0, what))?);
            }
            Sorted::Evidence(format, probe) => {
                self.evidence.push((path.to_owned(), format, *probe));
            }
            Sorted::Page => self.pages.push(path.to_owned()),
            Sorted::Aside(TERMINAL) => self.recordings.1.push(path.to_owned()),
            Sorted::Aside(_) => {}
        }
        Ok(())
    }
}

/// Says whether a file is of a kind that an audit knows: whoever records evidence may have taken the wrong one.
pub fn is_known(path: &Path) -> bool {
    matches!(sort(path), Ok(Sorted::Evidence(..) | Sorted::Aside(_) | Sorted::Page))
}

/// Reads every evidence file by itself, with everything that it says, and hands one after the other over.
pub fn examine(
    paths: &[PathBuf],
    options: &Options<'_>,
    mut take: impl FnMut(Evidence),
) -> Result<(), DeskError> {
    let desk = Desk::of(paths, options)?;
    if desk.evidence.is_empty() {
        return Err(DeskError::NoEvidence);
    }
    let interest = Interest { everything: true, ..Interest::default() };
    for (path, format, probe) in &desk.evidence {
        take(read_evidence(path, format, probe, options, &interest)?);
    }
    Ok(())
}
