//! The process that reads one page: its own end, which limits itself and answers, and the end that
//! starts it, waits for it and gives it up.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use zeroize::Zeroizing;

use super::answer::{Answer, MAX_ANSWER};
use super::decode::Finds;
use super::grey::Grey;
use super::kind::{Kind, kind};
use super::raster::Document;
use super::until::Until;
use super::{MAX_FILE, Page, PageProblem, Reader, Refusal, image, tiff};

/// Asked of a worker instead of a page: how many pages there are.
const COUNT: u32 = 0;

/// The most workers at once; each may take a gibibyte.
const MAX_WORKERS: usize = 8;

/// What a worker may use: memory in bytes, processor time in seconds, and no files at all beyond
/// the three it was given.
const LIMITS: [(Resource, u64); 5] = [
    (Resource::As, 1 << 30),
    (Resource::Cpu, 10),
    (Resource::Core, 0),
    (Resource::Fsize, 0),
    (Resource::Nofile, 3),
];

/// After so much work no further pass is begun, so that what was found is reported.
const ENOUGH: Duration = Duration::from_secs(7);

/// Parsers recurse as deep as a file asks them to.
const STACK: usize = 64 << 20;

/// The worker's own end (`read-page --page N`): limits itself, reads a file from standard input
/// and writes on standard output what it found on page `page` of it; 0 asks for their number.
///
/// It changes the limits of the whole process, so it is to be the only thing the process does.
pub fn serve(page: u32) -> io::Result<()> {
    let answer = if limit().is_ok() {
        let mut file = Vec::new();
        let most = u64::try_from(MAX_FILE).unwrap_or(u64::MAX) + 1;
        io::stdin().lock().take(most).read_to_end(&mut file)?;
        let reading = thread::Builder::new().stack_size(STACK).spawn(move || answer(page, file))?;
        reading.join().unwrap_or_else(|_| Answer::problem(PageProblem::Crashed))
    } else {
        Answer::problem(PageProblem::Unlimited)
    };
    let mut out = io::stdout().lock();
    out.write_all(&answer.to_bytes())?;
    out.flush()
}

/// Limits this process, never beyond what it is limited to already.
fn limit() -> rustix::io::Result<()> {
    for (resource, value) in LIMITS {
        let most = getrlimit(resource).maximum;
        let value = most.map_or(value, |most| most.min(value));
        // past the soft limit of processor time comes a signal that tells why, past the hard one
        // one that does not
        let hard = if resource == Resource::Cpu {
            most.map_or(value + 1, |m| m.min(value + 1))
        } else {
            value
        };
        let done = setrlimit(resource, Rlimit { current: Some(value), maximum: Some(hard) });
        // macOS knows no limit on address space
        if resource != Resource::As || cfg!(target_os = "linux") {
            done?;
        }
    }
    Ok(())
}

/// Reads one page, or counts them.
fn answer(page: u32, file: Vec<u8>) -> Answer {
    let until = Until::after(ENOUGH);
    match kind(&file) {
        Ok(Kind::Pdf) => pdf(page, file, until),
        Ok(Kind::Tiff) if page == COUNT => match tiff::pages(&file) {
            Ok(pages) => Answer { pages: Some(pages), ..Answer::default() },
            Err(problem) => Answer::problem(problem),
        },
        Ok(Kind::Tiff) => picture(tiff::decode(&file, page).map(|grey| (grey, None)), until),
        Ok(Kind::Picture(_)) if page == COUNT => Answer { pages: Some(1), ..Answer::default() },
        Ok(Kind::Picture(format)) => {
            let decoded = image::decode(format, &file);
            drop(file);
            picture(decoded, until)
        }
        Ok(Kind::Text(_)) | Err(_) => Answer::problem(PageProblem::Unsupported),
    }
}

/// Reads a picture.
fn picture(decoded: Result<(Grey, Option<PageProblem>), PageProblem>, until: Until) -> Answer {
    match decoded {
        Ok((grey, None)) if grey.is_blank() => Answer::problem(PageProblem::Blank),
        Ok((grey, problem)) => {
            let size = size(&grey);
            let mut finds = Finds::default();
            finds.look(grey, 1.0, until);
            finds.measure(until);
            let (codes, unread) = finds.into_parts();
            Answer { pages: None, size, codes, unread, problem }
        }
        Err(problem) => Answer::problem(problem),
    }
}

/// Reads a page of a PDF, again at a finer resolution when codes are missing.
fn pdf(page: u32, file: Vec<u8>, until: Until) -> Answer {
    let document = match Document::open(file) {
        Ok(document) => document,
        Err(problem) => return Answer::problem(problem),
    };
    if page == COUNT {
        let pages = u32::try_from(document.pages()).unwrap_or(u32::MAX);
        return Answer { pages: Some(pages), ..Answer::default() };
    }
    let resolutions = match document.resolutions(page) {
        Ok(resolutions) => resolutions,
        Err(problem) => return Answer::problem(problem),
    };
    let mut finds = Finds::default();
    let mut first = None;
    let mut problem = None;
    for dpi in resolutions {
        let drawn = catch_unwind(AssertUnwindSafe(|| document.draw(page, dpi)));
        match drawn.unwrap_or(Err(PageProblem::Crashed)) {
            Ok((_, Some(PageProblem::Blank))) => return Answer::problem(PageProblem::Blank),
            Ok((grey, why)) => {
                problem = why;
                let (first_dpi, _) = *first.get_or_insert((dpi, size(&grey)));
                if !finds.look(grey, first_dpi / dpi, until) {
                    break;
                }
            }
            Err(why) => problem = Some(why),
        }
    }
    finds.measure(until);
    let size = first.map_or((0, 0), |(_, size)| size);
    let (codes, unread) = finds.into_parts();
    Answer { pages: None, size, codes, unread, problem }
}

