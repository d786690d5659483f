//! The recorded session, played at a real terminal: what the operator gets, what the auditor sees, what never is anywhere.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/papers.rs"]
mod papers;
#[path = "support/small.rs"]
mod small;

use std::fs;
use std::time::Duration;

use breakglass::session::recording::Recording;
use desk::{Desk, MAP, events, holds_none_of};
use dialogue::Dialogue;
use rustix::process::Signal;
use serde_json::Value;

const PASSWORD: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKEY";

fn desk() -> Desk {
    Desk::dealt(MAP, &format!("user: breakglass\npassword: {PASSWORD}\n"))
}

/// Answers the questions after a session. What the tests beside it have in `/tmp` is not for this one to take.
fn leave(dialogue: Dialogue, code: i32) -> String {
    leave_and(dialogue, "n", code)
}

fn leave_and(mut dialogue: Dialogue, take_out: &str, code: i32) -> String {
    loop {
        match dialogue.wait_any(&[
            "Take them out? [y/n]",
            "Clear the scrollback",
            "Is the operator done",
        ]) {
            0 => dialogue.type_in(&format!("{take_out}\r")),
            1 => dialogue.type_in("n\r"),
            _ => break,
        }
    }
    dialogue.answer("[y/n]", "y");
    dialogue.end(code)
}

fn session(desk: &Desk) -> Value {
    let [session] = &desk.records("SESSION")[..] else { panic!("{:?}", desk.records("SESSION")) };
    session.clone()
}

#[test]
fn a_shell_has_it_and_the_recording_has_not() {
    let desk = desk();
    let mut dialogue = desk.sit(80, &[], &[]);
    dialogue.type_in("echo user=$BG_USER; echo pass=$BG_PASS\r");
    dialogue.wait_any(&["user=breakglass"]);
    dialogue.wait_any(&[&format!("pass={PASSWORD}")]);
    dialogue.type_in("printf %s \"$BG_PASS\" | od -An -tx1 | tr -d ' \\n'; echo\r");
    dialogue.wait_any(&["774a616c"]);
    // typed in full, with a slip, and never sent
    dialogue.type_in(&format!("psql {PASSWORD}\u{15}"));
    dialogue.type_in(
        "stty -echo; printf 'Password: '; read x; stty echo; echo; echo read $((${#x}))\r",
    );
    dialogue.wait_any(&["Password: "]);
    std::thread::sleep(Duration::from_millis(300));
    dialogue.type_in("typed-in-the-dark\r");
    dialogue.wait_any(&["read 17"]);
    dialogue.type_in("exit 7\r");
    let shown = leave(dialogue, 7);
    assert!(
        shown.contains("for the auditors alone (1 key)") && shown.contains("Revoke before"),
        "{shown}"
    );

    let cast = desk.cast();
    holds_none_of(&cast, PASSWORD);
    let hex = breakglass::logbook::hex(PASSWORD.as_bytes());
    assert!(!cast.contains(&hex[..12]) && !cast.contains("typed-in-the-dark"), "{cast}");
    let (out, typed) = (events(&cast, "o"), events(&cast, "i"));
    assert!(out.contains("user=breakglass") && out.contains("pass=████"), "{out}");
    assert!(
        typed.contains("echo user=$BG_USER") && typed.contains("•••\r") && typed.contains("exit 7"),
        "{typed}"
    );
    let text = desk.text();
    assert!(text.contains("user=breakglass") && text.contains("read 17"), "{text}");

    let session = session(&desk);
    assert_eq!((&session["exit"], &session["masked"]), (&7.into(), &1.into()));
    assert_eq!(session["record"], desk.records("RELEASE")[0]["seq"]);
    assert!(session["redacted"].as_u64() >= Some(4), "{session}");
    assert_eq!(desk.records("END").len(), 1);
    let said = desk.run(&["-C", "kit", "log", "verify"], 0);
    assert!(said.contains("1 of 1 files are as they were recorded"), "{said}");
}

#[test]
fn a_shell_that_is_killed_and_a_program_that_never_starts() {
    let desk = desk();
    let said = desk.release_to(&["--", "sh", "-c", "echo once; kill -9 $$"], 137);
    assert!(said.contains("once"), "{said}");
    assert_eq!(session(&desk)["exit"], 137);
    let program = desk.path("no-program");
    fs::write(&program, "#!/no/such/interpreter\n").unwrap();
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs::set_permissions(&program, mode).unwrap();
    let said = desk.release_to(&["--", program.to_str().unwrap()], 125);
    assert!(said.contains("did not start") && said.contains("the release is recorded"), "{said}");
    assert!(said.contains("Revoke before"), "{said}");
}

