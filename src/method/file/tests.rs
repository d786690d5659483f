#![allow(clippy::unwrap_used)]
use super::*;

const GOOD: &str = include_str!("../../../custodian-kit/method.toml");

const ONE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const TWO: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

fn broken(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    Method::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn the_example_is_valid() {
    let method = Method::parse(GOOD).unwrap();
    assert_eq!((method.threshold.k(), method.threshold.n()), (3, 5));
    assert_eq!(method.max_session, 240);
    assert_eq!(method.revoke_within, 24);
    assert_eq!(method.custodians[2].sheet.to_string(), "3a");
}

#[test]
fn every_error_draws_its_line() {
    let error = broken("k = 3", "k = 6");
    assert!(error.contains("k = 6") && error.contains('^') && error.contains("6 of 5"), "{error}");
    assert!(broken("k = 3", "k = 1").contains("the secret"));
    assert!(broken("n = 5", "n = 33").contains("at most 32"));
    assert!(broken("k = 3", "kk = 3").contains("unknown field"));
    assert!(broken("\"4h\"", "\"4 hours\"").contains("12m or 2h"));
    assert!(broken("\"IDP-DOWN\"", "\"BORED\"").contains("no such use"));
    assert!(broken("share = 2", "share = 1").contains("already"));
    assert!(broken("share = 2", "share = 9").contains("numbered 1 to 5"));
    assert!(broken("id = \"E1002\"", "id = \"E1001\"").contains("one person"));
    let locked = |words: &str| broken("id = \"E1002\"", &format!("id = \"E1002\"\n{words}"));
    assert!(locked("recipient = \"age1x\"").contains("not an age recipient"));
    assert!(locked(&format!("recipient = \"{ONE}\"")).contains("second way"));
    assert!(locked(&format!("recipient = [\"{ONE}\", \"{ONE}\"]")).contains("second way"));
    let leaked = locked("recipient = [\"AGE-SECRET-KEY-1QQ\"]");
    assert!(leaked.contains("leaked") && !leaked.contains("1QQ"), "{leaked}");
    assert!(locked("lock = \"passphrase\"").contains("second_way"));
    assert!(locked("lock = \"key\"").contains("the only lock"));
    assert!(locked("second_way = \"safe\"").contains("no lock"));
    assert!(broken("Ben Hart", "Ben\\nHart").contains("control characters"));
}

#[test]
fn a_driver_of_ones_own_is_pinned() {
    let with = |words: &str| GOOD.replacen("[own_uses]", &format!("{words}\n[own_uses]"), 1);
    let wrong = |words: &str| Method::parse(&with(words)).unwrap_err().to_string();
    let pin = format!("pin = \"sha256:{}\"", "0a".repeat(32));
    let method = |words: &str| Method::parse(&with(words)).unwrap().rotation.unwrap();
    let built_in = method("[rotation]\ndriver = \"manual\"\n[rotation.target]\nuser = \"bg\"");
    assert_eq!((built_in.is_external(), &*built_in.target["user"]), (false, "bg"));
    let external = method(&format!("[rotation]\ndriver = \"drivers/mine\"\n{pin}"));
    assert_eq!(external.pin, Some([10; 32]));
    assert!(wrong("[rotation]\ndriver = \"drivers/mine\"").contains("needs a pin"));
    assert!(wrong(&format!("[rotation]\ndriver = \"manual\"\n{pin}")).contains("has no pin"));
    assert!(
        wrong(&format!("[rotation]\ndriver = \"drivers/../x\"\n{pin}")).contains("a driver is")
    );
    assert!(wrong(&format!("[rotation]\ndriver = \"else/x\"\n{pin}")).contains("a driver is"));
    assert!(wrong("[rotation]\ndriver = \"drivers/x\"\npin = \"sha256:0\"").contains("64 hex"));
    assert!(wrong("[rotation]\ndriver = \"manual\"\nmode = \"x\"").contains("unknown field"));
}

#[test]
fn locks_are_passphrases_or_two_keys() {
    let with = |words: &str| {
        let text = GOOD.replacen("id = \"E1002\"", &format!("id = \"E1002\"\n{words}"), 1);
        Method::parse(&text).unwrap().custodians[1].clone()
    };
    let locked = with("lock = \"passphrase\"\nsecond_way = \"sealed envelope, safe B\"");
    assert_eq!(locked.lock, Some(Lock::Passphrase));
    assert_eq!(locked.second_way, "sealed envelope, safe B");
    let locked = with(&format!("recipient = [\"{ONE}\", \"{TWO}\"]"));
    assert_eq!(locked.lock, Some(Lock::Recipients(vec![ONE.into(), TWO.into()])));
}

#[test]
fn a_dealt_copy_of_a_newer_program_only_warns() {
    let newer = GOOD.replacen("k = 3", "k = 3\ncolour = \"red\"", 1);
    assert!(Method::parse(&newer).is_err());
    let (method, unknown) = Method::parse_dealt(&newer).unwrap();
    assert_eq!(method.threshold.k(), 3);
    assert_eq!(unknown, ["colour"]);
    assert!(Method::parse_dealt("k = ").is_err());
}

#[test]
fn tickets_are_held_against_their_pattern() {
    for (pattern, good, bad) in [
        ("INC-#", "INC-4412", "INC-"),
        ("INC-#", "INC-0", "INC-4412a"),
        ("*-#", "CHG-7", "CHG"),
        ("#", "12", "twelve"),
        ("é*", "é", "e"),
    ] {
        assert!(fits(pattern, good), "{pattern} {good}");
        assert!(!fits(pattern, bad), "{pattern} {bad}");
    }
}
