//! Real programs at a recorded terminal: shells at narrow and wide screens, editors, pagers, clients that ask for passwords.

use std::fs;
use std::io::Read;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::aws::Moto;
use crate::desk::{Desk, MAP, events, holds_none_of};
use crate::dialogue::Dialogue;
use crate::postgresql::Postgres;
use crate::ssh::Sshd;

const PASSWORD: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKEY";
const TYPED: &str = "typed-in-the-dark-7";

fn desk() -> Desk {
    Desk::dealt(MAP, &format!("user: breakglass\npassword: {PASSWORD}\n"))
}

fn pause() {
    sleep(Duration::from_millis(400));
}

#[track_caller]
fn leave(mut dialogue: Dialogue) -> String {
    loop {
        match dialogue.wait_any(&["Take them out?", "Clear the scrollback", "Is the operator done"])
        {
            2 => break,
            _ => dialogue.answer("[y/n]", "n"),
        }
    }
    dialogue.answer("[y/n]", "y");
    dialogue.end(0)
}

/// Debian's player reads it: what it prints is what the screen showed.
#[track_caller]
fn asciinema_plays(desk: &Desk, expected: &[&str]) {
    let (mut terminal, end) = pty_process::blocking::open().unwrap();
    terminal.resize(pty_process::Size::new(24, 80)).unwrap();
    let command =
        pty_process::blocking::Command::new("asciinema").arg("cat").arg(desk.path("cast"));
    let mut child = command
        .env("LC_ALL", "C.UTF-8")
        .spawn(end)
        .expect("asciinema is needed: apt-get install asciinema");
    let mut shown = Vec::new();
    // a terminal that nobody has open any more ends in an error
    let _ = terminal.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(child.wait().unwrap().success(), "{shown}");
    for words in expected {
        assert!(shown.contains(words), "no `{words}` in {shown}");
    }
}

/// The parts open with age itself; without their first lines they are the cast.
#[track_caller]
fn age_opens(desk: &Desk, cast: &str) {
    let mut parts: Vec<_> =
        fs::read_dir(&desk.recordings()[0]).unwrap().map(|e| e.unwrap().path()).collect();
    parts.retain(|part| part.extension().is_some_and(|extension| extension == "age"));
    parts.sort();
    let open = |part| {
        let output =
            Command::new("age").args(["-d", "-i"]).arg(desk.path("auditor.key")).arg(part).output();
        let output = output.expect("age is needed: apt-get install age");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_once('\n').unwrap().1.to_owned()
    };
    assert_eq!(parts.iter().map(open).collect::<String>(), cast);
}

fn bash(columns: u16) {
    let desk = desk();
    let mut dialogue = desk.sit(
        columns,
        &["--", "bash", "--norc", "--noprofile", "-i"],
        &[("PS1", "sh$ "), ("LC_ALL", "C.UTF-8")],
    );
    dialogue.wait_any(&["sh$ "]);
    // typed out, wrapped by readline, with colours and words around it
    dialogue.type_in(&format!("export AWS_SECRET_ACCESS_KEY={PASSWORD} OTHER=kept-as-it-is"));
    pause();
    dialogue.type_in("\r");
    dialogue.wait_any(&["sh$ "]);
    // called back from the history, corrected in the middle, and searched for
    dialogue.type_in("\u{1b}[A\u{1}\u{1b}[C\u{1b}[C\u{5} MORE=added");
    pause();
    dialogue.type_in("\r");
    dialogue.wait_any(&["sh$ "]);
    dialogue.type_in("\u{12}SECRET");
    pause();
    dialogue.type_in("\u{7}");
    pause();
    dialogue.type_in(
        "echo \"[$AWS_SECRET_ACCESS_KEY]\"; printf '\\e[31m%s\\e[0m' $BG_PASS | fold -w 7\r",
    );
    dialogue.wait_any(&["sh$ "]);
    dialogue.type_in("read -s -p 'Secret word: ' x; echo; echo ${#x}\r");
    dialogue.wait_any(&["Secret word: "]);
    pause();
    dialogue.type_in(&format!("{TYPED}\r"));
    dialogue.wait_any(&[&format!("{}\r\n", TYPED.len())]);
    dialogue.type_in("echo äöü€ done; exit 0\r");
    leave(dialogue);

    let cast = desk.cast();
    holds_none_of(&cast, PASSWORD);
    assert!(!cast.contains(TYPED), "{cast}");
    let (out, typed) = (events(&cast, "o"), events(&cast, "i"));
    for words in ["OTHER=kept", "MORE=added", "äöü€ done", "Secret word: "] {
        let flat = out.replace(" \r", "").replace(['\r', '\n'], "");
        assert!(flat.contains(words), "no `{words}` in {out}");
    }
    assert!(
        typed.contains("export AWS_SECRET_ACCESS_KEY=██") && typed.contains("•••\r"),
        "{typed}"
    );
    asciinema_plays(&desk, &["äöü€ done", "MORE=added", "███"]);
    age_opens(&desk, &cast);
    let text = desk.text();
    assert!(text.contains("äöü€ done"), "{text}");
    // the kept line, put together again where the screen had broken it
    assert!(text.contains("OTHER=kept-as-it-is"), "{text}");
}