#[test]
fn a_closed_terminal_and_a_polite_kill_finish_the_recording() {
    let desk = desk();
    let mut dialogue = desk.sit(80, &[], &[]);
    dialogue.type_in("echo here; sleep 600\r");
    dialogue.wait_any(&["here\r\n"]);
    dialogue.hang_up();
    let one = session(&desk);
    assert_eq!(one["note"], "the terminal was closed");
    assert_eq!((&one["result"], &one["exit"]), (&"ended".into(), &129.into()), "{one}");
    assert!(events(&desk.cast(), "m").contains("the terminal was closed"));

    let mut dialogue = desk.sit(80, &[], &[]);
    dialogue.type_in("trap '' HUP; echo again; sleep 600\r");
    dialogue.wait_any(&["again\r\n"]);
    dialogue.signal(Signal::TERM);
    dialogue.wait_any(&["it was told to end (SIGTERM)"]);
    let shown = leave(dialogue, 137);
    assert!(shown.contains("the session was ended"), "{shown}");
    let two = &desk.records("SESSION")[1];
    assert!(two["note"].as_str().unwrap().contains("SIGTERM") && two["exit"] == 137, "{two}");
}

#[test]
fn of_a_recorder_that_is_killed_everything_is_there_but_the_end() {
    let desk = desk();
    let mut dialogue = desk.sit(80, &[], &[]);
    dialogue.type_in("echo before-the-cut\r");
    dialogue.wait_any(&["before-the-cut\r\n"]);
    // a part is closed five seconds after its first event
    let recording = &desk.recordings()[0];
    while Recording::open(recording).unwrap().parts() < 2 {
        std::thread::sleep(Duration::from_millis(50));
    }
    dialogue.type_in("echo after-the-cut\r");
    dialogue.wait_any(&["after-the-cut\r\n"]);
    dialogue.signal(Signal::KILL);
    dialogue.hang_up();
    assert!(desk.records("SESSION").is_empty());
    let cast = desk.cast();
    assert!(
        events(&cast, "o").contains("before-the-cut") && !cast.contains("after-the-cut"),
        "{cast}"
    );

    let path = recording.to_str().unwrap();
    let said = desk.run(&["-C", "kit", "session", "show", path, "--verify"], 0);
    assert!(said.contains("no record names it"), "{said}");
    let said = desk.run(&["-C", "kit", "status"], 0);
    assert!(
        said.contains("that no record names") && said.contains("session import sessions/"),
        "{said}"
    );
    // what was written when the power went is there in part
    let parts = Recording::open(recording).unwrap().parts();
    let torn = recording.join(format!("{:06}.age", parts + 1));
    let whole = fs::read(recording.join("000002.age")).unwrap();
    for left in [0, whole.len() / 2] {
        fs::write(&torn, &whole[..left]).unwrap();
        let show = ["-C", "kit", "session", "show", path, "-i", "auditor.key", "--text"];
        let said = desk.run(&show, 1);
        assert!(said.contains("is not whole: the power went"), "{said}");
        assert!(said.contains("before-the-cut"), "{said}");
    }
    fs::remove_file(torn).unwrap();
    let stranger = recording.join("notes.txt");
    fs::write(&stranger, "look here").unwrap();
    let said = desk.run(&["-C", "kit", "session", "show", path, "--verify"], 1);
    assert!(said.contains("notes.txt` lies in it and is no part of it"), "{said}");
    fs::remove_file(stranger).unwrap();
    desk.run(&["-C", "kit", "session", "import", path], 0);
    let session = session(&desk);
    assert_eq!(
        (&session["result"], &session["record"]),
        (&"cut off".into(), &desk.records("RELEASE")[0]["seq"])
    );
    let said = desk.run(&["-C", "kit", "session", "show", path, "--verify"], 0);
    assert!(said.contains("it was CUT OFF"), "{said}");
    desk.run(&["-C", "kit", "session", "import", path], 2);
}

#[test]
fn what_tools_kept_in_a_session_that_died_is_wiped_by_the_next_run() {
    let desk = desk();
    let mut dialogue = desk.sit(80, &[], &[]);
    dialogue.type_in("echo kept > $TMPDIR/x; echo =$TMPDIR=\r");
    dialogue.wait_any(&["=/"]);
    dialogue.wait_any(&["/tmp=\r\n"]);
    let shown = dialogue.shown();
    let folder = format!("/{}", shown.rsplit("=/").next().unwrap().split('=').next().unwrap());
    dialogue.signal(Signal::KILL);
    dialogue.hang_up();
    // whichever run is the next
    desk.run(&["-C", "kit", "status"], 0);
    assert!(
        folder.contains("breakglass-session-") && !std::path::Path::new(&folder).exists(),
        "{folder}"
    );
}

