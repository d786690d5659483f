//! Reading back: files to the QR texts on their pages.
//!
//! A file that somebody hands over at 4 am is hostile until proven otherwise, and its parsers are
//! large. So this process looks at nothing of a file but its first bytes; every page is read by a
//! process of its own that limits its memory and time before it reads, and answers in a few lines
//! of ASCII. A page that crashes its reader costs that page only. Codes that no page could give
//! alone are laid over each other here, from those answers: numbers of a bounded size.
//!
//! ```text
//! kind     what a file is, by its first bytes
//! worker   both ends of the process that reads one page
//! answer   the lines between them
//! raster   a PDF page to a grey picture     image, tiff, heic   pictures to grey ones
//! decode   a grey picture to codes          filter, turn  what is done to it between attempts
//! place    codes measured where they must be   overlay    copies of one code laid over each other
//! soft     a measured code to its text      qr            how codes are built, and the reader
//! ```
//!
//! What the texts mean is not decided here, and nothing found here is trusted; a measured code
//! leaves this room only when its payloads fit their checksums.

mod answer;
mod decode;
mod filter;
mod grey;
mod heic;
mod image;
mod kind;
mod overlay;
mod picture;
mod place;
mod qr;
mod raster;
mod soft;
mod tiff;
mod turn;
mod until;
mod worker;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

pub use self::kind::{MAX_FILE, MAX_TEXT};
pub use self::overlay::Overlay;
pub use self::picture::picture;
use self::soft::Soft;
pub use self::worker::serve;

/// The most pages a file may have.
pub const MAX_PAGES: u32 = 200;

/// The most pixels a page may have.
pub const MAX_PIXELS: usize = 60_000_000;

/// The most codes that are taken from one page.
pub const MAX_CODES: usize = 64;

/// The most codes of one page that are measured and not read.
const MAX_UNREAD: usize = 16;

/// The most bytes a code's text may have; no QR code holds more.
pub const MAX_CODE_TEXT: usize = 8 << 10;

/// Reads files, each page in a worker process.
#[derive(Clone, Debug)]
pub struct Reader {
    program: PathBuf,
    deadline: Duration,
    workers: usize,
}

impl Reader {
    /// Makes a reader whose workers are `program read-page`: the path of this program.
    pub fn new(program: PathBuf) -> Self {
        // workers run in `/`, so a relative path would not be found there
        let program = std::path::absolute(&program).unwrap_or(program);
        let workers = thread::available_parallelism().map_or(1, usize::from);
        Self { program, deadline: Duration::from_secs(40), workers }
    }

    /// Sets the time after which a worker is given up, 40 s by default.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Sets how many pages of a file are read at once, at least one; by default as many as there are
    /// processors.
    #[must_use]
    pub fn with_workers(self, workers: usize) -> Self {
        Self { workers: workers.max(1), ..self }
    }

    /// Reads one file; `name` is what messages call it (`scan2.pdf`, `-`).
    pub fn read(&self, name: &str, bytes: &[u8]) -> Result<Reading, ScanError> {
        let refuse = |why| ScanError { name: name.to_owned(), why };
        let pages = match kind::kind(bytes).map_err(refuse)? {
            kind::Kind::Text(text) => return Ok(Reading::Text(Zeroizing::new(text.to_owned()))),
            kind::Kind::Picture(_) => 1,
            kind::Kind::Pdf | kind::Kind::Tiff => self.count(bytes).map_err(refuse)?,
        };
        worker::read_pages(self, bytes, pages).map(Reading::Pages).map_err(refuse)
    }

    /// Asks a worker how many pages a file has.
    fn count(&self, bytes: &[u8]) -> Result<u32, Refusal> {
        match worker::count_pages(self, bytes)? {
            0 => Err(Refusal::NoPages),
            pages if pages > MAX_PAGES => Err(Refusal::TooManyPages(pages)),
            pages => Ok(pages),
        }
    }

    fn program(&self) -> &Path {
        &self.program
    }
}

/// What a file gave.
pub enum Reading {
    /// A text file: typed lines, or what a hand-held scanner wrote.
    Text(Zeroizing<String>),
    /// A PDF or a picture: what was found on each page, in their order.
    Pages(Vec<Page>),
}

/// One page and what was found on it.
pub struct Page {
    /// Its number in the file, from 1.
    pub number: u32,
    /// Width and height in pixels of the raster that was read, 0 when there was none.
    pub size: (u32, u32),
    /// The codes found, each text once.
    pub codes: Vec<Code>,
    /// Codes that are on it and could not be read.
    unread: Vec<Soft>,
    /// Why the page, or a part of it, could not be read. There may be codes all the same.
    pub problem: Option<PageProblem>,
}

