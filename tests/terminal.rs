//! Everything that is asked, asked through a real terminal: what is typed, what is shown and what never is.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/papers.rs"]
mod papers;

use std::io::ErrorKind;
use std::process::Command;
use std::time::{Duration, Instant};

use breakglass::codes::code::{Code, CodeKind};
use breakglass::codes::lines;
use breakglass::codes::payload::{self, Kind, Payload};
use breakglass::scan::{self, Reader, Reading};
use expectrl::process::unix::{Signal, WaitStatus};
use expectrl::session::OsSession;
use expectrl::{Expect, Session};
use papers::Papers;

const PASSWORD: &str = "Tr0ub4dor&3-horse 20";

const OTHER_SCREEN: &str = "\u{1b}[?1049h";
const BACK: &str = "\u{1b}[?1049l";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

/// Longest wait for a prompt; a busy machine rasterises slowly.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program at a terminal, and everything that the terminal showed.
struct Dialogue {
    session: OsSession,
    bytes: Vec<u8>,
    /// How much of it was waited for.
    seen: usize,
    /// Keys that had to be pressed; the spaces between groups of signs need not be.
    keys: usize,
}

impl Dialogue {
    /// Starts the program in the folder of the papers, at a terminal that shows what is typed.
    fn start(papers: &Papers, args: &[&str]) -> Self {
        let mut command = Command::new("sh");
        // whoever makes the terminal turns its echo off, so it is turned on again
        command.args(["-c", "stty sane; exec \"$@\"", "sh", papers::PROGRAM]).args(args);
        command.current_dir(papers.dir()).env("TERM", "xterm").env_remove("NO_COLOR");
        Self { session: Session::spawn(command).unwrap(), bytes: Vec::new(), seen: 0, keys: 0 }
    }

    /// Takes what is shown by now; false at the end.
    fn look(&mut self) -> bool {
        let mut chunk = [0; 4096];
        loop {
            match self.session.try_read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => self.bytes.extend(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // so does Linux say that nobody has the terminal open any more
                Err(_) => return false,
            }
        }
    }