#[test]
fn parts_that_are_changed_exchanged_added_or_gone_are_noticed() {
    let desk = desk();
    desk.release_to(&["--", "seq", "30000"], 0);
    let recording = desk.recordings()[0].clone();
    let verify = |code: i32| {
        desk.run(&["-C", "kit", "session", "show", recording.to_str().unwrap(), "--verify"], code)
    };
    let part = |number: u32| recording.join(format!("{number:06}.age"));
    assert!(verify(0).contains("It is whole") && part(4).exists());
    let kept = [2, 3].map(|number| fs::read(part(number)).unwrap());
    fs::write(part(2), &kept[1]).unwrap();
    fs::write(part(3), &kept[0]).unwrap();
    assert!(verify(1).contains("altered"));
    let show = [
        "-C",
        "kit",
        "session",
        "show",
        recording.to_str().unwrap(),
        "-i",
        "auditor.key",
        "--text",
    ];
    assert!(desk.run(&show, 1).contains("it says that it is another part"));
    fs::write(part(2), &kept[0]).unwrap();
    fs::remove_file(part(3)).unwrap();
    assert!(verify(1).contains("part 3 is missing"));
    fs::write(part(3), &kept[1]).unwrap();
    let parts = Recording::open(&recording).unwrap().parts();
    fs::write(part(parts + 1), b"more").unwrap();
    assert!(verify(1).contains("ADDED"));
    fs::remove_file(part(parts + 1)).unwrap();
    let last = fs::read(part(parts)).unwrap();
    fs::remove_file(part(parts)).unwrap();
    assert!(verify(1).contains("parts are missing"));
    fs::write(part(parts), last).unwrap();
    verify(0);
    // nobody but the auditor opens it
    let said =
        desk.run(&["-C", "kit", "session", "show", recording.to_str().unwrap(), "--text"], 2);
    assert!(said.contains("it is encrypted to age1") && said.contains("-i FILE"), "{said}");
}

#[test]
fn a_terminal_that_changes_its_size() {
    let desk = desk();
    let mut dialogue = desk.sit(80, &[], &[]);
    dialogue.type_in("stty size\r");
    dialogue.wait_any(&["24 80"]);
    dialogue.resize(40, 132);
    std::thread::sleep(Duration::from_millis(300));
    dialogue.type_in("stty size; exit\r");
    dialogue.wait_any(&["40 132"]);
    leave(dialogue, 0);
    assert_eq!(events(&desk.cast(), "r"), "132x40");
}

#[test]
fn a_session_within_a_session_is_refused_before_anything_is_opened() {
    let desk = desk();
    let program = env!("CARGO_BIN_EXE_breakglass");
    let said = desk.release_to(&["--", program, "session", "--", "true"], 2);
    assert!(said.contains("this terminal is recorded already"), "{said}");
    let records = desk.records("RELEASE").len();
    let inner = format!(
        "cd '{}' && '{program}' -C kit combine papers --no-book --session --no-input --operator A --operator-id B --reason DRILL --exception 'a test'",
        desk.dir().display()
    );
    let said = desk.release_to(&["--", "sh", "-c", &inner], 2);
    assert!(said.contains("this terminal is recorded already"), "{said}");
    assert_eq!(desk.records("RELEASE").len(), records + 1, "the inner one was not recorded");
}

#[test]
fn the_time_is_told_in_the_title_and_in_words() {
    let desk = Desk::new(&format!("{MAP}[audit]\nrecipients = [\"AUDITOR\"]\n"));
    let file = desk.path("kit/method.toml");
    let text =
        fs::read_to_string(&file).unwrap().replace("max_session = \"4h\"", "max_session = \"6m\"");
    fs::write(file, text).unwrap();
    desk.deal(&format!("user: breakglass\npassword: {PASSWORD}\n"));
    // a minute of two seconds
    let mut dialogue = desk.sit(80, &[], &[("BREAKGLASS_MINUTE", "2")]);
    for words in [
        "]2;breakglass: 6 min left, aws-payments-prod",
        "breakglass: 5 min left of this release",
        "]2;breakglass: 1 min left",
        "the time of this release is up",
        "TIME IS UP for 1 min",
        "over time by 5 min",
    ] {
        dialogue.wait_any(&[words]);
    }
    dialogue.type_in("exit\r");
    leave(dialogue, 0);
    let marks = events(&desk.cast(), "m");
    assert!(marks.contains("5 min left") && marks.contains("over time"), "{marks}");
}

