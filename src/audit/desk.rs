//! The desk: what an auditor brings is sorted by content, never by name, and read. What is not understood is named.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::case::{Beside, Book, Case, Input, Leaver, Paper, known};
use super::evidence::{Evidence, Interest, Kind, Reading};
use super::facts::{Place, Span};
use super::probe::Probe;
use super::readers::{self, Format, time};
use super::source::Source;
use super::waivers::{self, Waiver};
use crate::clock::Instant;
use crate::files::{self, FileError};
use crate::kit::Kit;
use crate::logbook::transcript::{self, MOST_PAIRS};
use crate::logbook::{Entry, Event, LogError, Logbook, Person, hex};
use crate::method::{Method, file::MAX_FILE};
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

/// Why a desk cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A logbook cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Nobody knows what it is.
    #[error("`{}`: nobody knows what this is ({what})", path.display())]
    Strange {
        /// Which file.
        path: PathBuf,
        /// What it looks like.
        what: &'static str,
    },
    /// It is not as such a file is.
    #[error("`{}`{}: {what}", path.display(), at_record(*record))]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Record, from 1; 0: the file as a whole.
        record: u64,
        /// What is wrong.
        what: String,
    },
    /// There is no logbook among the files.
    #[error("there is no logbook among these: nothing to hold the evidence against")]
    NoBook,
    /// Several files cannot be taken.
    #[error("{} files cannot be taken:{}", .0.len(), named(.0))]
    Strays(Vec<DeskError>),
    /// Waivers or leavers out of the kit that is audited.
    #[error("`{}` lies in the kit that is audited: waivers and people who left come from elsewhere", .0.display())]
    FromKit(PathBuf),
    /// A link in a folder.
    #[error("`{}` is a link: it is not followed", .0.display())]
    Link(PathBuf),
    /// Too many files or folders.
    #[error("`{}`: more than {MOST_FILES} files, or folders in folders deeper than {DEEPEST}", .0.display())]
    TooMuch(PathBuf),
    /// A book begins after the time of the audit.
    #[error("`{}` begins after {}, the time of this audit", path.display(), as_of.rfc3339())]
    TooEarly {
        /// Which logbook.
        path: PathBuf,
        /// The time.
        as_of: Instant,
    },
    /// Two files of that name.
    #[error("`--report-time` names `{}`, and several files are called so", .0.display())]
    TwoFiles(PathBuf),
    /// Two times for one file.
    #[error("`--report-time` gives `{}` two times", .0.display())]
    TwoTimes(PathBuf),
    /// No strip was found on what was scanned.
    #[error("no record is on {}", list(.0))]
    NoStrip(Vec<PathBuf>),
    /// Facts were asked for where there is no evidence.
    #[error("there is no evidence of a platform among these")]
    NoEvidence,
    /// A time was given for a file that is not there.
    #[error("`--report-time` names `{}`, which is not among the files", .0.display())]
    NoSuchFile(PathBuf),
}

/// Most files that are named when they cannot be taken.
const MOST_NAMED: usize = 20;