#[test]
fn bash_at_forty_columns() {
    bash(40);
}

#[test]
fn bash_at_two_hundred_columns() {
    bash(200);
}

#[test]
fn vim_and_less_have_the_whole_screen() {
    let desk = desk();
    let lines: Vec<String> = (1..80).map(|n| format!("line {n} of the file")).collect();
    let lines = lines.join("\n") + "\n";
    let text = format!("a first line\nkey = {PASSWORD}\nthe end of it\n{lines}");
    fs::write(desk.path("notes"), &text).unwrap();
    let mut dialogue =
        desk.sit(40, &["--", "bash", "--norc", "--noprofile", "-i"], &[("PS1", "sh$ ")]);
    dialogue.wait_any(&["sh$ "]);
    dialogue.type_in("vim -u NONE -i NONE notes\r");
    dialogue.wait_any(&["a first line"]);
    pause();
    // over the credential, to the end, into it, and on with a line of its own
    dialogue.type_in("jjGggjA-tail\u{1b}:set number\rGoadded in vim\u{1b}gg");
    pause();
    dialogue.type_in(":q!\r");
    dialogue.wait_any(&["sh$ "]);
    for command in ["less notes", "less -S notes", "less -N notes"] {
        dialogue.type_in(&format!("{command}\r"));
        dialogue.wait_any(&["the end of it"]);
        dialogue.type_in("j G/end of\r");
        pause();
        dialogue.type_in("q");
        dialogue.wait_any(&["sh$ "]);
    }
    dialogue.type_in("exit\r");
    leave(dialogue);
    let cast = desk.cast();
    holds_none_of(&cast, PASSWORD);
    let out = events(&cast, "o");
    assert!(
        out.contains("\u{1b}[?1049h") && out.contains("added in vim") && out.contains("key = "),
        "{out}"
    );
    assert!(events(&cast, "i").contains(":set number"), "{cast}");
    asciinema_plays(&desk, &["a first line", "line 79 of the file"]);
    let text = desk.text();
    assert!(text.contains("added in vim") && text.contains("line 79 of the file"), "{text}");
    let signs: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(!signs.contains(&PASSWORD[..12]) && !signs.contains(&PASSWORD[29..]), "{text}");
}

#[test]
fn psql_asks_for_a_password() {
    let server = Postgres::start(false);
    let desk = desk();
    let port = server.port.clone();
    let line = ["--", "psql", "-X", "-h", "127.0.0.1", "-p", &port, "-U", "bg", "-d", "postgres"];
    let mut dialogue = desk.sit(80, &line, &[("PSQL_PAGER", "")]);
    dialogue.wait_any(&["Password for user bg: "]);
    pause();
    dialogue.type_in(&format!("{}\r", crate::postgresql::OLD));
    dialogue.wait_any(&["postgres=> "]);
    dialogue.type_in("SELECT 6*7 AS answer, current_user;\r");
    dialogue.wait_any(&["(1 row)"]);
    dialogue.type_in(&format!("\\set x '{PASSWORD}'\r"));
    dialogue.wait_any(&["postgres=> "]);
    dialogue.type_in("\\echo :x\r");
    dialogue.wait_any(&[PASSWORD]);
    dialogue.type_in("\\password\r");
    dialogue.wait_any(&["Enter new password"]);
    pause();
    dialogue.type_in(&format!("{TYPED}\r"));
    dialogue.wait_any(&["Enter it again: "]);
    pause();
    dialogue.type_in("another\r");
    dialogue.wait_any(&["didn't match"]);
    dialogue.type_in("\\q\r");
    leave(dialogue);
    let cast = desk.cast();
    holds_none_of(&cast, PASSWORD);
    assert!(!cast.contains(crate::postgresql::OLD) && !cast.contains(TYPED), "{cast}");
    assert!(events(&cast, "o").contains("42 | bg"), "{cast}");
    assert_eq!(events(&cast, "i").matches("•••\r").count(), 3, "{cast}");
    assert_eq!(desk.records("SESSION")[0]["masked"], 3);
}

