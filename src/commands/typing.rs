//! Typing with a guide: which line comes next, what became of it, and what is kept when a person stops.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::gather::Gathering;
use super::words::{verdict_in_words, with_holder};
use crate::codes::crockford;
use crate::codes::desk::label_of;
use crate::codes::lines::{self, LineError, MAX_LINES, Mended, Place, Reading};
use crate::codes::payload::Kind;
use crate::files;
use crate::opening::{Case, Origin};
use crate::set::SheetId;
use crate::ui::entry::{Done, Entry, Screen, View};
use crate::ui::{Failure, terminal_failed};

/// Lines that no share can be made from: they are kept when typing stops, so that nobody has to type them twice.
#[derive(Default)]
pub(super) struct Kept(Vec<String>);

impl Kept {
    /// Keeps a line of a manifest or of a sealed credential; never one of a share.
    pub(super) fn keep(&mut self, place: Place, symbols: &str) {
        if matches!(place.kind, Kind::Manifest | Kind::Sealed) {
            self.0.push(format!("{place} {symbols}"));
        }
    }

    /// Writes them into a new file in the current folder and returns its name; nothing when there are none.
    pub(super) fn save(&mut self) -> Result<Option<PathBuf>, Failure> {
        let lines = std::mem::take(&mut self.0);
        if lines.is_empty() {
            return Ok(None);
        }
        let text = format!(
            "# typed lines of a breakglass sheet; no share is in them\n{}\n",
            lines.join("\n")
        );
        for number in 1..1000 {
            let path = PathBuf::from(format!("typed-{number}.txt"));
            match files::write_new(&path, text.as_bytes()) {
                Ok(()) => return Ok(Some(path)),
                Err(files::FileError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::invalid("there are a thousand files of typed lines already"))
    }
}

/// What is typed now.
struct Guide {
    /// The next line.
    place: Place,
    /// What was typed since the payload began.
    done: Vec<Done>,
    /// What there is to say about the last line.
    note: String,
    /// The last line, when it did not fit.
    start: Zeroizing<String>,
}

/// Lets a person type the lines of sheets until enough is there or they leave; with `plain` line by line, without a
/// screen.
pub(super) fn type_sheets(gathering: &mut Gathering<'_>, plain: bool) -> Result<(), Failure> {
    let mut screen = if plain { None } else { gathering.context.ui.typing_screen() };
    let mut guide = Guide::begin(gathering);
    while !gathering.is_complete() {
        let entry = match &mut screen {
            Some(screen) => on_screen(gathering, screen, &guide)?,
            None => in_line(gathering, &guide)?,
        };
        let text = match entry {
            Entry::Line(text) => text,
            Entry::Leave => break,
            Entry::Other => {
                let kind = after(guide.place.kind);
                guide = Guide::at(gathering, Place { kind, part: 0, line: 0 });
                continue;
            }
        };
        take(gathering, &mut guide, &text, &mut screen)?;
        if !gathering.is_complete() && gathering.wants_a_key() {
            // whoever holds what opens it is asked at once, below the screen, where nothing is shown as it is typed
            let had_screen = screen.take().is_some();
            gathering.ask_to_unlock()?;
            if had_screen {
                screen = gathering.context.ui.typing_screen();
            }
            guide = Guide::begin(gathering);
        }
    }
    drop(screen);
    gathering.tell_sheets();
    Ok(())
}

/// Returns what is needed next: the manifest once, shares, then what is missing of the sealed credential.
fn wanted(gathering: &mut Gathering<'_>) -> Place {
    let start = |kind, part| Place { kind, part, line: 0 };
    let Some(case) = case(gathering) else {
        let any = gathering.pile.sets().next().is_some();
        return start(if any { Kind::Manifest } else { Kind::Share }, 0);
    };
    match case.missing_parts.first().and_then(|part| u8::try_from(part - 1).ok()) {
        Some(part) if case.missing() == 0 => start(Kind::Sealed, part),
        _ => start(Kind::Share, 0),
    }
}

fn case(gathering: &mut Gathering<'_>) -> Option<Case> {
    let groups = gathering.groups();
    groups.first().map(|group| gathering.examine(group))
}

fn after(kind: Kind) -> Kind {
    match kind {
        Kind::Share => Kind::Manifest,
        Kind::Manifest => Kind::Sealed,
        Kind::Sealed => Kind::Locked,
        Kind::Locked | Kind::Record => Kind::Share,
    }
}

impl Guide {
    /// Starts with what is needed most.
    fn begin(gathering: &mut Gathering<'_>) -> Self {
        let place = wanted(gathering);
        let mut guide = Self::at(gathering, place);
        if place.kind == Kind::Manifest && guide.done.is_empty() {
            "the manifest is needed once for the set, some 15 lines; Tab: another sheet first"
                .clone_into(&mut guide.note);
        }
        guide
    }

    /// Starts at the first line of a payload that is not here yet.
    fn at(gathering: &Gathering<'_>, first: Place) -> Self {
        let held = gathering.pile.open_lines();
        let here = |place: &Place| held.contains(place);
        let lines = (0..MAX_LINES).map(|line| Place { line, ..first });
        let done = lines.clone().take_while(here).map(|place| Done {
            label: place.to_string(),
            symbols: Zeroizing::default(),
            note: "here already".to_owned(),
        });
        let place = lines.clone().find(|place| !here(place)).unwrap_or(first);
        let done = done.collect();
        Self { place, done, note: String::new(), start: Zeroizing::default() }
    }

    fn title(&self, gathering: &mut Gathering<'_>) -> String {
        let (kind, line) = (self.place.kind.word(), self.place.line + 1);
        let so_far = case(gathering).map_or_else(String::new, |case| {
            format!("   {} of {} shares are here", case.good().len(), case.manifest.threshold.k())
        });
        let line = if self.place.kind == Kind::Share {
            format!("line {line} of 4")
        } else {
            format!("line {line}")
        };
        format!("Typing a {kind}, {line}{so_far}")
    }

    /// A line did not fit: it stays where it is, to be looked at again.
    fn again(&mut self, text: &str, note: String) {
        (self.start, self.note) = (Zeroizing::new(text.to_owned()), note);
    }
}

/// Returns the symbols with which a line has to begin: shares and sealed parts begin with their set's code.
fn expected(gathering: &mut Gathering<'_>, place: Place) -> Option<String> {
    let case = case(gathering)?;
    let begins = matches!(place.kind, Kind::Share | Kind::Sealed | Kind::Locked) && place.line == 0;
    begins.then(|| crockford::encode(&case.code.bytes()).to_string())
}

fn on_screen(
    gathering: &mut Gathering<'_>,
    screen: &mut Screen,
    guide: &Guide,
) -> Result<Entry, Failure> {
    let title = guide.title(gathering);
    let expected = expected(gathering, guide.place);
    let view = View {
        title: &title,
        done: &guide.done,
        label: &guide.place.to_string(),
        note: &guide.note,
        start: &guide.start,
        expected: expected.as_deref(),
        symbol: |sign| crockford::value(sign).map(crockford::symbol),
    };
    screen.type_line(&view).map_err(|e| terminal_failed(&e))
}

fn in_line(gathering: &mut Gathering<'_>, guide: &Guide) -> Result<Entry, Failure> {
    let ui = &gathering.context.ui;
    if guide.place.line == 0 && guide.note.is_empty() {
        ui.must_say(&format!(
            "Type the lines of a {} without their labels. `other` types something else, Enter alone leaves.",
            guide.place.kind.word()
        ));
    }
    if !guide.note.is_empty() {
        ui.must_say(&guide.note);
    }
    let Some(line) = ui.ask_line(&format!("{}> ", guide.place), "the files of the sheets")? else {
        return Ok(Entry::Leave);
    };
    Ok(match line.trim() {
        "" => Entry::Leave,
        "other" => Entry::Other,
        _ => Entry::Line(line),
    })
}

/// Holds a line against its last four signs, and goes on to the next or stays.
fn take(
    gathering: &mut Gathering<'_>,
    guide: &mut Guide,
    text: &str,
    screen: &mut Option<Screen>,
) -> Result<(), Failure> {
    // a label that was typed all the same
    let (place, symbols) = label_of(text).unwrap_or((guide.place, text));
    guide.place = place;
    let reading = lines::read(place, symbols);
    if let Ok(Reading::Exact(bytes)) = reading {
        accept(gathering, guide, grouped(symbols), bytes, "ok".to_owned());
        return Ok(());
    }
    let plain = Zeroizing::new(grouped(symbols).replace(' ', ""));
    let label = place.to_string().replace('-', "");
    if let Some(rest) = plain.strip_prefix(&label) {
        guide.again(
            rest,
            format!("the label {place} is not typed here: go on with the line's last signs"),
        );
        return Ok(());
    }
    // what begins otherwise than the sheets that are here is no slip of one sign
    let begins = expected(gathering, place);
    let fits = |way: &Mended| {
        let signs = way.symbols.chars().filter(|sign| *sign != ' ');
        begins.as_ref().is_none_or(|begins| signs.take(begins.len()).eq(begins.chars()))
    };
    let reading = match reading {
        Ok(Reading::Mended(way)) if !fits(&way) => Err(LineError::Unfit),
        Ok(Reading::Ask(ways)) => Ok(Reading::Ask(ways.into_iter().filter(fits).collect())),
        other => other,
    };
    match reading {
        Ok(Reading::Exact(_)) => {}
        Ok(Reading::Mended(Mended { bytes, symbols, position })) => {
            let note = format!("mended at sign {position}: compare with the paper");
            accept(gathering, guide, symbols, bytes, note);
        }
        Ok(Reading::Ask(ways)) if (1..=6).contains(&ways.len()) => {
            // the question is put below the screen, which is wiped for it
            let had_screen = screen.take().is_some();
            match gathering.which(place, ways)? {
                Some(way) => {
                    accept(gathering, guide, way.symbols, way.bytes, "as you chose".to_owned());
                }
                None => guide.again(symbols, "look at this line once more".to_owned()),
            }
            if had_screen {
                *screen = gathering.context.ui.typing_screen();
            }
        }
        Ok(Reading::Ask(_)) | Err(LineError::Unfit) => {
            let other = (0..MAX_LINES).map(|line| Place { line, ..place });
            let mut other = other.filter(|other| lines::fits(*other, symbols).is_some());
            let note = match other.next() {
                Some(other) => format!("this is {other}, and {place} comes first"),
                None => {
                    "it does not fit its last four signs: two signs or more are wrong".to_owned()
                }
            };
            guide.again(symbols, note);
        }
        Err(error) => guide.again(symbols, error.to_string()),
    }
    Ok(())
}

fn accept(
    gathering: &mut Gathering<'_>,
    guide: &mut Guide,
    symbols: Zeroizing<String>,
    bytes: Zeroizing<Vec<u8>>,
    note: String,
) {
    let place = guide.place;
    if let Some(sheet) = again_at_the_first_line(gathering, place, &bytes) {
        *guide = Guide::at(gathering, place);
        guide.note = format!("sheet {sheet} is here already: take another one");
        return;
    }
    gathering.kept.keep(place, &symbols);
    let before = gathering.pile.all().count();
    let origin = Origin { file: "typed".to_owned(), place: None };
    gathering.pile.put(place, bytes, &origin);
    guide.done.push(Done { label: place.to_string(), symbols, note });
    guide.note.clear();
    guide.start = Zeroizing::default();
    let whole = gathering.pile.all().count() > before;
    let kind = place.kind;
    if whole {
        let note = if kind == Kind::Share {
            newest(gathering)
        } else {
            format!("the {} is whole", kind.word())
        };
        *guide = Guide { note, ..Guide::begin(gathering) };
        return;
    }
    let last = if kind == Kind::Share { 4 } else { MAX_LINES };
    let held = gathering.pile.open_lines();
    let rest = (place.line + 1..last).map(|line| Place { line, ..place });
    if let Some(next) = rest.into_iter().find(|next| !held.contains(next)) {
        guide.place = next;
        return;
    }
    *guide = Guide::at(gathering, Place { line: 0, ..place });
    guide.place = Place { line: 0, ..place };
    "these lines do not belong together: begin again, all from one sheet"
        .clone_into(&mut guide.note);
}

/// The first line of a share says which sheet it is; returns it when that sheet is here already.
fn again_at_the_first_line(
    gathering: &Gathering<'_>,
    place: Place,
    bytes: &[u8],
) -> Option<SheetId> {
    if place.kind != Kind::Share || place.line > 0 {
        return None;
    }
    let (set, rest) = bytes.split_first_chunk::<10>()?;
    let sheet = SheetId::new(*rest.get(1)?, *rest.first()?)?;
    gathering
        .pile
        .shares()
        .any(|(share, _)| share.set == *set && share.id() == sheet)
        .then_some(sheet)
}

/// Says what the sheet that was typed last turned out to be.
fn newest(gathering: &mut Gathering<'_>) -> String {
    let Some(case) = case(gathering) else {
        return "the share is whole; its manifest is needed to check it".to_owned();
    };
    let method = gathering.dealt_method(&case);
    let newest = case.sheets.last();
    newest.map_or_else(String::new, |s| {
        format!("{}: {}", with_holder(method.as_ref(), s.sheet), verdict_in_words(s.verdict))
    })
}

/// Sets symbols in groups of four, in capitals.
fn grouped(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(48));
    let signs = text.chars().filter(|&sign| !crockford::is_filler(sign));
    for (i, sign) in signs.enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push(' ');
        }
        out.push(crockford::value(sign).map_or(sign, crockford::symbol));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_share_is_ever_kept() {
        let mut kept = Kept::default();
        for label in ["K1", "P01", "M01", "S1-01"] {
            if let Some(place) = Place::parse(label) {
                kept.keep(place, "AAAA");
            }
        }
        assert_eq!(kept.0, ["M01 AAAA", "S1-01 AAAA"]);
    }
}