#[test]
fn what_it_left_behind_is_found_and_taken_out() {
    // of its own, for it is taken out of `/tmp`, too
    let desk = Desk::dealt(MAP, "user: breakglass\npassword: Zq7-left-behind-and-found-4411\n");
    fs::write(desk.path("home/.bash_history"), "ls\n").unwrap();
    let mut dialogue = desk.sit(80, &[], &[]);
    dialogue.type_in(
        "echo export PGPASSWORD=$BG_PASS >> ~/.bash_history; echo id >> ~/.bash_history\r",
    );
    dialogue.type_in("mkdir ~/.aws; echo $BG_PASS > ~/.aws/credentials; echo $BG_PASS > $AWS_SHARED_CREDENTIALS_FILE\r");
    dialogue.type_in("echo $TMPDIR; ls -ld $TMPDIR/..; exit\r");
    dialogue.wait_any(&["drwx------"]);
    let shown = leave_and(dialogue, "y", 0);
    assert!(
        shown.contains(".bash_history`, line 2: the line goes")
            && shown.contains(".aws/credentials`, line 1: the file goes"),
        "{shown}"
    );
    assert_eq!(fs::read_to_string(desk.path("home/.bash_history")).unwrap(), "ls\nid\n");
    assert!(!desk.path("home/.aws/credentials").exists());
    assert_eq!(session(&desk).get("traces"), None);
    let private =
        shown.split("/tmp\r\n").next().and_then(|s| s.rsplit(['\n', '\r']).next()).unwrap();
    assert!(
        private.contains("breakglass-session-") && !std::path::Path::new(private).exists(),
        "{private}"
    );

    // nobody is there to say that they may go
    let script = "echo $BG_PASS > ~/.psql_history; echo $BG_PASS > ~/.vault-token";
    let said = desk.release_to(&["--", "sh", "-c", script], 0);
    assert!(said.contains("2 places are left"), "{said}");
    assert_eq!(desk.records("SESSION")[1]["traces"], 2);
    assert!(desk.path("home/.vault-token").exists());
    let said = desk.release_to(&["--clean", "--exec", "true"], 0);
    assert!(said.contains(".psql_history`, line 1: the file goes"), "{said}");
}

#[test]
fn without_an_auditor_it_takes_a_reason() {
    let desk = Desk::new(MAP);
    desk.deal(&format!("user: breakglass\npassword: {PASSWORD}\n"));
    desk.release_to(&["--", "sh", "-c", "echo $BG_USER $BG_PASS"], 0);
    let kinds: Vec<Value> = desk.records("EXCEPTION").iter().map(|r| r["kind"].clone()).collect();
    assert!(kinds.contains(&"recording not encrypted".into()), "{kinds:?}");
    let cast = fs::read_to_string(desk.recordings()[0].join("000002.cast")).unwrap();
    assert!(cast.contains("breakglass ███") && !cast.contains(PASSWORD), "{cast}");
    let said = desk.run(&["-C", "kit", "session", "--", "true"], 2);
    assert!(said.contains("--unencrypted WHY"), "{said}");
    desk.run(&["-C", "kit", "session", "--unencrypted", "trying it out", "--", "true"], 0);
}

#[test]
fn a_drill_is_recorded_without_a_credential_and_a_film_by_its_hash() {
    let desk = desk();
    desk.run(&["-C", "kit", "session", "--", "echo", "clean-up"], 0);
    let session = session(&desk);
    assert!(
        session.get("record").is_none() && session["method"] == "aws-payments-prod",
        "{session}"
    );
    assert!(desk.text().contains("clean-up"));
    desk.release_to(&["--output", "released"], 0);
    let release = desk.records("RELEASE")[0]["seq"].clone();
    fs::write(desk.path("screen.mp4"), "no film at all").unwrap();
    desk.run(
        &["-C", "kit", "session", "import", "screen.mp4", "--note", "console in a browser"],
        0,
    );
    let film = &desk.records("SESSION")[1];
    assert_eq!((&film["result"], &film["record"]), (&"imported".into(), &release));
    // the release is still open: what is recorded now belongs to it
    desk.run(&["-C", "kit", "session", "--", "true"], 0);
    assert_eq!(desk.records("SESSION")[2]["record"], release);
}

