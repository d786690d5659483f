//! A kit in a folder that goes away, sets dealt in memory, and the real program run on them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use breakglass::clock::{Instant, Source};
use breakglass::codes::payload::{self, Payload, SealedPart};
use breakglass::dealing::{self, Dealt};
use breakglass::kit::Kit;
use breakglass::logbook::record::{Media, When};
use breakglass::logbook::{Draft, Program};
use breakglass::method::Method;
use breakglass::rng;
use breakglass::secret::Secret;
use breakglass::set::manifest::Terms;
use breakglass::set::{SheetId, SheetShare, parts, sha256};

/// What the throw-away sets hold.
pub const CREDENTIAL: &[u8] = b"correct horse\n";

/// A folder with a kit in `kit/`.
pub struct Lab {
    dir: tempfile::TempDir,
}

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Fails unless the run ended with that code and said all of that.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        for word in words {
            assert!(
                self.err.contains(word) || self.out.contains(word),
                "no `{word}` in:\n{}\n{}",
                self.out,
                self.err
            );
        }
    }
}

impl Lab {
    pub fn new() -> Self {
        let lab = Self { dir: tempfile::tempdir().unwrap() };
        Kit::init(&lab.path("kit")).unwrap();
        lab
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn kit(&self) -> Kit {
        Kit::open(&self.path("kit")).unwrap()
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        name.to_owned()
    }

    /// Runs the program in the lab's folder, without a terminal.
    pub fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new("setsid");
        command.arg("-w").arg(env!("CARGO_BIN_EXE_breakglass")).args(args);
        Run::of(&command.current_dir(self.dir()).output().unwrap())
    }

    /// `combine` with every question answered, on text files, into `out`.
    pub fn combine(&self, files: &[&str], extra: &[&str]) -> Run {
        let mut args = vec!["combine"];
        args.extend(files);
        args.extend(["--operator", "B. Alvarez", "--operator-id", "E2040", "--reason", "DRILL"]);
        args.extend(["--exception", "a test", "--no-input", "--output", "out"]);
        args.extend(extra);
        let _ = std::fs::remove_file(self.path("out"));
        self.run(&args)
    }

    pub fn opened(&self) -> Option<Vec<u8>> {
        std::fs::read(self.path("out")).ok()
    }

    /// Deals a set of the kit's method that no kit and no book knows.
    pub fn deal(generation: u32) -> Dealt {
        Self::deal_bytes(generation, CREDENTIAL)
    }

    pub fn deal_bytes(generation: u32, credential: &[u8]) -> Dealt {
        let (method, text) = Self::method();
        let terms = Terms {
            threshold: method.threshold,
            generation,
            created: 1_795_521_600,
            expires: None,
            revoke_within: method.revoke_within,
            max_session: method.max_session,
            uses: method.uses,
            method_hash: sha256(&[text.as_bytes()]),
            method: method.id.clone(),
            scope: method.scope.clone(),
            credential_id: String::new(),
        };
        let sheets: Vec<SheetId> = method.custodians.iter().map(|c| c.sheet).collect();
        dealing::deal(&Secret::new(credential.to_vec()), terms, &sheets, &mut rng::os()).unwrap()
    }

    pub fn method() -> (Method, String) {
        let text = include_str!("../../custodian-kit/method.toml").to_owned();
        (Method::parse(&text).unwrap(), text)
    }

    /// Makes the kit know a set, as `split` does.
    pub fn issue(&self, dealt: &Dealt) {
        let kit = self.kit();
        let (method, text) = Self::method();
        let when = When { at: Instant::from_unix(1_795_521_600), source: Source::System };
        let program = Program { version: "test".into(), sha256: "unknown".into() };
        let book = kit.logbook();
        if !book.exists() {
            book.append(&Draft::begin(when, &program, &method.id), &[]).unwrap();
        }
        let set = (&dealt.manifest, dealt.code);
        book.append(&Draft::issue(when, &program, set, &dealt.sheets, &Media::File), &[]).unwrap();
        kit.save_set(&dealt.code, &text, &dealt.manifest, &dealt.sealed).unwrap();
    }

    /// The events in the kit's logbook, after checking its chain.
    pub fn events(&self) -> Vec<String> {
        let verified = self.kit().logbook().verify().unwrap();
        verified.entries.iter().map(|e| e.text("event").to_owned()).collect()
    }

    /// The only loose record file in the lab's folder, a line each.
    pub fn loose(&self) -> Vec<serde_json::Value> {
        let files: Vec<PathBuf> = std::fs::read_dir(self.dir())
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("record-"))
            .collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The key code of a sheet.
pub fn key_code(dealt: &Dealt, sheet: &SheetShare) -> String {
    let share = Payload::Share(sheet.clone());
    let manifest = Payload::Manifest(Box::new(dealt.manifest.clone()));
    payload::join(&[&share, &manifest]).to_string()
}

/// The texts of the sealed codes.
pub fn sealed_codes(dealt: &Dealt) -> Vec<String> {
    (0..)
        .zip(parts(&dealt.sealed))
        .map(|(index, part)| {
            let part = SealedPart { set: dealt.code.bytes(), index, bytes: part.to_vec() };
            Payload::Sealed(part).text().to_string()
        })
        .collect()
}

/// Everything on leaf 1 and 2 of a sheet, as a text file of codes.
pub fn sheet_file(dealt: &Dealt, number: usize) -> String {
    let key = key_code(dealt, &dealt.sheets[number - 1]);
    format!("{key}\n{}\n", sealed_codes(dealt).join("\n"))
}