#[test]
fn aws_works_with_what_the_session_has() {
    let (moto, id, secret) = Moto::start();
    let map = "[release]\nlayout = \"lines\"\n[release.env]\nAWS_ACCESS_KEY_ID = \"id\"\n\
               AWS_SECRET_ACCESS_KEY = \"secret\"\nAWS_DEFAULT_REGION = \"=us-east-1\"\n";
    let desk = Desk::dealt(map, &format!("id: {id}\nsecret: {secret}\n"));
    let ask = format!("aws --endpoint-url {} sts get-caller-identity --output json", moto.url);
    let mut dialogue = desk.sit(80, &[], &[("AWS_PAGER", "")]);
    dialogue.type_in(&format!("{ask}; echo {secret}; env | grep AWS_\r"));
    dialogue.wait_any(&["user/breakglass"]);
    dialogue.wait_any(&["AWS_SECRET_ACCESS_KEY="]);
    dialogue.type_in(&format!(
        "aws configure set aws_secret_access_key {secret}; cat $AWS_SHARED_CREDENTIALS_FILE\r"
    ));
    dialogue.wait_any(&["aws_secret_access_key = "]);
    dialogue.type_in("exit\r");
    let shown = leave(dialogue);
    assert!(!desk.path("home/.aws/credentials").exists(), "{shown}");
    let cast = desk.cast();
    holds_none_of(&cast, &secret);
    assert!(cast.contains("user/breakglass") && cast.contains(&id), "{cast}");
}

/// Where the driver makes personal credentials, a session gets nothing else.
#[test]
fn a_session_gets_the_minted_credential_alone() {
    let (moto, id, secret) = Moto::start();
    let role = moto.role();
    let tables = format!(
        "[release]\nlayout = \"lines\"\n[release.env]\nAWS_ACCESS_KEY_ID = \"id\"\nAWS_SECRET_ACCESS_KEY = \"secret\"\n\
         AWS_SESSION_TOKEN = \"token?\"\n[rotation]\ndriver = \"aws-iam-access-key\"\n[rotation.target]\nuser = \"breakglass\"\n\
         account = \"123456789012\"\nendpoint_url = \"{}\"\nregion = \"us-east-1\"\nrole = \"{role}\"\n",
        moto.url
    );
    let desk = Desk::dealt(&tables, &format!("id: {id}\nsecret: {secret}\n"));
    let script = "echo $AWS_ACCESS_KEY_ID; echo $AWS_SECRET_ACCESS_KEY; echo ${#AWS_SESSION_TOKEN}";
    let said = desk.release_to(&["--", "sh", "-c", script], 0);
    assert!(said.contains("Personal credential ASIA") && !said.contains(&secret), "{said}");
    let given: Vec<&str> = said.lines().filter(|line| line.starts_with("ASIA")).collect();
    assert!(given.len() == 1 && !said.contains(&format!("\n{id}\r")), "{said}");
    let cast = desk.cast();
    assert!(cast.contains("ASIA") && cast.contains("████"), "{cast}");
    let records: Vec<Value> = desk.records("CORRECT");
    assert!(records[0]["note"].as_str().unwrap().contains("a personal credential was given"));
}

#[test]
fn ssh_asks_for_a_password_and_so_does_a_program_that_reads_keys() {
    let sshd = Sshd::start();
    let desk = desk();
    let key = desk.path("key");
    fs::copy(sshd.dir.path().join("first"), &key).unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let to = format!(
        "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p {} -l {} 127.0.0.1",
        sshd.port, sshd.user
    );
    let mut dialogue =
        desk.sit(100, &["--", "bash", "--norc", "--noprofile", "-i"], &[("PS1", "sh$ ")]);
    dialogue.wait_any(&["sh$ "]);
    dialogue
        .type_in(&format!("{to} -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 true\r"));
    dialogue.wait_any(&["'s password: "]);
    pause();
    dialogue.type_in(&format!("{TYPED}\r"));
    dialogue.wait_any(&["Permission denied"]);
    // the other end does its own echo or none, and this terminal hands keys on: only the prompt can tell
    let there = format!("{to} -i '{}' -o IdentitiesOnly=yes", key.display());
    dialogue.type_in(&format!("{there} 'echo there; tty'\r"));
    dialogue.wait_any(&["there\r\n"]);
    dialogue.wait_any(&["sh$ "]);
    let remote = "stty -icanon -echo; printf \"[sudo] password for x: \"; read x; stty sane; echo; echo got ${#x}";
    dialogue.type_in(&format!("sh -c '{remote}'\r"));
    dialogue.wait_any(&["password for x: "]);
    pause();
    for sign in TYPED.chars() {
        dialogue.type_in(&sign.to_string());
        sleep(Duration::from_millis(10));
    }
    dialogue.type_in("\r");
    dialogue.wait_any(&[&format!("got {}", TYPED.len())]);
    dialogue.wait_any(&["sh$ "]);
    dialogue.type_in("exit 0\r");
    leave(dialogue);
    let cast = desk.cast();
    assert!(!cast.contains(TYPED), "{cast}");
    assert!(events(&cast, "i").contains("•••\rexit 0"), "{cast}");
    assert_eq!(events(&cast, "i").matches("•••\r").count(), 2, "{cast}");
    assert!(events(&cast, "o").contains("got 19"), "{cast}");
}
