//! The papers of a kit: what `init` lays down, what `print` makes of it, and how much people have to write by hand.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/papers.rs"]
mod papers;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use breakglass::paper::{Edition, PACKS, Templates};
use papers::{METHOD, Papers};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/custodian-kit");

fn files(folder: &Path, below: &Path, out: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, below, out);
        } else {
            out.insert(path.strip_prefix(below).unwrap().display().to_string());
        }
    }
}

/// The folder in the repository is what `init` lays down, byte for byte.
#[test]
fn a_kit_begins_as_the_folder_in_the_repository() {
    let papers = Papers::kit_only();
    let (kit, root) = (papers.path("kit"), Path::new(ROOT));
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    files(root, root, &mut ours);
    files(&kit, &kit, &mut theirs);
    theirs.retain(|name| !name.starts_with(".git"));
    ours.retain(|name| !name.contains("__pycache__"));
    assert_eq!(ours, theirs);
    for name in ours {
        assert_eq!(
            fs::read(root.join(&name)).unwrap(),
            fs::read(kit.join(&name)).unwrap(),
            "{name}"
        );
    }
}

/// What stands in a kit goes before what is built in, and what was changed is checked.
#[test]
fn the_papers_of_a_kit_are_its_own() {
    let papers = Papers::kit_only();
    papers.run(&["-C", "kit", "print", "--check"]).expect(0, &["no templates"]);
    let text = String::from_utf8(papers.read("kit/operator/slip.md")).unwrap();
    papers.file("kit/operator/slip.md", text.replace("Release slip", "Zettel {{ nobody }}"));
    papers.file("kit/owner/key-list.md", "# Keys of {{ name }}\n\n![](field:Key {8})\n");
    papers
        .run(&["-C", "kit", "print", "--check"])
        .expect(1, &["operator/slip.md  not ok", "owner/key-list.md  ok"]);
    papers.run(&["-C", "kit", "print"]).expect(0, &["key-list          owner"]);
    papers.run(&["-C", "kit", "print", "slip", "-o", "out"]).expect(2, &["nobody"]);
    papers.run(&["-C", "kit", "print", "owner", "-o", "out"]).expect(0, &["out/key-list.pdf"]);
    // one bad file stops nobody from printing another, and what is never printed is named
    fs::write(papers.path("kit/owner/bad.md"), b"\xff\xfe").unwrap();
    fs::create_dir(papers.path("kit/owner/folder.md")).unwrap();
    std::process::Command::new("mkfifo").arg(papers.path("kit/owner/pipe.md")).status().unwrap();
    papers.file("kit/owner/label.md", "# Not this one");
    fs::create_dir_all(papers.path("kit/templates/custodian")).unwrap();
    papers
        .run(&["-C", "kit", "print", "operator-card", "-o", "card"])
        .expect(0, &["card/operator-card.pdf"]);
    papers.run(&["-C", "kit", "print", "--check"]).expect(
        1,
        &[
            "owner/bad.md  not ok",
            "it is not UTF-8",
            "printed from `custodian/label.md`",
            "templates/custodian  not ok",
        ],
    );
    papers.run(&["-C", "kit", "print", "-o", "x"]).expect(2, &["what is to be printed?"]);
}