    /// Everything shown so far.
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Waits until one of the texts is shown, and says which comes first.
    #[track_caller]
    fn wait_any(&mut self, texts: &[&str]) -> usize {
        let started = Instant::now();
        loop {
            let more = self.look();
            let rest = &self.bytes[self.seen..];
            let place = |text: &str| rest.windows(text.len()).position(|w| w == text.as_bytes());
            let found = texts.iter().enumerate().filter_map(|(i, text)| Some((place(text)?, i)));
            if let Some((at, i)) = found.min() {
                self.seen += at + texts[i].len();
                return i;
            }
            let late = started.elapsed() > PATIENCE;
            assert!(more && !late, "no `{}` in:\n{}", texts.join("` or `"), self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn type_in(&mut self, keys: &str) {
        let label = usize::from(keys.starts_with(['K', 'M', 'S', 'k']) && keys.contains(' '));
        self.keys += keys.chars().filter(|key| *key != ' ').count() + label;
        self.session.send(keys).unwrap();
    }

    /// Waits for a prompt and answers it.
    #[track_caller]
    fn answer(&mut self, prompt: &str, text: &str) {
        self.wait_any(&[prompt]);
        self.type_in(&format!("{text}\r"));
    }

    /// Types lines of the paper, each at its own prompt.
    #[track_caller]
    fn bring(&mut self, lines: &[String]) {
        for line in lines {
            self.answer("sheet> ", line);
        }
    }

    /// Answers everything from the operator's name to the last Enter.
    #[track_caller]
    fn release(&mut self) {
        self.answer("Who gets the credential, name: ", "B. Alvarez");
        self.answer("company id: ", "E2040");
        self.answer("Number (or other words): ", "1");
        self.confirm();
    }

    /// Answers what comes after the reason, whatever speaks against it on this machine.
    #[track_caller]
    fn confirm(&mut self) {
        loop {
            let asked = [
                "Enter if the clock is right",
                "Ticket (",
                "Last check code",
                "Type why",
                "Enter to open it",
            ];
            match self.wait_any(&[&asked[..], &[OTHER_SCREEN]].concat()) {
                3 => self.answer(": ", "a test of the terminal"),
                5 => return,
                _ => self.answer(": ", ""),
            }
        }
    }

    /// Names the set and answers everything; the password has to be on the other screen.
    #[track_caller]
    fn opens(mut self, code: &str) {
        self.answer("Set code in the paper book", code);
        self.release();
        let [_, on, _] = self.see_and_end();
        assert!(on.contains(PASSWORD), "{on}");
    }

    /// Sees the credential on the other screen, wipes it, and ends; returns what was shown before, on and after it.
    #[track_caller]
    fn see_and_end(mut self) -> [String; 3] {
        self.answer("Press Enter", "");
        let shown = self.end(0);
        let (before, rest) = shown.split_once(OTHER_SCREEN).unwrap();
        let (on, after) = rest.split_once(BACK).unwrap_or_else(|| panic!("never back:\n{shown}"));
        // cleared with what was scrolled away, before the old screen comes back
        assert!(on.ends_with("\u{1b}[2J\u{1b}[3J\u{1b}[H"), "{on:?}");
        assert!(!after.contains(OTHER_SCREEN));
        let last = after.trim_end().lines().last().unwrap_or_default();
        assert!(last.contains("Revoke before "), "{after:?}");
        [before, on, after].map(str::to_owned)
    }

    /// Waits for the end, which has to be with that code, and returns everything shown.
    #[track_caller]
    fn end(mut self, code: i32) -> String {
        let started = Instant::now();
        while self.look() {
            assert!(started.elapsed() < PATIENCE, "no end after:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.session.get_process().wait().unwrap();
        let right = match status {
            WaitStatus::Exited(_, with) => with == code,
            // Ctrl-C between two questions; a shell calls it 130 too
            WaitStatus::Signaled(_, Signal::SIGINT, _) => code == 130,
            _ => false,
        };
        assert!(right, "{status:?}\n{}", self.shown());
        self.shown()
    }
}

/// What stands on a sheet, as somebody reads it off the paper.
fn payloads(papers: &Papers, sheet: &str) -> Vec<Payload> {
    let sheet = papers.sheet(sheet);
    let reader = Reader::new(papers::PROGRAM.into());
    let Reading::Pages(pages) = reader.read(&sheet, &papers.read(&sheet)).unwrap() else {
        panic!("{sheet} is a text")
    };
    let codes = pages.iter().flat_map(|page| &page.codes);
    codes.flat_map(|code| payload::parse(&code.text).unwrap()).collect()
}

/// The typed lines of one kind as they are printed: a label, and symbols in groups of four.
fn printed(papers: &Papers, sheet: &str, kind: Kind) -> Vec<String> {
    let payloads = payloads(papers, sheet);
    let payload = payloads.iter().find(|payload| payload.kind() == kind).unwrap();
    let lines = lines::encode(kind, 0, &payload.to_bytes());
    let grouped = |line: &str| {
        let (label, symbols) = line.split_once(' ').unwrap();
        let groups: Vec<&str> =
            symbols.as_bytes().chunks(4).map(|g| std::str::from_utf8(g).unwrap()).collect();
        format!("{label} {}", groups.join(" "))
    };
    lines.lines().map(grouped).collect()
}

/// Replaces the symbol at a place of a printed line, label not counted, by another.
fn with_slip(line: &str, symbol: usize) -> String {
    let (label, symbols) = line.split_once(' ').unwrap();
    let mut symbols: Vec<char> = symbols.chars().collect();
    symbols[symbol] = if symbols[symbol] == '7' { 'W' } else { '7' };
    format!("{label} {}", symbols.into_iter().collect::<String>())
}

fn of_the_password() -> Papers {
    Papers::of(PASSWORD.as_bytes())
}

#[test]
fn a_typed_password_is_never_shown() {
    let papers = Papers::kit_only();
    let mut dialogue = Dialogue::start(&papers, &["-C", "kit", "split", "-o", "papers"]);
    dialogue.answer("Credential (not shown as you type): ", PASSWORD);
    // a slip of the finger, taken back
    dialogue.answer("Again: ", &format!("x\u{7f}{PASSWORD}ö\u{7f}"));
    dialogue.wait_any(&["every page reads back"]);
    let shown = dialogue.end(0);
    for part in [PASSWORD, &PASSWORD[..5], &PASSWORD[14..]] {
        assert!(!shown.contains(part), "`{part}` was shown");
    }
    papers.file("credential", PASSWORD);
    let brought = ["1a", "2a", "5a"].map(|sheet| papers.sheet(sheet));
    papers.opens(&brought.each_ref().map(String::as_str), &[]);
}

#[test]
fn passwords_that_differ_and_ctrl_c_make_nothing() {
    let papers = Papers::kit_only();
    let mut dialogue = Dialogue::start(&papers, &["-C", "kit", "split", "-o", "papers"]);
    dialogue.answer("Credential (not shown as you type): ", "first-password");
    dialogue.answer("Again: ", "other-password");
    dialogue.wait_any(&["differ"]);
    dialogue.wait_any(&["Credential (not shown as you type): "]);
    dialogue.type_in(CTRL_C);
    let shown = dialogue.end(130);
    assert!(!shown.contains("first-pass") && !shown.contains("other-pass"), "{shown}");
    assert!(!papers.path("papers").exists() && !papers.path("kit/logbook.jsonl").exists());
}

#[test]
fn twelve_typed_lines_and_the_kit_are_enough() {
    let papers = of_the_password();
    let code = papers.set_code();
    let mut dialogue = Dialogue::start(&papers, &["-C", "kit", "combine"]);
    dialogue.bring(&printed(&papers, "1a", Kind::Share));
    dialogue.wait_any(&["1 of 3: 1a, Ana Ruiz"]);
    // read out in lower case, without groups, in another order
    let mut lines = printed(&papers, "4a", Kind::Share);
    lines.swap(1, 3);
    let plain = |line: &String| {
        let (label, symbols) = line.split_once(' ').unwrap();
        format!("{label} {}", symbols.replace(' ', "")).to_lowercase()
    };
    dialogue.bring(&lines.iter().map(plain).collect::<Vec<_>>());
    dialogue.wait_any(&["2 of 3: 4a, Dana Okoye"]);
    dialogue.bring(&printed(&papers, "3a", Kind::Share));
    dialogue.wait_any(&["3 of 3: 3a, Chen Li"]);
    dialogue.answer("Set code in the paper book", &code);
    dialogue.release();
    // README says 12 lines and about 450 keys
    assert!((400..470).contains(&dialogue.keys), "{} keys", dialogue.keys);
    let [before, on, after] = dialogue.see_and_end();
    assert_eq!(on.matches(PASSWORD).count(), 1, "{on}");
    assert!(!before.contains(PASSWORD) && !after.contains(PASSWORD));
    // what has to be copied into the book is not on the screen that is wiped
    assert!(before.contains("Recorded: record"), "{before}");
    assert_eq!(papers.events().last().unwrap(), "RELEASE");
    let last = papers.records().pop().unwrap();
    assert_eq!(last["operator"]["name"], "B. Alvarez");
    assert_eq!(last["reason"], "IDP-DOWN");
    assert_eq!(last["sheets"], serde_json::json!(["1a", "4a", "3a"]));
    assert!(!papers.read("kit/logbook.jsonl").windows(9).any(|w| w == &PASSWORD.as_bytes()[..9]));
}

#[test]
fn typed_lines_alone_are_enough() {
    let papers = of_the_password();
    let code = papers.set_code();
    // in a folder without a kit
    let mut dialogue = Dialogue::start(&papers, &["combine"]);
    dialogue.wait_any(&["No kit here"]);
    for sheet in ["5a", "2a"] {
        dialogue.bring(&printed(&papers, sheet, Kind::Share));
    }
    dialogue.bring(&printed(&papers, "2a", Kind::Manifest));
    dialogue.bring(&printed(&papers, "1a", Kind::Share));
    dialogue.wait_any(&["3 of 3: 1a"]);
    dialogue.wait_any(&["the sealed credential is still missing"]);
    dialogue.bring(&printed(&papers, "5a", Kind::Sealed));
    dialogue.answer("Set code in the paper book", &code);
    dialogue.release();
    let lines = 12
        + printed(&papers, "2a", Kind::Manifest).len()
        + printed(&papers, "5a", Kind::Sealed).len();
    // README says 45 lines and about 1550 keys
    assert!(
        (44..=46).contains(&lines) && (1500..1600).contains(&dialogue.keys),
        "{lines} {}",
        dialogue.keys
    );
    let [before, on, _] = dialogue.see_and_end();
    assert!(on.contains(PASSWORD), "{on}");
    assert!(before.contains("loose record"), "{before}");
    assert_eq!(papers.events(), ["BEGIN", "ISSUE"], "a kit that nobody named was written to");
}

#[test]
fn a_pdf_a_picture_and_typed_lines_go_together() {
    let papers = of_the_password();
    let code = papers.set_code();
    let picture = scan::picture(&papers.read(&papers.sheet("2a")), 1, 150.0).unwrap();
    papers.file("a scan.png", picture);
    let mut dialogue = Dialogue::start(&papers, &["combine"]);
    dialogue.answer("sheet> ", "no-such-file.pdf");
    dialogue.wait_any(&["no-such-file.pdf", "file of that name"]);
    dialogue.answer("sheet> ", &papers.sheet("1a"));
    dialogue.wait_any(&["1 of 3: 1a"]);
    // as a file manager drops it into a terminal
    dialogue.answer("sheet> ", "'a scan.png'");
    dialogue.wait_any(&["2 of 3: 2a"]);
    dialogue.answer("sheet> ", "a\\ scan.png");
    dialogue.bring(&printed(&papers, "4a", Kind::Share));
    dialogue.wait_any(&["3 of 3: 4a"]);
    dialogue.opens(&code);
}

#[test]
fn pictures_that_are_dropped_into_a_folder_are_taken() {
    let papers = of_the_password();
    let code = papers.set_code();
    std::fs::create_dir(papers.path("inbox")).unwrap();
    let mut dialogue = Dialogue::start(&papers, &["combine", "--watch", "inbox"]);
    dialogue.wait_any(&["Watching inbox"]);
    for (sheet, said) in [("2a", "1 of 3: 2a"), ("1a", "2 of 3: 1a")] {
        let picture = scan::picture(&papers.read(&papers.sheet(sheet)), 1, 150.0).unwrap();
        papers.file(&format!("inbox/{sheet}.png"), picture);
        dialogue.wait_any(&[said]);
    }
    // the last sheet is typed: Enter ends the watch
    dialogue.type_in("\r");
    dialogue.bring(&printed(&papers, "4a", Kind::Share));
    dialogue.wait_any(&["3 of 3: 4a"]);
    dialogue.opens(&code);
}

#[test]
fn a_wrong_symbol_is_mended_and_shown_and_a_swap_is_a_question() {
    let papers = of_the_password();
    let code = papers.set_code();
    let mut dialogue = Dialogue::start(&papers, &["-C", "kit", "combine"]);
    let mut lines = printed(&papers, "1a", Kind::Share);
    lines[1] = with_slip(&lines[1], 6);
    dialogue.bring(&lines[..2]);
    dialogue.wait_any(&["line K2: one sign in group 2 was wrong and has been mended"]);
    dialogue.bring(&lines[2..]);
    dialogue.wait_any(&["1 of 3: 1a"]);

    let lines = printed(&papers, "2a", Kind::Share);
    dialogue.bring(&lines[..3]);
    // two neighbours that differ, in one group of the last line
    let swap = (3..31).find(|&i| {
        let signs = lines[3].as_bytes();
        signs[i] != b' ' && signs[i + 1] != b' ' && signs[i] != signs[i + 1]
    });
    let swap = swap.unwrap();
    let mut swapped = lines[3].clone().into_bytes();
    swapped.swap(swap, swap + 1);
    dialogue.answer("sheet> ", &String::from_utf8(swapped).unwrap());
    dialogue.wait_any(&["Line K4 does not fit as typed. Look at the paper"]);
    // every way is shown; the one that the paper says is taken
    let right = lines[3].strip_prefix("K4 ").unwrap();
    loop {
        let before = dialogue.seen;
        dialogue.wait_any(&["[y/n] "]);
        let question = &dialogue.bytes[before..dialogue.seen];
        if String::from_utf8_lossy(question).contains(right) {
            dialogue.type_in("y\r");
            break;
        }
        dialogue.type_in("n\r");
    }
    dialogue.wait_any(&["2 of 3: 2a"]);
    dialogue.bring(&printed(&papers, "3a", Kind::Share));
    dialogue.opens(&code);
}

/// Three sheets on the command line, so that the next question is the set code.
fn with_three(papers: &Papers) -> Dialogue {
    let sheets = ["1a", "2a", "3a"].map(|sheet| papers.sheet(sheet));
    let mut args = vec!["-C", "kit", "combine"];
    args.extend(sheets.iter().map(String::as_str));
    Dialogue::start(papers, &args)
}

#[test]
fn a_wrong_set_code_is_asked_for_again() {
    let papers = of_the_password();
    let code = papers.set_code();
    let mut dialogue = with_three(&papers);
    dialogue.answer("Set code in the paper book", "");
    dialogue.wait_any(&["a code has 17 signs"]);
    let other = Code::from_bytes(CodeKind::Set, [7; 10]).to_string();
    dialogue.answer("Set code in the paper book", &other);
    dialogue.wait_any(&[&format!("the paper book says {other}, the sheets say {}-…", &code[2..6])]);
    let before = dialogue.seen;
    dialogue.answer("Set code in the paper book", &with_slip(&code, 5));
    dialogue.answer(&format!("One sign differs. Does the book say {code}? [y/n] "), "n");
    dialogue.answer("Set code in the paper book", &code[2..].to_lowercase());
    dialogue.release();
    let [shown, on, _] = dialogue.see_and_end();
    assert!(on.contains(PASSWORD), "{on}");
    assert!(!shown[..before].contains(&code), "the code was shown before the book was read");
    assert_eq!(papers.events().last().unwrap(), "RELEASE");
    assert!(papers.records().iter().all(|record| record["kind"] != "no ink"));
}

#[test]
fn without_the_book_one_says_so_and_it_is_recorded() {
    let papers = of_the_password();
    let code = papers.set_code();
    let mut dialogue = with_three(&papers);
    dialogue.answer("Set code in the paper book", "No Book");
    dialogue.wait_any(&["NO INK"]);
    dialogue.wait_any(&[&code]);
    dialogue.answer("Who gets the credential, name: ", "B. Alvarez");
    dialogue.answer("company id: ", "E2040");
    dialogue.answer("Number (or other words): ", "the moon is full");
    dialogue.confirm();
    let [before, on, _] = dialogue.see_and_end();
    assert!(on.contains(PASSWORD), "{on}");
    assert!(before.contains("no ink: nobody has compared"), "{before}");
    let records = papers.records();
    let exceptions: Vec<&str> = records
        .iter()
        .filter(|record| record["event"] == "EXCEPTION")
        .map(|record| record["kind"].as_str().unwrap())
        .collect();
    assert!(exceptions.contains(&"no ink"), "{exceptions:?}");
    assert!(exceptions.contains(&"reason not permitted"), "{exceptions:?}");
    let release = records.last().unwrap();
    assert_eq!(release["event"], "RELEASE");
    assert_eq!(release["reason_text"], "the moon is full");
    let why = "a test of the terminal";
    assert!(records.iter().any(|record| record.to_string().contains(why)));
}

#[test]
fn ctrl_c_before_the_end_leaves_no_release() {
    let papers = of_the_password();
    let code = papers.set_code();
    let mut dialogue = with_three(&papers);
    dialogue.answer("Set code in the paper book", &code);
    dialogue.answer("Who gets the credential, name: ", "B. Alvarez");
    dialogue.answer("company id: ", "E2040");
    dialogue.wait_any(&["Number (or other words): "]);
    dialogue.type_in(CTRL_C);
    let shown = dialogue.end(130);
    assert!(!shown.contains(PASSWORD) && !shown.contains(OTHER_SCREEN));
    assert_eq!(papers.events(), ["BEGIN", "ISSUE"]);

    // and at the very last question
    let mut dialogue = with_three(&papers);
    dialogue.answer("Set code in the paper book", &code);
    dialogue.answer("Who gets the credential, name: ", "B. Alvarez");
    dialogue.answer("company id: ", "E2040");
    dialogue.answer("Number (or other words): ", "1");
    dialogue.answer("Enter if the clock is right", "");
    dialogue.answer("Ticket (", "INC-4711");
    dialogue.wait_any(&["Type why", "Enter to open it"]);
    dialogue.wait_any(&[": "]);
    dialogue.type_in(CTRL_C);
    dialogue.end(130);
    assert_eq!(papers.events(), ["BEGIN", "ISSUE"]);
}

#[test]
fn the_end_of_the_list_with_too_few_sheets_says_who_can_be_called() {
    let papers = of_the_password();
    let mut dialogue = Dialogue::start(&papers, &["-C", "kit", "combine", &papers.sheet("1a")]);
    dialogue.bring(&printed(&papers, "2a", Kind::Share)[..2]);
    dialogue.wait_any(&["sheet> "]);
    dialogue.type_in(CTRL_D);
    let shown = dialogue.end(3);
    for words in ["1 of 3 shares", "Chen Li", "+31 30 555 0103"] {
        assert!(shown.contains(words), "no `{words}` in:\n{shown}");
    }
    assert_eq!(papers.events(), ["BEGIN", "ISSUE"]);
}

/// Every question has a flag, and where nobody can be asked the error names it.
#[test]
fn where_nobody_can_be_asked_the_flag_is_named() {
    let papers = of_the_password();
    let code = papers.set_code();
    let sheets = ["1a", "2a", "3a"].map(|sheet| papers.sheet(sheet));
    let flags = [
        ("--set-code", &*code),
        ("--operator", "B. Alvarez"),
        ("--operator-id", "E2040"),
        // not permitted: something speaks against it on every machine
        ("--reason", "ROTATION"),
        ("--exception", "a test"),
        ("--output", "out"),
    ];
    for way in [&["--no-input"][..], &[]] {
        for (left_out, _) in flags {
            let mut args = vec!["-C", "kit", "combine"];
            args.extend(way);
            for (flag, value) in flags.iter().filter(|(flag, _)| *flag != left_out) {
                args.extend([flag, value]);
            }
            args.extend(sheets.iter().map(String::as_str));
            papers.run(&args).expect(2, &[left_out]);
        }
        papers
            .run(&[&["-C", "kit", "split"], way].concat())
            .expect(2, &["--from FILE", "--generate N"]);
        let run = papers.run(&[&["-C", "kit", "combine", "--output", "out"], way].concat());
        assert!(run.code != 0 && !run.err.is_empty());
    }
    assert!(!papers.path("out").exists());
    assert_eq!(papers.events(), ["BEGIN", "ISSUE"]);
}
