//! Where the credential was left behind: histories, folders of tools, temporary files, what still runs.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::hideout;
use super::index::Pieces;
use super::redact;
use crate::files;

/// Files below HOME of which one line can be taken out without harm to the others.
const BY_LINE: [&str; 15] = [
    ".bash_history",
    ".zsh_history",
    ".sh_history",
    ".history",
    ".local/share/fish/fish_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".rediscli_history",
    ".lesshst",
    ".pgpass",
    ".git-credentials",
    ".viminfo",
];

/// Other files and folders below HOME where tools keep credentials.
const KEPT: [&str; 21] = [
    ".aws",
    ".azure",
    ".config/containers",
    ".config/gcloud",
    ".config/gh",
    ".config/rclone",
    ".config/openbao",
    ".docker",
    ".kube",
    ".local/share/nvim",
    ".local/state/nvim",
    ".my.cnf",
    ".mylogin.cnf",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".s3cfg",
    ".boto",
    ".ssh",
    ".terraform.d",
    ".vault-token",
];

/// Folders for everybody's temporary files.
pub const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Most bytes of a file that is looked into.
const MOST_BYTES: usize = 8 << 20;

/// Most files below one folder, and how deep.
const MOST_FILES: usize = 4000;
const DEEPEST: usize = 5;

/// How a trace can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// The lines are taken out of the file.
    Line,
    /// There is nothing else in the file: it is deleted.
    File,
    /// Somebody has to look: other things are in the file, and it may be of a form that minds.
    ByHand,
}

/// A place where a piece of the credential was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The file.
    pub path: PathBuf,
    /// Lines of it, from 1.
    pub lines: BTreeSet<usize>,
    /// How it can go.
    pub cure: Cure,
}

/// What was looked through.
#[derive(Debug, Default)]
pub struct Search {
    /// Where something was found.
    pub traces: Vec<Trace>,
    /// Files that were looked into.
    pub files: usize,
    /// What could not be looked into.
    pub unread: Vec<PathBuf>,
}

/// Where to look.
pub struct Places<'a> {
    /// The home folder: histories, and what tools keep.
    pub home: Option<&'a Path>,
    /// Folders for temporary files: those of this user since `since`.
    pub temporary: &'a [&'a Path],
    /// The folder one works in: files that changed since then.
    pub folder: &'a Path,
    /// When the session began.
    pub since: SystemTime,
    /// What is not looked into.
    pub spared: &'a [PathBuf],
}

/// Looks through all of them.
pub fn search(pieces: &Pieces, places: &Places<'_>) -> Search {
    let mut looker = Looker { pieces, places, seen: BTreeSet::new(), out: Search::default() };
    if let Some(home) = places.home {
        for name in BY_LINE {
            looker.look(&home.join(name), Cure::Line);
        }
        for name in KEPT {
            looker.below(&home.join(name), DEEPEST, Cure::ByHand, &|_| true);
        }
    }
    let own = rustix::process::getuid().as_raw();
    let ours = |found: &Metadata| found.uid() == own && changed_since(found, places.since);
    for place in places.temporary {
        looker.below(place, DEEPEST, Cure::Line, &ours);
    }
    looker.below(places.folder, 1, Cure::Line, &ours);
    looker.out
}

fn changed_since(found: &Metadata, since: SystemTime) -> bool {
    found.is_dir() || found.modified().is_ok_and(|at| at >= since)
}

struct Looker<'a> {
    pieces: &'a Pieces,
    places: &'a Places<'a>,
    seen: BTreeSet<PathBuf>,
    out: Search,
}