#[test]
fn a_custodian_gets_the_papers_of_one_person_in_their_language() {
    let papers = Papers::kit_only();
    let own = METHOD.replace("id = \"E1002\"\n", "id = \"E1002\"\nlang = \"de\"\n");
    papers.file("kit/method.toml", own);
    let run = papers.run(&["-C", "kit", "print", "--for", "ben hart", "-o", "ben"]);
    run.expect(
        0,
        &[
            "ben/receipt-ben-hart.pdf",
            "not there in `de`, and printed in English: custodian-start, custody-card, label, receipt",
        ],
    );
    papers
        .run(&["-C", "kit", "print", "--for", "E1001", "receipt", "-o", "ana"])
        .expect(0, &["ana/receipt-ana-ruiz.pdf"]);
    assert_eq!(fs::read_dir(papers.path("ana")).unwrap().count(), 1);
    papers
        .run(&["-C", "kit", "print", "--for", "Nobody", "-o", "x"])
        .expect(2, &["there is no custodian `Nobody`", "Chen Li (E1003)"]);
    papers
        .run(&["-C", "kit", "print", "--for", "Ana Ruiz", "inventory", "-o", "x"])
        .expect(2, &["`inventory` is not made for Ana Ruiz alone"]);
    // with a translation of the organisation, each gets it in their own language
    fs::create_dir_all(papers.path("kit/templates/de")).unwrap();
    papers.file(
        "kit/templates/de/receipt.md",
        "# Quittung\n\n{% for c in custodians %}\n\n{{ c.name }}\n\n{% endfor %}\n",
    );
    papers
        .run(&["-C", "kit", "print", "receipt", "-o", "all"])
        .expect(0, &["all/receipt.pdf", "all/receipt-de.pdf"]);
    assert!(!papers.path("x").exists());
}