fn named(strays: &[DeskError]) -> String {
    let more = strays.len().saturating_sub(MOST_NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    let names = strays.iter().take(MOST_NAMED).map(ToString::to_string);
    names.chain(more).flat_map(|name| ["\n  ".to_owned(), name]).collect()
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    names.join(", ")
}

fn at_record(record: u64) -> String {
    if record == 0 { String::new() } else { format!(", record {record}") }
}

/// A file by what it is.
enum Sorted {
    Book,
    Method,
    Transcript,
    Leavers,
    Waivers,
    Evidence(&'static Format, Box<Probe>),
    /// Pictures and PDFs: strips were scanned.
    Page,
    /// It is kept, and says nothing to an auditor.
    Aside(&'static str),
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
    let Desk { mut books, methods, transcripts, leavers, waivers, evidence, pages, inputs, .. } =
        Desk::of(paths, options)?;
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

/// Takes away books that are copies of another one, or its beginning; the one that knows its methods stays. Returns them as
/// files that were looked at.
fn copies(books: &mut Vec<Book>) -> Vec<Input> {
    let mut copies = Vec::new();
    // the longest first, and of the same length the one from a kit
    books.sort_by_key(|book| std::cmp::Reverse((book.entries.len(), book.dealt.len())));
    let mut kept: Vec<Book> = Vec::new();
    for mut book in std::mem::take(books) {
        let begins = |longer: &Book| {
            book.broken.is_none()
                && book.torn == 0
                && longer.entries.iter().zip(&book.entries).all(|(a, b)| a.line == b.line)
                && longer.state.method == book.state.method
        };
        let Some(longer) = kept.iter_mut().find(|longer| begins(longer)) else {
            kept.push(book);
            continue;
        };
        // a kit knows what was dealt, even where its book is the shorter one
        if longer.dealt.is_empty() {
            longer.dealt = std::mem::take(&mut book.dealt);
            longer.today = longer.today.take().or(book.today.take());
        }
        let what = if longer.entries.len() == book.entries.len() {
            "copy of the logbook"
        } else {
            "copy of the logbook, its end missing"
        };
        copies.push(Input { path: book.path, what, sha256: book.sha256 });
    }
    kept.sort_by(|a, b| a.path.cmp(&b.path));
    *books = kept;
    copies
}

/// How deep sessions that made sessions are followed.
const DEPTH: usize = 16;

/// Reads logs once more where sessions were found that they may have used before it was known whose they are: what
/// `lookup-events` gives has the newest first, and a trail has many files.
fn again(
    evidence: &[(PathBuf, &'static Format, Probe)],
    options: &Options<'_>,
    interest: &mut Interest,
    files: &mut [Evidence],
) -> Result<(), DeskError> {
    let mut known = 0;
    let mut depth = 0;
    while depth <= DEPTH {
        let follows = |file: &Evidence| file.kind == Kind::Log && file.platform == "aws";
        let sessions: usize =
            files.iter().filter(|f| follows(f)).map(|f| f.found.aliases.len()).sum();
        if sessions == known {
            break;
        }
        known = sessions;
        depth += 1;
        for ((path, format, probe), file) in evidence.iter().zip(files.iter_mut()) {
            if follows(file) {
                *file = read_evidence(path, format, probe, options, interest)?;
                interest.aliases.extend(file.found.aliases.clone());
            }
        }
        if depth > DEPTH {
            let why = format!("sessions made sessions more than {DEPTH} times");
            let logs = files.iter_mut().filter(|file| follows(file));
            logs.for_each(|file| file.found.partial = Some(why.clone()));
        }
    }
    Ok(())
}

fn is_same(path: &Path, named: &Path) -> bool {
    path == named
        || match (path.canonicalize(), named.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
        || named.components().count() == 1 && path.file_name() == named.file_name()
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

    /// Takes a kit: its book, the methods as they were dealt, and its folder of evidence.
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
        let evidence = kit.dir().join("evidence");
        self.in_kit = true;
        let laid = if evidence.is_dir() { self.lay(&evidence, 1) } else { Ok(()) };
        self.in_kit = false;
        laid
    }

    fn file(&mut self, path: &Path) -> Result<(), DeskError> {
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(DeskError::TooMuch(path.to_owned()));
        }
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
            Sorted::Aside(_) => {}
        }
        Ok(())
    }
}

fn broken(path: &Path, record: u64, what: String) -> DeskError {
    DeskError::Broken { path: path.to_owned(), record, what }
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

/// Says what a file is.
fn sort(path: &Path) -> Result<Sorted, DeskError> {
    let source = Source::open(path)?;
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    let probe = Probe::of(source).map_err(io)?;
    let strange = |what| Err(DeskError::Strange { path: path.to_owned(), what });
    if probe.json(|shape| shape.element_has(&["v", "seq", "prev", "event"])) {
        return Ok(Sorted::Book);
    }
    if probe.table(&["book", "page", "line", "check_code"]) {
        return Ok(Sorted::Transcript);
    }
    if probe.table(&["id", "name", "left"]) {
        return Ok(Sorted::Leavers);
    }
    if let Some(format) = readers::format_of(&probe) {
        return Ok(Sorted::Evidence(format, Box::new(probe)));
    }
    match &probe {
        Probe::Text(head) if head.contains("[[waiver") => Ok(Sorted::Waivers),
        Probe::Text(head) if head.contains("owner_team") && head.contains("permitted_uses") => {
            Ok(Sorted::Method)
        }
        Probe::Text(head)
            if head.starts_with("# Audit of ")
                || head.starts_with("<!doctype html>") && head.contains("<title>Audit of ") =>
        {
            Ok(Sorted::Aside(REPORT))
        }
        Probe::Json(shape) if shape.has(&["as_of", "findings"]) => Ok(Sorted::Aside(REPORT)),
        Probe::Text(head) if head.contains("[contacts") => Ok(Sorted::Aside("contacts")),
        Probe::Text(head) if head.starts_with("age-encryption.org/v1\n") => {
            Ok(Sorted::Aside(SEALED))
        }
        Probe::Json(shape) if shape.element_has(&["version", "width", "height"]) => {
            Ok(Sorted::Aside("recording of a terminal"))
        }
        Probe::Bytes(head) => {
            bytes(head).map_or_else(|| strange("no text, no picture, no PDF and no recording"), Ok)
        }
        Probe::Empty => strange("it is empty"),
        Probe::Json(shape) if shape.element.is_empty() => {
            strange("a list without anything in it does not say what it lists")
        }
        Probe::Json(_) => strange("JSON of a kind that is not known"),
        Probe::Table(_) => strange(
            "a table whose columns are not known; the table for everything else has credential_id,event,at",
        ),
        Probe::Text(_) => strange("text"),
    }
}

const REPORT: &str = "report of an audit";
const SEALED: &str = "sealed recording";

/// Sorts what is no text, by its first bytes.
fn bytes(head: &[u8]) -> Option<Sorted> {
    let at = |from: usize, magic: &[u8]| head.get(from..).is_some_and(|h| h.starts_with(magic));
    let heic = at(4, b"ftyp") && [&b"heic"[..], b"heix", b"mif1"].iter().any(|brand| at(8, brand));
    let page = [&b"%PDF-"[..], b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*"];
    if page.iter().any(|magic| at(0, magic)) || at(0, b"RIFF") && at(8, b"WEBP") || heic {
        return Some(Sorted::Page);
    }
    if at(0, b"age-encryption.org/v1\n") {
        return Some(Sorted::Aside(SEALED));
    }
    // MP4 and Matroska
    (at(4, b"ftyp") || at(0, b"\x1a\x45\xdf\xa3")).then_some(Sorted::Aside("recording of a screen"))
}

fn hash_of(path: &Path) -> Result<[u8; 32], DeskError> {
    let source = Source::open(path)?;
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    Ok(source.finish().map_err(io)?.0)
}

/// Reads a logbook as far as its chain holds.
fn read_book(path: &Path, as_of: Instant) -> Result<Book, DeskError> {
    let bytes_hash = hash_of(path)?;
    let log = Logbook::at(path);
    let mut book = Book { path: path.to_owned(), sha256: bytes_hash, ..Book::default() };
    let mut records = log.records()?;
    for entry in records.by_ref() {
        match entry {
            // what came after the time of the audit is not judged
            Ok(entry) if entry.at().is_some_and(|at| at > as_of) => {}
            Ok(entry) => take(&mut book, entry),
            Err(LogError::Line { line, what, .. }) => book.broken = Some((line, what)),
            Err(error) => return Err(error.into()),
        }
    }
    book.torn = records.torn;
    Ok(book)
}

/// Says whether a record takes a release back: an auditor looks at it all the same, and at who has taken it back.
fn hides_a_release(book: &Book, entry: &Entry) -> bool {
    let mut releases = book.state.sets.iter().flat_map(|set| &set.releases);
    entry.is(Event::Void)
        && match entry.record() {
            Some(record) => releases.any(|release| release.record == record),
            None => book.state.set(entry.text("set")).is_some_and(|set| !set.releases.is_empty()),
        }
}

fn take(book: &mut Book, entry: Entry) {
    if !hides_a_release(book, &entry) {
        book.state.fold(&entry);
    }
    let inner = match entry.imported() {
        Some(inner) => {
            book.imports.push(entry.line);
            inner
        }
        None => entry,
    };
    let named = inner.members.get("evidence").and_then(serde_json::Value::as_array);
    for file in named.into_iter().flatten() {
        if let (Some(name), Some(hash)) = (file["file"].as_str(), file["sha256"].as_str()) {
            book.named.push((inner.seq, name.to_owned(), hash.to_owned(), None));
        }
    }
    book.entries.push(inner);
}

fn read_evidence(
    path: &Path,
    format: &'static Format,
    probe: &Probe,
    options: &Options<'_>,
    interest: &Interest,
) -> Result<Evidence, DeskError> {
    let mut source = Source::open(path)?;
    let exact = options.report_times.iter().find(|(named, _)| path == named);
    let alike = || options.report_times.iter().find(|(named, _)| is_same(path, named));
    let given = exact.or_else(alike).map(|(_, at)| *at);
    let mut reading = Reading::new(interest);
    readers::read(&mut source, format, probe, (given, options.zone.as_ref()), &mut reading)
        .map_err(|b| broken(path, b.record, b.what))?;
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    let mut found = reading.found;
    if given.is_some() && found.report_time != given {
        found
            .notes
            .insert("it says itself when it was taken: `--report-time` was not needed".to_owned());
    }
    let (sha256, bytes) = source.finish().map_err(io)?;
    // a driver of one's own may be called anything: what it reports may be of any platform
    let platform = match known(&found.platform) {
        Some(platform) => platform.to_owned(),
        None => format.platform.to_owned(),
    };
    let kind = format.kind;
    Ok(Evidence {
        path: path.to_owned(),
        sha256,
        bytes,
        format: format.name,
        platform,
        kind,
        found,
    })
}

fn read_leavers(path: &Path) -> Result<Vec<Leaver>, DeskError> {
    let text = files::read_text(path, MAX_TABLE)?;
    let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let head = csv.headers().map_err(|e| broken(path, 1, e.to_string()))?.clone();
    let at = |name: &str| head.iter().position(|column| column.eq_ignore_ascii_case(name));
    let (Some(id), Some(name), Some(left)) = (at("id"), at("name"), at("left")) else {
        return Err(broken(path, 1, "the head is `id,name,left`".to_owned()));
    };
    let mut people = Vec::new();
    for (number, row) in (1..).zip(csv.records()) {
        let row = row.map_err(|e| broken(path, number, e.to_string()))?;
        let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
        let day = time::date(&cell(left)).ok_or_else(|| {
            broken(path, number, format!("left: `{}` is no day like 2026-11-24", cell(left)))
        })?;
        let person = Person { name: cell(name), id: cell(id) };
        let left = Span { from: day.from, to: day.to };
        people.push(Leaver { person, left, place: Place { file: usize::MAX, record: number } });
    }
    Ok(people)
}

/// Reads a typed paper book and holds it against the book that it fits best.
fn read_transcript(path: &Path, books: &[Book], as_of: Instant) -> Result<Paper, DeskError> {
    let text = files::read_text(path, MAX_TABLE)?;
    let typed = transcript::parse(&text).map_err(|e| broken(path, 0, e.to_string()))?;
    let mut best: Option<Paper> = None;
    for (book, entries) in books.iter().map(|book| &book.entries).enumerate() {
        if typed.len().saturating_mul(entries.len()) > MOST_PAIRS {
            let what = format!(
                "{} lines and {} records are too many to compare at once",
                typed.len(),
                entries.len()
            );
            return Err(broken(path, 0, what));
        }
        // lines of a later day than the audit are not judged
        let day = as_of.date();
        let typed: Vec<_> = typed.iter().filter(|line| line.date <= day).cloned().collect();
        let findings = transcript::compare(&typed, entries);
        let past_end = typed.last().is_some_and(|last| {
            findings.iter().any(
                |f| matches!(f, transcript::Finding::Extra { place, .. } if *place == last.place),
            )
        });
        let code = |line: &transcript::Line| !line.code.trim().is_empty();
        let coded =
            (typed.iter().filter(|line| code(line)).count(), typed.last().is_some_and(code));
        let lines = typed.len();
        let paper = Paper { path: path.to_owned(), book, lines, findings, past_end, coded };
        if best.as_ref().is_none_or(|best| paper.findings.len() < best.findings.len()) {
            best = Some(paper);
        }
    }
    best.ok_or(DeskError::NoBook)
}