impl Looker<'_> {
    /// Looks into what is below a folder, or into a file.
    fn below(&mut self, path: &Path, depth: usize, cure: Cure, wanted: &dyn Fn(&Metadata) -> bool) {
        let Ok(found) = path.symlink_metadata() else { return };
        if found.is_file() && wanted(&found) {
            self.look(path, cure);
        }
        if !found.is_dir()
            || depth == 0
            || self.places.spared.iter().any(|spared| path.starts_with(spared))
        {
            return;
        }
        let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
        for entry in entries.by_ref().take(MOST_FILES) {
            let is_wanted = entry.metadata().is_ok_and(|found| wanted(&found));
            if is_wanted {
                self.below(&entry.path(), depth - 1, cure, wanted);
            }
        }
        if entries.next().is_some() {
            self.out.unread.push(path.to_owned());
        }
    }

    fn look(&mut self, path: &Path, cure: Cure) {
        if !path.is_file() || !self.seen.insert(path.to_owned()) {
            return;
        }
        let Ok(text) = files::read(path, MOST_BYTES) else {
            self.out.unread.push(path.to_owned());
            return;
        };
        self.out.files += 1;
        let lines = lines_with(self.pieces, &text);
        let others = (1..).zip(text.split(|byte| *byte == b'\n'));
        let mut others = others.filter(|(number, _)| !lines.contains(number));
        let is_alone = others.all(|(_, line)| line.trim_ascii().is_empty());
        // no text: a line of it is none
        let cure = match cure {
            _ if is_alone => Cure::File,
            Cure::Line if text.contains(&0) => Cure::ByHand,
            other => other,
        };
        if !lines.is_empty() {
            self.out.traces.push(Trace { path: path.to_owned(), lines, cure });
        }
    }
}

/// Returns the numbers of the lines that hold a piece, from 1.
fn lines_with(pieces: &Pieces, text: &[u8]) -> BTreeSet<usize> {
    let mut lines = BTreeSet::new();
    let (mut line, mut counted) = (1, 0);
    redact::find(pieces, text, |at| {
        line += text[counted..at].split(|byte| *byte == b'\n').count() - 1;
        counted = at;
        lines.insert(line);
    });
    lines
}

/// Takes a trace away; says whether it is gone.
pub fn remove(pieces: &Pieces, trace: &Trace) -> std::io::Result<bool> {
    match trace.cure {
        Cure::ByHand => return Ok(false),
        Cure::File => {
            let _ = hideout::overwrite(&trace.path);
            fs::remove_file(&trace.path)?;
        }
        Cure::Line => take_lines_out(pieces, &trace.path)?,
    }
    Ok(true)
}

/// Writes a file anew without the lines that hold a piece; what was added meanwhile is looked at, too.
fn take_lines_out(pieces: &Pieces, path: &Path) -> std::io::Result<()> {
    // what a link points to is the file
    let path = path.canonicalize()?;
    let mut old = hideout::open_itself(&path)?;
    let before = old.metadata()?;
    let text = files::read(&path, MOST_BYTES).map_err(std::io::Error::other)?;
    let lines = lines_with(pieces, &text);
    let mut kept = Zeroizing::new(Vec::with_capacity(text.len()));
    for (number, line) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
        if !lines.contains(&number) {
            kept.extend_from_slice(line);
        }
    }
    let draft = files::parent(&path).join(format!(".breakglass-{}.tmp", std::process::id()));
    let written = files::write_new(&draft, &kept).map_err(std::io::Error::other).and_then(|()| {
        fs::set_permissions(&draft, fs::Permissions::from_mode(before.permissions().mode()))?;
        let _ = std::os::unix::fs::chown(&draft, Some(before.uid()), Some(before.gid()));
        fs::rename(&draft, &path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
        return written;
    }
    // the old text has no name any more, unless it had another
    if old.metadata()?.nlink() == 0 {
        hideout::zero(&mut old)?;
    }
    Ok(())
}

/// A program that still runs with what it was given in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its process.
    pub process: u32,
    /// Its name.
    pub name: String,
}