/// `lp` gets the pages over a pipe; one that fails is an error.
#[test]
fn papers_go_to_a_printer() {
    use std::os::unix::fs::PermissionsExt;
    let papers = Papers::kit_only();
    fs::create_dir(papers.path("bin")).unwrap();
    let lp = papers.path("bin/lp");
    fs::write(&lp, "#!/bin/sh\necho \"$@\" >> lp.log\nhead -c 5 >> lp.log\n[ \"$2\" != away ] || { echo 'lp: no such printer' >&2; exit 1; }\n").unwrap();
    fs::set_permissions(&lp, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |queue: &str| {
        let path = format!("{}:{}", papers.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = std::process::Command::new(papers::PROGRAM);
        command.args([
            "-C",
            "kit",
            "print",
            "operator-card",
            "slip",
            "--paper",
            "letter",
            "--print",
            queue,
        ]);
        papers::Run::from(command.env("PATH", path).current_dir(papers.dir()).output().unwrap())
    };
    run("office").expect(0, &["operator-card.pdf is with the printer office"]);
    let log = String::from_utf8(papers.read("lp.log")).unwrap();
    assert!(
        log.contains("-d office -t operator-card.pdf -o media=Letter -o sides=two-sided-long-edge"),
        "{log}"
    );
    assert!(log.contains("sides=one-sided") && log.matches("%PDF-").count() == 2, "{log}");
    run("away").expect(2, &["did not take `operator-card.pdf`: lp: no such printer"]);
    run("a b").expect(2, &["is no name of a printer"]);
}

/// Every paper of the example has as many pages as it should, on both papers; the card has two sides in every language.
#[test]
fn papers_have_their_pages() {
    let papers = Papers::kit_only();
    for paper in ["a4", "letter"] {
        papers.run(&["-C", "kit", "print", "--all", "--paper", paper, "-o", paper]).expect(0, &[]);
        for entry in fs::read_dir(papers.path(paper)).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            let expected = match name.trim_end_matches(".pdf") {
                // one for each custodian
                "custodian-start" | "custody-card" | "receipt" => 5,
                "label" | "operator-card" | "issue-script" | "rotation-script"
                | "audit-checklist" => 2,
                // front, ten double pages, and a page for strips
                "book" => 22,
                _ => 1,
            };
            assert_eq!(pages(&papers, &format!("{paper}/{name}")), expected, "{paper} {name}");
        }
        for language in ["de", "es"] {
            let folder = format!("{language}-{paper}");
            let print = [
                "-C",
                "kit",
                "print",
                "operator-card",
                "--lang",
                language,
                "--paper",
                paper,
                "-o",
                &folder,
            ];
            papers.run(&print).expect(0, &["operator-card.pdf"]);
            assert_eq!(pages(&papers, &format!("{folder}/operator-card.pdf")), 2, "{folder}");
        }
    }
}

/// Names of 60 letters, 16 people with two copies, 12 uses, Greek and Cyrillic: everything fits, on both papers, on as many
/// pages as it says.
#[test]
fn every_paper_fits() {
    let papers = Papers::kit_only();
    let wide = METHOD.split("[[custodians]]").next().unwrap();
    let wide = wide
        .replace("n = 5 ", "n = 8 ")
        .replace("id = \"aws-payments-prod\"", "id = \"payments-production-aws-eu-west1\"")
        .replace("AWS payments production", "Ηλεκτρονικές πληρωμές, παραγωγή: Система платежей, продакшн №1")
        .replace("\"OWN-1\", \"DRILL\"", "\"DATA-URGENT\", \"OWN-1\", \"OWN-2\", \"OWN-3\", \"OWN-4\", \"OWN-5\", \"OWN-6\", \"DRILL\"")
        .replace("OWN-1 = \"payments are stuck, deploys cannot run\"", &(1..=6).map(|n| format!("OWN-{n} = \"the payments of region {n} are stuck, and no deploy can run\"")).collect::<Vec<_>>().join("\n"));
    let people = (0..16).map(|at| {
        let (number, copy) = (at / 2 + 1, if at % 2 == 0 { "a" } else { "b" });
        let name = ["Wilhelmina-Alexandra Featherstonehaugh-Cholmondeley Oranje", "Αικατερίνη-Παρασκευή Παπαδοπούλου-Χατζηγιαννακοπούλου", "Екатерина-Александра Константинопольская-Воскресенская"][at % 3];
        format!("[[custodians]]\nname = \"{name} {at}\"\nid = \"E{at}\"\nshare = {number}\ncopy = \"{copy}\"\nsite = \"Rotterdam-{at}, the very grey safe behind the blue door\"\n\n")
    });
    papers.file("kit/method.toml", format!("{wide}{}", people.collect::<String>()));
    for paper in ["a4", "letter"] {
        papers.run(&["-C", "kit", "print", "--all", "--paper", paper, "-o", paper]).expect(0, &[]);
        let large = format!("{paper}-large");
        let print = ["-C", "kit", "print", "--all", "--large", "--paper", paper, "-o", &large];
        papers.run(&print).expect(0, &[]);
        for language in ["de", "es"] {
            let folder = format!("{paper}-{language}");
            papers
                .run(&[
                    "-C",
                    "kit",
                    "print",
                    "operator-card",
                    "--lang",
                    language,
                    "--paper",
                    paper,
                    "-o",
                    &folder,
                ])
                .expect(0, &[]);
            // sixteen long names stand on a sheet of their own, behind the two sides
            let count = pages(&papers, &format!("{folder}/operator-card.pdf"));
            assert!((3..=4).contains(&count), "{folder}: {count}");
        }
    }
}

fn pages(papers: &Papers, file: &str) -> usize {
    let bytes = papers.read(file);
    let text = String::from_utf8_lossy(&bytes);
    text.matches("/Type/Page").count() - text.matches("/Type/Pages").count()
}

/// Translations are of the same edition, and say nothing that the English one does not.
#[test]
fn translations_are_of_the_same_edition() {
    let all: Vec<(String, &str)> = Templates::built_in_files().collect();
    let mut translated = 0;
    for (name, text) in &all {
        let Some((language, file)) = name.split_once('/').filter(|(folder, _)| folder.len() == 2)
        else {
            continue;
        };
        let english = all.iter().find(|(other, _)| {
            other != name
                && other.ends_with(&format!("/{file}"))
                && (other.starts_with("en/") || PACKS.iter().any(|p| other.starts_with(p.name)))
        });
        let Some((_, english)) = english.filter(|_| language != "en") else { continue };
        translated += 1;
        assert_eq!(Edition::of(text), Edition::of(english), "{name}");
        // every command and every value is in both
        if file.starts_with("sheet") {
            continue;
        }
        for mark in ["`breakglass ", "{{ "] {
            let words = |text: &str| -> BTreeSet<String> {
                // permitted uses are translated where there is a word for them
                let body =
                    text.split("-->").nth(1).unwrap_or(text).replace("words[u[0]] ", "u[1] ");
                let end = if mark == "{{ " { "}}" } else { "`" };
                body.split(mark)
                    .skip(1)
                    .map(|rest| {
                        rest.split(end).next().unwrap().split([' ', '|']).next().unwrap().to_owned()
                    })
                    .collect()
            };
            assert_eq!(words(text), words(english), "{name}");
        }
    }
    assert_eq!(translated, 4);
}

/// Events and files that papers name are there. (Commands are held against the parser where it is.)
#[test]
fn papers_name_what_there_is() {
    let seed: BTreeSet<String> = breakglass::kit::Kit::seed().map(|(name, _)| name).collect();
    // what a kit gets later, or a person makes
    let later = ["logbook.jsonl", "report.pdf"];
    let (mut events, mut named) = (0, 0);
    for (name, text) in breakglass::kit::Kit::seed() {
        if !name.contains(".md") {
            continue;
        }
        for rest in text.split("log add ").skip(1) {
            let word: String = rest.chars().take_while(char::is_ascii_uppercase).collect();
            if word.len() > 2 && word != "EVENT" {
                events += 1;
                let event = breakglass::logbook::Event::parse(&word);
                assert!(
                    event.is_some_and(breakglass::logbook::Event::is_reported),
                    "{name}: {word}"
                );
            }
        }
        for word in text.split('`').skip(1).step_by(2).flat_map(str::split_whitespace) {
            let ending = word.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
            if matches!(ending, "py" | "toml" | "jsonl" | "md" | "pdf" | "sh")
                && !word.contains(['/', '{', '*'])
            {
                named += 1;
                let there = later.contains(&word)
                    || seed.iter().any(|path| path == word || path.ends_with(&format!("/{word}")));
                assert!(there, "{name}: `{word}`");
            }
        }
    }
    assert!(events > 12 && named > 12, "{events} {named}");
}

// ---- Handwriting --------------------------------------------------------------------------------

/// The forms of a scene: name, how often, signatures, cells.
type Forms = Vec<(String, usize, usize, Vec<String>)>;

/// Reads `tests/kit/handwriting.txt`: scene, most signs, forms. A scene that others begin `with` has no goal and is none itself.
fn scenes() -> Vec<(String, Option<usize>, Forms)> {
    let mut scenes: Vec<(String, Option<usize>, Forms)> = Vec::new();
    for line in include_str!("kit/handwriting.txt").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] | ["#", ..] => {}
            ["scene", name] => scenes.push((name.to_owned(), None, Vec::new())),
            ["scene", name, most] => {
                scenes.push((name.to_owned(), Some(most.parse().unwrap()), Vec::new()));
            }
            ["with", other] => {
                let forms = scenes.iter().find(|(name, ..)| name == other).unwrap().2.clone();
                scenes.last_mut().unwrap().2.extend(forms);
            }
            [name, times, signed, ..] => {
                let cells = line.split_once(&format!("{times} {signed}  ")).unwrap().1;
                let cells = cells.split('|').map(|cell| cell.trim().to_owned()).collect();
                let form =
                    (name.to_owned(), times.parse().unwrap(), signed.parse().unwrap(), cells);
                scenes.last_mut().unwrap().2.push(form);
            }
            _ => panic!("{line}"),
        }
    }
    scenes.retain(|(name, ..)| name != "dealt");
    scenes
}

