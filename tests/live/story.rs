//! The whole night of README: a release into a recorded shell, its end, the rotation and the audit, with moto in the place of AWS.

use std::fs;

use crate::aws::Moto;
use crate::desk::Desk;
use crate::transcript::{play, steps};

#[test]
fn the_whole_night_is_as_readme_tells_it() {
    let (moto, id, secret) = Moto::start();
    let tables = format!(
        "[release]\nlayout = \"lines\"\n[release.env]\nAWS_ACCESS_KEY_ID = \"id\"\nAWS_SECRET_ACCESS_KEY = \"secret\"\n\
         [rotation]\ndriver = \"aws-iam-access-key\"\n[rotation.target]\nuser = \"breakglass\"\naccount = \"123456789012\"\n\
         region = \"us-east-1\"\nendpoint_url = \"{}\"\nend_sessions = \"no\"\n[audit]\nrecipients = [\"AUDITOR\"]\n",
        moto.url
    );
    let desk = Desk::new(&tables);
    fs::write(desk.path("secret"), format!("id: {id}\nsecret: {secret}\n")).unwrap();
    let split =
        ["-C", "kit", "split", "--from", "secret", "--credential-id", &id, "--media", "file"];
    desk.run(&[&split[..], &["-o", "papers"]].concat(), 0);
    fs::remove_file(desk.path("secret")).unwrap();
    let bags = ["--bag", "1a=T1", "--bag", "2a=T2", "--bag", "3a=T3", "--exception", "a test"];
    desk.run(&[&["-C", "kit", "confirm", "papers", "--no-book"], &bags[..]].concat(), 0);
    fs::create_dir(desk.path("exports")).unwrap();

    let steps = steps(include_str!("../../README.md"), "```console moto");
    assert!(steps.len() >= 5, "README has lost its story");
    let home = desk.path("home").display().to_string();
    let variables = [
        ("HOME", home.as_str()),
        ("AWS_ENDPOINT_URL", &moto.url),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AUDITOR_ID", &moto.auditor.0),
        ("AUDITOR_SECRET", &moto.auditor.1),
        ("SHELL", "/bin/sh"),
        ("PS1", "$ "),
        ("ENV", ""),
    ];
    play(desk.dir(), &steps, &variables, "README", true);
    let all: Vec<u8> = desk.recordings().iter().flat_map(|r| fs::read_dir(r).unwrap()).fold(
        Vec::new(),
        |mut all, part| {
            all.extend(fs::read(part.unwrap().path()).unwrap());
            all
        },
    );
    assert!(!all.windows(secret.len()).any(|window| window == secret.as_bytes()));
}
