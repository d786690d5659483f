//! Everything that is asked, asked through a real terminal: what is typed, what is shown and what never is.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/papers.rs"]
mod papers;

use breakglass::codes::code::{Code, CodeKind};
use breakglass::codes::payload::Kind;
use breakglass::logbook::check_code;
use breakglass::scan;
use dialogue::{BACK, CTRL_C, CTRL_D, Dialogue, OTHER_SCREEN, printed};
use papers::Papers;

const PASSWORD: &str = "Tr0ub4dor&3-horse 20";

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

/// Whoever has the printed card, three sheets and the paper book types only what the card says.
#[test]
fn the_card_and_three_sheets_are_enough() {
    let card = include_str!("../custodian-kit/operator/operator-card.md");
    let on_card = |start: &str| {
        let command = card.split('`').find(|quoted| quoted.starts_with(start)).unwrap();
        let words = command.split_whitespace().skip(1);
        words.map(|word| word.replace("FOLDER", "scans")).collect::<Vec<String>>()
    };
    let papers = of_the_password();
    let (kit, code) = (papers.path("kit"), papers.set_code());
    std::fs::create_dir(kit.join("scans")).unwrap();
    for sheet in ["1a", "2a", "3a"] {
        let name = format!("scans/{sheet}.pdf");
        std::fs::copy(papers.path(&papers.sheet(sheet)), kit.join(name)).unwrap();
    }
    let start = |words: &[String]| {
        Dialogue::start_in(&kit, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut dialogue = start(&on_card("breakglass combine FOLDER"));
    for number in ["1 of 3", "2 of 3", "3 of 3"] {
        dialogue.wait_any(&[number]);
    }
    dialogue.opens(&code, PASSWORD);
    let mut done = start(&on_card("breakglass log add END"));
    // it asks whether the clock is right; everything else it knows
    done.answer("Enter if the clock is right", "");
    done.answer("Enter to record it", "");
    done.wait_any(&["Recorded: record"]);
    let book = std::fs::read_to_string(kit.join("logbook.jsonl")).unwrap();
    assert!(book.lines().last().unwrap().contains("\"event\":\"END\""), "{book}");
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
    // README says 45 lines and about 1550 keys; age's random line moves that by some lines at worst
    assert!(
        (43..=50).contains(&lines) && (1480..1750).contains(&dialogue.keys),
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
    dialogue.opens(&code, PASSWORD);
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
    dialogue.opens(&code, PASSWORD);
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
    dialogue.opens(&code, PASSWORD);
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
    dialogue.wait_any(&[&format!("One sign differs from the sheets. Does the book say {code}?")]);
    dialogue.answer("y, or the whole code as the book has it: ", "n");
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

/// What a screen shows as a photograph has it: eight pixels a square, on a dark desk.
fn photograph(screen: &str) -> Vec<u8> {
    use image::ImageEncoder;
    const SIZE: usize = 8;
    let (on, off) = ("\u{1b}[0;30;107m", "\u{1b}[0m");
    let rows: Vec<Vec<char>> = screen
        .split(on)
        .skip(1)
        .map(|row| row.split_once(off).unwrap().0.chars().collect())
        .collect();
    let (width, height) = ((rows[0].len() + 8) * SIZE, (rows.len() * 2 + 8) * SIZE);
    let mut pixels = vec![40_u8; width * height];
    for (y, row) in rows.iter().enumerate() {
        for (x, sign) in row.iter().enumerate() {
            let dark = match sign {
                '\u{2588}' => [true, true],
                '\u{2580}' => [true, false],
                '\u{2584}' => [false, true],
                _ => [false, false],
            };
            for (i, dark) in dark.into_iter().enumerate() {
                let (left, top) = ((x + 4) * SIZE, (2 * y + i + 4) * SIZE);
                for line in top..top + SIZE {
                    let start = line * width + left;
                    pixels[start..start + SIZE].fill(if dark { 20 } else { 230 });
                }
            }
        }
    }
    let mut png = Vec::new();
    let (width, height) = (width.try_into().unwrap(), height.try_into().unwrap());
    image::codecs::png::PngEncoder::new(&mut png)
        .write_image(&pixels, width, height, image::ExtendedColorType::L8)
        .unwrap();
    png
}

#[test]
fn where_no_file_can_be_written_the_record_is_photographed_off_the_screen() {
    let papers = of_the_password();
    let sheets = ["1a", "2a", "3a"].map(|sheet| papers.sheet(sheet));
    let mut args = vec!["-C", "nowhere", "combine", "--record", "/proc/record.json"];
    args.extend(sheets.iter().map(String::as_str));
    let mut dialogue = Dialogue::start(&papers, &args);
    dialogue.answer("Set code in the paper book", &papers.set_code());
    dialogue.release();
    std::fs::create_dir(papers.path("photos")).unwrap();
    for number in 1.. {
        dialogue.answer("Photograph this, then Enter (", "");
        let from = dialogue.seen;
        dialogue.wait_any(&[BACK]);
        let screen = String::from_utf8_lossy(&dialogue.bytes[from..dialogue.seen]).into_owned();
        std::fs::write(papers.path(&format!("photos/{number}.png")), photograph(&screen)).unwrap();
        let count = screen.split_once(" of ").unwrap().1.split_once(')').unwrap().0;
        if count == number.to_string() {
            break;
        }
    }
    let from = dialogue.seen;
    dialogue.answer("Press Enter", "");
    let line = String::from_utf8_lossy(&dialogue.bytes[from..]).into_owned();
    let (_, code) = line.split_once("  R ").unwrap();
    let code = format!("R {}", code.split_whitespace().next().unwrap());
    let question = "Check code, as it now stands in the book: ";
    dialogue.answer(question, &with_slip(&code, 6));
    dialogue.wait_any(&["That is not the code."]);
    dialogue.answer("See it again? [y/n] ", "n");
    dialogue.answer(question, &code);
    dialogue.wait_any(&[OTHER_SCREEN]);
    let from = dialogue.seen;
    dialogue.answer("Press Enter", "");
    let shown = dialogue.end(0);
    assert!(shown[from..].contains(PASSWORD));
    assert!(shown.contains("Recorded: the paper book alone"), "{shown}");

    // at home, the photographs are as good as strips
    papers.run(&["-C", "kit", "log", "import", "photos"]).expect(0, &["RELEASE"]);
    let import = papers.records().pop().unwrap();
    assert_eq!(import["event"], "IMPORT");
    let original = import["line"].as_str().unwrap();
    assert!(original.contains("\"event\":\"RELEASE\""), "{original}");
    assert_eq!(check_code(original.as_bytes()).to_string(), code);
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

/// The signs of a printed line, without label and blanks.
fn signs(line: &str) -> String {
    line.split_once(' ').unwrap().1.replace(' ', "")
}

#[test]
fn the_typing_screen_guides_through_three_sheets() {
    let papers = of_the_password();
    let code = papers.set_code();
    let mut dialogue = Dialogue::start(&papers, &["-C", "kit", "combine", "--type"]);
    dialogue.wait_any(&["Typing a share, line 1 of 4"]);
    for (i, sheet) in ["1a", "4a", "3a"].iter().enumerate() {
        let lines = printed(&papers, sheet, Kind::Share);
        for (j, line) in lines.iter().enumerate() {
            // the first row of the next sheet stands above what is said about the last one
            if (i, j) == (0, 0) || j > 0 {
                dialogue.wait_any(&[&format!("> K{}", j + 1)]);
            }
            if (i, j) == (1, 0) {
                // the set's code is known by now: a slip is seen as it is typed, and taken back
                let first = if signs(line).starts_with('7') { "W" } else { "7" };
                dialogue.type_in(first);
                dialogue.wait_any(&["sign 1 differs from the sheets that are here"]);
                dialogue.type_in("\u{7f}");
                // no sign of the paper at all
                dialogue.type_in("u");
                dialogue.wait_any(&["`u` is no sign of the paper"]);
                // the label as it is printed
                dialogue.type_in("K1 ");
                dialogue.wait_any(&["labels are not typed here"]);
            }
            let typed = if (i, j) == (2, 1) { signs(&with_slip(line, 8)) } else { signs(line) };
            // a full line goes on by itself
            dialogue.type_in(&typed.to_lowercase());
            if (i, j) == (2, 1) {
                dialogue.wait_any(&["mended at sign 8"]);
            }
        }
        if i < 2 {
            let holder = ["1a, Ana Ruiz: ok", "4a, Dana Okoye: ok"][i];
            dialogue.wait_any(&[holder]);
        }
    }
    dialogue.wait_any(&["3 of 3: 3a, Chen Li"]);
    dialogue.answer("Set code in the paper book", &code);
    dialogue.release();
    // README says about 400 keys
    assert!((360..430).contains(&dialogue.keys), "{} keys", dialogue.keys);
    let shown = dialogue.shown();
    let (_, last) = shown.split_once("\u{1b}[?1049h").unwrap();
    assert!(
        last.contains("\u{1b}[2J\u{1b}[3J\u{1b}[H\u{1b}[?1049l"),
        "the lines of shares stay on the screen"
    );
    dialogue.answer("Press Enter", "");
    let shown = dialogue.end(0);
    assert_eq!(shown.matches(PASSWORD).count(), 1, "{shown}");
}

#[test]
fn what_was_typed_and_is_no_secret_is_kept() {
    let papers = of_the_password();
    let code = papers.set_code();
    // without a kit, line by line
    let mut dialogue = Dialogue::start(&papers, &["combine", "--type", "--plain"]);
    for (i, line) in printed(&papers, "1a", Kind::Share).iter().enumerate() {
        dialogue.answer(&format!("K{}> ", i + 1), &signs(line));
    }
    dialogue.wait_any(&["its manifest is needed"]);
    let manifest = printed(&papers, "1a", Kind::Manifest);
    for (i, line) in manifest.iter().enumerate().take(9) {
        dialogue.answer(&format!("M{:02}> ", i + 1), &signs(line));
    }
    dialogue.answer("M10> ", &signs(&with_slip(&with_slip(&manifest[9], 1), 7))[..27]);
    // by chance another line fits nearly, and is asked about
    dialogue.wait_any(&["[y/n]", "M10> "]);
    dialogue.type_in(CTRL_C);
    let shown = dialogue.end(130);
    assert!(shown.contains("breakglass combine typed-1.txt"), "{shown}");
    let kept = String::from_utf8(papers.read("typed-1.txt")).unwrap();
    assert_eq!(kept.lines().count(), 10, "{kept}");
    let share = printed(&papers, "1a", Kind::Share);
    assert!(!share.iter().any(|line| kept.contains(&line[3..])), "a line of a share was kept");

    // the next day: the guide goes on where it stopped
    let mut dialogue = Dialogue::start(&papers, &["combine", "--type", "--plain", "typed-1.txt"]);
    for (i, line) in share.iter().enumerate() {
        // with its label, too
        dialogue.answer(&format!("K{}> ", i + 1), line);
    }
    for (i, line) in manifest.iter().enumerate().skip(9) {
        dialogue.answer(&format!("M{:02}> ", i + 1), &signs(line));
    }
    dialogue.wait_any(&["the manifest is whole"]);
    dialogue.answer("K1> ", &signs(&share[0]));
    dialogue.wait_any(&["sheet 1a is here already"]);
    for sheet in ["2a", "5a"] {
        for (i, line) in printed(&papers, sheet, Kind::Share).iter().enumerate() {
            dialogue.answer(&format!("K{}> ", i + 1), &signs(line));
        }
    }
    let sealed = printed(&papers, "2a", Kind::Sealed);
    dialogue.answer("S1-01> ", &signs(&sealed[1]));
    dialogue.wait_any(&["this is S1-02, and S1-01 comes first"]);
    for line in &sealed {
        dialogue.answer("> ", &signs(line));
    }
    dialogue.opens(&code, PASSWORD);
    // nothing new is kept where everything came in
    assert!(!papers.path("typed-2.txt").exists());
}

/// At the prompt, too, and when everything was in and somebody stops at a later question.
#[test]
fn whoever_stops_at_a_question_types_the_manifest_no_second_time() {
    let papers = of_the_password();
    let mut dialogue = Dialogue::start(&papers, &["combine"]);
    let manifest = printed(&papers, "1a", Kind::Manifest);
    dialogue.bring(&manifest);
    for sheet in ["1a", "2a", "5a"] {
        dialogue.bring(&printed(&papers, sheet, Kind::Share));
    }
    dialogue.answer("sheet> ", &papers.sheet("5a"));
    dialogue.wait_any(&["Set code in the paper book"]);
    dialogue.type_in(CTRL_C);
    dialogue.end(130);
    let kept = String::from_utf8(papers.read("typed-1.txt")).unwrap();
    assert_eq!(
        kept.lines().skip(1).map(signs).collect::<Vec<_>>(),
        manifest.iter().map(|l| signs(l)).collect::<Vec<_>>()
    );
    assert!(!papers.path("typed-2.txt").exists(), "kept twice");
}