fn size(grey: &Grey) -> (u32, u32) {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    (side(grey.width()), side(grey.height()))
}

/// Asks a worker for the number of pages.
pub(super) fn count_pages(reader: &Reader, file: &[u8]) -> Result<u32, Refusal> {
    let answer = parse(ask(reader, COUNT, file).map_err(|error| Refusal::Start(error.kind()))?);
    match (answer.pages, answer.problem) {
        (Some(pages), None) => Ok(pages),
        (_, problem) => Err(Refusal::Pages(problem.unwrap_or(PageProblem::Nonsense))),
    }
}

/// Reads pages 1 to `pages`, as many at once as the reader has workers.
pub(super) fn read_pages(reader: &Reader, file: &[u8], pages: u32) -> Result<Vec<Page>, Refusal> {
    let cores = reader.workers.min(MAX_WORKERS);
    let next = AtomicU32::new(1);
    let take_turns = || {
        let mut said = Vec::new();
        loop {
            let page = next.fetch_add(1, Ordering::Relaxed);
            if page > pages {
                return Ok(said);
            }
            said.push((page, ask(reader, page, file)?));
        }
    };
    // answers hold shares: these threads pass them on, only the caller's looks into them
    let said: io::Result<BTreeMap<_, _>> = thread::scope(|scope| {
        let turns: Vec<_> =
            (0..cores.min(pages as usize)).map(|_| scope.spawn(take_turns)).collect();
        let ended = turns.into_iter().map(|turn| turn.join().unwrap_or(Ok(Vec::new())));
        ended.collect::<io::Result<Vec<_>>>().map(|said| said.into_iter().flatten().collect())
    });
    let mut said = said.map_err(|error| Refusal::Start(error.kind()))?;
    // a page is never left out, whatever became of it
    let mut page =
        |page| parse(said.remove(&page).unwrap_or(Err(PageProblem::Crashed))).into_page(page);
    Ok((1..=pages).map(&mut page).collect())
}

/// What a worker said, or why it said nothing.
type Said = Result<Zeroizing<Vec<u8>>, PageProblem>;

fn parse(said: Said) -> Answer {
    match said {
        Ok(bytes) => {
            Answer::from_bytes(&bytes).unwrap_or_else(|| Answer::problem(PageProblem::Nonsense))
        }
        Err(problem) => Answer::problem(problem),
    }
}

/// Starts a worker, gives it the file and waits for its answer; an error is one of starting it.
fn ask(reader: &Reader, page: u32, file: &[u8]) -> io::Result<Said> {
    let until = Instant::now() + reader.deadline;
    let mut child = Command::new(reader.program())
        .args(["read-page", "--page", &page.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let said = thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        scope.spawn(move || {
            let said = pipes.map(|(input, output)| talk(input, output, file));
            // nobody listens any more when it comes too late
            let _ = send.send(said.unwrap_or_default());
        });
        let said = receive.recv_timeout(until.saturating_duration_since(Instant::now()));
        if said.is_err() {
            kill(&mut child); // its end of the pipes closes, so the thread above ends
        }
        said
    });
    Ok(match said {
        Err(_) => Err(PageProblem::TooLong),
        Ok(bytes) if Answer::ends(&bytes) => {
            kill(&mut child); // it has said all it has to say
            Ok(bytes)
        }
        Ok(_) => Err(cause(end(&mut child, until))),
    })
}

/// Hands the file over, then takes what is said, up to the most an answer may have.
fn talk(mut input: ChildStdin, mut output: ChildStdout, file: &[u8]) -> Zeroizing<Vec<u8>> {
    // a worker that ends early closes this pipe; why it did shows below
    let _ = input.write_all(file);
    drop(input);
    let mut said = Zeroizing::new(vec![0; MAX_ANSWER]);
    let mut length = 0;
    loop {
        match output.read(&mut said[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    said.truncate(length);
    said
}

/// Ends a worker for good.
fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits for a worker that has closed its output.
fn end(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(1)),
            Ok(None) | Err(_) => {
                kill(child);
                return None;
            }
        }
    }
}

/// Tells why a worker ended without a whole answer.
fn cause(status: Option<ExitStatus>) -> PageProblem {
    match status {
        None => PageProblem::TooLong,
        Some(status) if status.signal() == Some(Signal::XCPU.as_raw()) => PageProblem::TooLong,
        Some(status) if status.success() => PageProblem::Nonsense,
        Some(_) => PageProblem::Crashed,
    }
}