/// The rooms for handwriting that a document has: those of its lines, or of one of its tables.
fn rooms(name: &str) -> Vec<usize> {
    let number =
        |text: &str| -> Option<usize> { text.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok() };
    let read = |file: &str| fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
    let heads = |text: &str| -> Vec<Vec<usize>> {
        let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains("} |"));
        let rows = rows.map(|row| row.split('|').filter_map(|cell| number(cell.trim())).collect());
        rows.filter(|row: &Vec<usize>| !row.is_empty()).collect()
    };
    if name == "book" {
        let text = read("auditor/book.md");
        let pages: Vec<Vec<usize>> =
            heads(&text).into_iter().filter(|head| head.len() > 5).collect();
        // numbers of lines are printed; both pages sign themselves
        let [left, right] = &pages[..] else { panic!("{pages:?}") };
        let right = [&right[1..5], &right[7..]].concat();
        return [&left[1..], &right[..]].concat();
    }
    if let Some((file, table)) = name.split_once('#') {
        let mut tables = heads(&read(file));
        return tables.swap_remove(table.parse().unwrap_or(0));
    }
    let text = read(name);
    let fields =
        text.split("![](field:").skip(1).map(|rest| rest.split(")\n").next().unwrap().to_owned());
    fields
        .flat_map(|field| {
            field.split('|').map(|part| number(part).unwrap_or(0)).collect::<Vec<_>>()
        })
        .collect()
}