impl Page {
    /// Tells whether there are codes on it that could not be read, and were not read on another leaf.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }
}

/// One QR code found.
pub struct Code {
    /// Its text: printable ASCII, not yet checked in any way.
    pub text: Zeroizing<String>,
    /// Its corners as it is printed: top left, top right, bottom right, bottom left, in pixels of
    /// the raster.
    pub corners: [(f32, f32); 4],
    /// The pass that read it first.
    pub pass: Pass,
}

/// A way of looking at a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Pass {
    /// As it is.
    Plain,
    /// At half its size.
    Half,
    /// With the same brightness and contrast everywhere.
    Normalised,
    /// Sharpened.
    Sharpened,
    /// At twice its size.
    Doubled,
    /// Black and white exchanged.
    Inverted,
    /// Turned by 45°.
    Rotated,
    /// Measured where the grid says that it is.
    Placed,
    /// Laid over copies of it on other leaves or sheets.
    Merged,
}

impl Pass {
    /// The passes of the reader, in the order in which they are tried: what costs little and finds
    /// much first.
    const CASCADE: [Self; 7] = [
        Self::Plain,
        Self::Half,
        Self::Normalised,
        Self::Sharpened,
        Self::Doubled,
        Self::Inverted,
        Self::Rotated,
    ];
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Half => "half",
            Self::Normalised => "normalised",
            Self::Sharpened => "sharpened",
            Self::Doubled => "doubled",
            Self::Inverted => "inverted",
            Self::Rotated => "rotated",
            Self::Placed => "placed",
            Self::Merged => "merged",
        })
    }
}

/// Why one page could not be read; each is said of the page ("scan2.pdf page 3 took too long").
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageProblem {
    /// Its worker crashed, or a parser in it.
    #[error("crashed the reader")]
    Crashed,
    /// Its worker used up its time.
    #[error("took too long to read")]
    TooLong,
    /// Its worker ended without a valid answer.
    #[error("made the reader give an answer that makes no sense")]
    Nonsense,
    /// Its worker could not limit itself, so it read nothing.
    #[error("was not read, because its reader could not be limited")]
    Unlimited,
    /// It has more pixels than [`MAX_PIXELS`], or needs too much memory.
    #[error("is too large to read")]
    TooLarge,
    /// It is encrypted.
    #[error("is protected by a password")]
    Password,
    /// It is cut short or damaged.
    #[error("is cut short or damaged, and only a part of it was read")]
    Partial,
    /// It is damaged, and nothing of it was read.
    #[error("is damaged and cannot be read")]
    Damaged,
    /// It uses a variant of its format that is not known here.
    #[error("is of a variant that cannot be read")]
    Unsupported,
    /// There is nothing on it.
    #[error("is blank")]
    Blank,
    /// The file has no such page.
    #[error("is not there")]
    Missing,
}

/// A file that was not read at all.
#[derive(Debug, thiserror::Error)]
#[error("{name} {why}")]
pub struct ScanError {
    /// What the caller calls it.
    pub name: String,
    /// Why it was not read.
    pub why: Refusal,
}

/// Why a file was not read; each is said of the file ("scan2.pdf is empty").
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_FILE`] bytes.
    #[error("is larger than {} MiB", MAX_FILE >> 20)]
    TooLarge,
    /// A text of more than [`MAX_TEXT`] bytes.
    #[error("is a text of more than {} MiB", MAX_TEXT >> 20)]
    TextTooLarge,
    /// A text that is not UTF-8.
    #[error("is a text in UTF-16, which cannot be read")]
    Utf16,
    /// A known format that is not read.
    #[error("is {0}, which cannot be read yet")]
    NotYet(&'static str),
    /// Nothing known.
    #[error("is not a text, a PDF or a picture that can be read")]
    Unknown,
    /// A PDF without pages.
    #[error("has no pages")]
    NoPages,
    /// More than [`MAX_PAGES`] pages.
    #[error("has {0} pages, more than {MAX_PAGES}")]
    TooManyPages(u32),
    /// A file whose pages could not even be counted.
    #[error(transparent)]
    Pages(#[from] PageProblem),
    /// The worker program could not be started; nothing is wrong with the file.
    #[error("was not read, because its reader did not start ({0})")]
    Start(io::ErrorKind),
}

#[cfg(test)]
mod tests {
    /// Repeatable noise (xorshift), for parsers that must take anything.
    pub(super) struct Noise(pub(super) u64);

    impl Noise {
        pub(super) fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        pub(super) fn below(&mut self, end: usize) -> usize {
            usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
        }

        pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
            (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
        }
    }
}