#[test]
fn without_a_map_a_program_reads_it_and_a_shell_is_no_help() {
    let desk = Desk::dealt("", PASSWORD);
    let said = desk.release_to(&["--session"], 2);
    assert!(said.contains("[release.env]") && desk.records("RELEASE").is_empty(), "{said}");
    let script = "read x; echo read ${#x}; if test -t 1; then echo terminal yes; fi; echo $x";
    desk.release_to(&["--", "sh", "-c", script], 0);
    let cast = desk.cast();
    holds_none_of(&cast, PASSWORD);
    assert!(
        cast.contains(&format!("read {}", PASSWORD.len())) && cast.contains("terminal yes"),
        "{cast}"
    );
}

#[test]
fn away_from_the_kit_the_recording_lies_beside_the_loose_record() {
    let desk = desk();
    let away = desk.path("away");
    fs::create_dir(&away).unwrap();
    let now = breakglass::clock::Instant::now().rfc3339();
    let args =
        ["combine", "../papers", "--no-book", "--operator", "A", "--operator-id", "E9", "--reason"];
    let rest = ["DRILL", "--time", &now, "--exception", "a test", "--no-input", "--", "cat"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(args)
        .args(rest)
        .current_dir(&away)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: Vec<String> = fs::read_dir(&away)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("session-")).count(), 1, "{names:?}");
    let records = names.iter().filter(|name| name.starts_with("record-"));
    let lines: String = records.map(|name| fs::read_to_string(away.join(name)).unwrap()).collect();
    assert!(
        lines.contains("\"event\":\"SESSION\"") && lines.contains("of the release R "),
        "{lines}"
    );
}

/// The credential goes past the session: that takes a reason, which stands in the logbook and in the audit.
#[test]
fn past_the_recording_takes_a_reason() {
    let desk = desk();
    let flags = ["-C", "kit", "combine", "papers", "--no-book", "--operator", "A"];
    let rest = ["--operator-id", "E1", "--reason", "DRILL", "--ticket", "INC-1", "--output", "out"];
    let now = breakglass::clock::Instant::now().rfc3339();
    let all: Vec<&str> = flags.into_iter().chain(rest).chain(["--time", &now]).collect();
    let said = desk.run(&all, 2);
    assert!(said.contains("it goes past the session"), "{said}");
    assert!(!desk.path("out").exists() && desk.records("RELEASE").is_empty());
    let all: Vec<&str> = all.into_iter().chain(["--exception", "the shell is broken"]).collect();
    desk.run(&all, 0);
    let exceptions = desk.records("EXCEPTION");
    let ours = exceptions.iter().find(|record| record["kind"] == "no recording");
    assert_eq!(ours.unwrap()["reason_text"], "the shell is broken", "{exceptions:?}");
    let audit = ["audit", "kit", "--all", "--as-of", "2099-01-01T00:00:00Z"];
    let said = desk.run(&audit, 1);
    let line = said.lines().find(|line| line.contains("not recorded, by exception"));
    assert!(line.is_some_and(|line| line.contains("SES-001")), "{said}");
}

/// The look around comes when the operator is done, and END says what it found.
#[test]
fn what_is_left_without_a_session_stands_in_the_end() {
    let desk = desk();
    let home = desk.path("home").display().to_string();
    let now = breakglass::clock::Instant::now().rfc3339();
    let who = ["-C", "kit", "combine", "papers", "--no-book", "--operator", "A", "--operator-id"];
    let why = ["E1", "--reason", "DRILL", "--ticket", "INC-1", "--exception", "a test", "--time"];
    let what = [&now, "--clean", "--exec", "sh", "-c", "echo $BG_PASS > ~/.vault-token"];
    let args = [&who[..], &why[..], &what[..]].concat();
    let mut dialogue = Dialogue::start_with(desk.dir(), &args, &[("HOME", &home)], (24, 80));
    dialogue.answer("Is the operator done with the credential? [y/n]", "y");
    dialogue.wait_any(&[".vault-token`, line 1"]);
    dialogue.answer("Take them out? [y/n]", "n");
    dialogue.wait_any(&["1 place is left"]);
    dialogue.end(0);
    assert_eq!(desk.records("END")[0]["traces"], 1);
    let audit = ["audit", "kit", "--as-of", "2099-01-01T00:00:00Z"];
    let said = desk.run(&audit, 1);
    assert!(said.contains("the credential was found in 1 place afterwards"), "{said}");
}