/// How much people write in each scene stands in the kit's README; the goals are kept, and everything fits its room.
#[test]
fn little_is_written_by_hand() {
    let mut table = String::from("| scene | signs | signatures |\n|---|---|---|\n");
    for (scene, goal, forms) in scenes() {
        let (mut signs, mut signatures) = (0, 0);
        for (name, times, signed, cells) in forms {
            let rooms = rooms(&name);
            assert_eq!(rooms.len(), cells.len(), "{scene}: {name} has {rooms:?}");
            for (room, cell) in rooms.iter().zip(cells) {
                let own = cell.chars().filter(|c| !c.is_whitespace()).count();
                assert!(*room == 0 || own <= *room + 1, "{scene}: `{cell}` in {room} of {name}");
                signs += own * times;
            }
            signatures += signed * times;
        }
        assert!(goal.is_none_or(|goal| signs <= goal), "{scene}: {signs} signs");
        let goal = goal.map(|goal| format!(" (goal: at most {goal})")).unwrap_or_default();
        writeln!(table, "| {scene} | {signs}{goal} | {signatures} |").unwrap();
    }
    drawn("| scene |", &table);
}

/// The kit's README lists every paper with its number, version and hash: whoever changes words sees it here.
#[test]
fn the_readme_of_the_kit_lists_its_papers() {
    let mut table = String::from("| paper | for | number, version | text |\n|---|---|---|---|\n");
    for pack in &PACKS {
        for (path, text) in pack.files() {
            let edition = Edition::of(text).unwrap();
            let name = path.split('/').nth(1).unwrap().trim_end_matches(".md");
            let title = text
                .lines()
                .find_map(|line| line.strip_prefix("# "))
                .unwrap()
                .replace("{{ name }}", "…")
                .replace(" {{ book }}", "");
            let hash = breakglass::logbook::hex(&breakglass::set::sha256(&[text.as_bytes()]))[..8]
                .to_owned();
            writeln!(
                table,
                "| [{name}]({path}): {title} | {} | {}, {} | {hash} |",
                pack.name, edition.id, edition.version
            )
            .unwrap();
        }
    }
    drawn("| paper |", &table);
}

/// Compares a table of the README; `BREAKGLASS_DRAW=1` writes it anew.
fn drawn(head: &str, table: &str) {
    let path = Path::new(ROOT).join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    if std::env::var_os("BREAKGLASS_DRAW").is_some() {
        let start = text.find(head).unwrap();
        let rest = &text[start..];
        let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
        fs::write(path, format!("{}{table}{}", &text[..start], &rest[end..])).unwrap();
        return;
    }
    assert!(text.contains(table), "{table}");
}