/// Finds programs whose environment has `NAME=VALUE`. Only Linux tells.
pub fn still_running(variable: &str) -> Vec<Left> {
    let mut left = Vec::new();
    let own = std::process::id();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let process = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(process) = process.filter(|process| *process != own) else { continue };
        let Ok(environment) = fs::read(entry.path().join("environ")).map(Zeroizing::new) else {
            continue;
        };
        if environment.split(|byte| *byte == 0).any(|pair| pair == variable.as_bytes()) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            left.push(Left { process, name: name.trim().to_owned() });
        }
    }
    left
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::session::values::forms;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG";

    #[test]
    fn it_is_found_by_file_and_line_and_taken_out() {
        let home = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let pieces = Pieces::of(&forms(SECRET.as_bytes()));
        let path = |name: &str| home.path().join(name);
        let since = SystemTime::now() - Duration::from_secs(1);
        fs::write(path(".bash_history"), format!("ls\nexport KEY={SECRET}\nid\n")).unwrap();
        fs::create_dir_all(path(".aws/cli/cache")).unwrap();
        let hex = crate::logbook::hex(SECRET.as_bytes());
        fs::write(path(".aws/cli/cache/x.json"), format!("{{\"a\": \"{hex}\"}}")).unwrap();
        fs::write(path(".netrc"), "machine x\n").unwrap();
        fs::write(work.path().join("out.txt"), format!("a\nb\n{SECRET}\n{SECRET}\n")).unwrap();

        let spared = [work.path().join("spared")];
        fs::create_dir(&spared[0]).unwrap();
        fs::write(spared[0].join("x"), SECRET).unwrap();
        let places = Places {
            home: Some(home.path()),
            temporary: &[],
            folder: work.path(),
            since,
            spared: &spared,
        };
        let found = search(&pieces, &places);
        let traces: Vec<(String, Vec<usize>, Cure)> = found
            .traces
            .iter()
            .map(|t| {
                let name = t.path.file_name().unwrap().to_string_lossy().into_owned();
                (name, t.lines.iter().copied().collect(), t.cure)
            })
            .collect();
        let expected = [
            (".bash_history".to_owned(), vec![2], Cure::Line),
            ("x.json".to_owned(), vec![1], Cure::File),
            ("out.txt".to_owned(), vec![3, 4], Cure::Line),
        ];
        assert_eq!(traces, expected);
        for trace in &found.traces {
            assert!(remove(&pieces, trace).unwrap());
        }
        assert_eq!(fs::read_to_string(path(".bash_history")).unwrap(), "ls\nid\n");
        assert!(!path(".aws/cli/cache/x.json").exists() && path(".netrc").exists());
        assert_eq!(fs::read_to_string(work.path().join("out.txt")).unwrap(), "a\nb\n");
    }

    /// Whether it was written anew or not: a line less may be a file that nothing reads any more.
    #[test]
    fn a_file_of_a_tool_with_more_in_it_is_left_to_people() {
        let home = tempfile::tempdir().unwrap();
        let pieces = Pieces::of(&forms(SECRET.as_bytes()));
        fs::create_dir(home.path().join(".kube")).unwrap();
        let config = home.path().join(".kube/config");
        fs::write(&config, format!("users:\n- token: {SECRET}\n- token: another\n")).unwrap();
        let places = Places {
            home: Some(home.path()),
            temporary: &[],
            folder: home.path(),
            since: SystemTime::now() + Duration::from_secs(5),
            spared: &[],
        };
        let found = search(&pieces, &places);
        let trace = found.traces.iter().find(|trace| trace.path == config).unwrap();
        assert_eq!(trace.cure, Cure::ByHand);
        assert!(!remove(&pieces, trace).unwrap() && config.exists());
    }

    #[test]
    fn what_still_runs_is_named() {
        let variable = format!("BREAKGLASS_TEST={}", std::process::id());
        let (name, value) = variable.split_once('=').unwrap();
        let mut child =
            std::process::Command::new("sleep").arg("30").env(name, value).spawn().unwrap();
        // a program that has just started has no environment yet
        let mut left = Vec::new();
        for _ in 0..200 {
            left = still_running(&variable);
            if !left.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(left, [Left { process: child.id(), name: "sleep".into() }]);
        }
    }
}
