//! Credentials of every sort go onto paper and come back byte for byte, with no program but ours.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/papers.rs"]
mod papers;

use std::path::Path;

use breakglass::codes::payload::{self, Payload};
use breakglass::rng;
use breakglass::scan::{self, Reader, Reading};
use breakglass::sealing;
use breakglass::set::Manifest;
use breakglass::sharing::{Quorum, Share};
use papers::Papers;

/// Three sheets with different numbers, of both copies.
const BROUGHT: [&str; 3] = ["4b", "1a", "2b"];

/// Deals with two copies of everything, and opens from the PDFs, with and without the kit.
fn on_paper(credential: &[u8]) -> Papers {
    let papers = Papers::dealt(&papers::two_copies(), credential, &[]);
    let brought = BROUGHT.map(|sheet| papers.sheet(sheet));
    papers.opens(&brought.each_ref().map(String::as_str), &["-C", "kit"]);
    papers
}

/// Opens from pictures of the leaves that a sheet of a small credential needs.
fn from_pictures(papers: &Papers) {
    for dpi in [150.0, 300.0] {
        let mut pictures = Vec::new();
        for sheet in BROUGHT {
            let png = scan::picture(&papers.read(&papers.sheet(sheet)), 1, dpi).unwrap();
            let jpeg = jpeg(&png);
            pictures.push(papers.file(&format!("{sheet}-{dpi}.png"), png));
            pictures.push(papers.file(&format!("{sheet}-{dpi}.jpg"), jpeg));
        }
        let (png, jpeg): (Vec<&str>, Vec<&str>) =
            pictures.iter().map(String::as_str).partition(|name| name.contains(".png"));
        papers.opens(&png, &[]);
        papers.opens(&jpeg, &["-C", "kit"]);
    }
}

/// A method with fewer sheets: every page of many costs time.
fn few(k: u8, n: usize) -> String {
    let method = papers::METHOD.replace("k = 3 ", &format!("k = {k} "));
    let method = method.replace("n = 5 ", &format!("n = {n} "));
    let custodians: Vec<&str> = method.split("\n[[custodians]]").collect();
    custodians[..=n].join("\n[[custodians]]")
}

/// Opens from pictures of leaf 1 of two sheets and of further leaves, each from another sheet than the one before.
fn mixed_leaves(papers: &Papers) {
    let pdfs = ["1a", "2a"].map(|sheet| papers.read(&papers.sheet(sheet)));
    std::fs::create_dir(papers.path("scans")).unwrap();
    for page in 1.. {
        let pictures = pdfs.each_ref().map(|pdf| scan::picture(pdf, page, 150.0));
        let [Ok(a), Ok(b)] = pictures else { break };
        let (a, b) = if page % 2 == 0 { (a, b) } else { (b, a) };
        papers.file(&format!("scans/leaf-{page}.png"), a);
        if page == 1 {
            papers.file("scans/other.png", b);
        }
    }
    papers.opens(&["scans"], &[]);
}

/// A picture as a telephone or an office scanner would store it.
fn jpeg(png: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(png).unwrap().to_rgb8();
    let mut out = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 75)
        .encode_image(&picture)
        .unwrap();
    out
}

/// Letters and digits that open nothing.
fn made_up(count: usize) -> String {
    let signs = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    while out.len() < count {
        let [byte] = rng::bytes::<1>(&mut rng::os());
        out.push(char::from(signs[usize::from(byte % 64)]));
    }
    out
}

/// Base64 in lines of 64, each ended by `end`, between the marks of a PEM file.
fn pem(name: &str, bytes: usize, end: &str) -> String {
    let body = made_up(bytes * 4 / 3);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {name}-----{end}{}{end}-----END {name}-----{end}", lines.join(end))
}

#[test]
fn a_password_of_twenty_characters() {
    let papers = on_paper(made_up(20).as_bytes());
    from_pictures(&papers);
}

#[test]
fn an_aws_access_key_as_create_access_key_prints_it() {
    let secret = made_up(40);
    let json = format!(
        "{{\n    \"AccessKey\": {{\n        \"UserName\": \"breakglass-payments\",\n        \
         \"AccessKeyId\": \"AKIAIOSFODNN7EXAMPLE\",\n        \"Status\": \"Active\",\n        \
         \"SecretAccessKey\": \"{secret}\",\n        \
         \"CreateDate\": \"2026-11-24T04:02:11+00:00\"\n    }}\n}}\n"
    );
    let papers = on_paper(json.as_bytes());
    from_pictures(&papers);
}

#[test]
fn three_hundred_random_bytes_with_zeros_and_a_line_feed() {
    let mut credential = rng::bytes::<300>(&mut rng::os());
    credential[..3].fill(0);
    credential[150] = 0;
    credential[298..].copy_from_slice(b"\0\n");
    let papers = on_paper(&credential);
    from_pictures(&papers);
}

#[test]
fn a_gcp_service_account_key() {
    let key = pem("PRIVATE KEY", 1218, "\\n");
    let json = format!(
        "{{\n  \"type\": \"service_account\",\n  \"project_id\": \"payments-prod-123456\",\n  \
         \"private_key_id\": \"{}\",\n  \"private_key\": \"{key}\",\n  \
         \"client_email\": \"breakglass@payments-prod-123456.iam.gserviceaccount.com\",\n  \
         \"client_id\": \"112233445566778899001\",\n  \
         \"auth_uri\": \"https://accounts.google.com/o/oauth2/auth\",\n  \
         \"token_uri\": \"https://oauth2.googleapis.com/token\",\n  \
         \"auth_provider_x509_cert_url\": \"https://www.googleapis.com/oauth2/v1/certs\",\n  \
         \"client_x509_cert_url\": \"https://www.googleapis.com/robot/v1/metadata/x509/\
         breakglass%40payments-prod-123456.iam.gserviceaccount.com\",\n  \
         \"universe_domain\": \"googleapis.com\"\n}}\n",
        "0123456789abcdef0123456789abcdef01234567"
    );
    assert!((2300..2600).contains(&json.len()), "{}", json.len());
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    let papers = Papers::of(json.as_bytes());
    let brought = ["5a", "2a", "3a"].map(|sheet| papers.sheet(sheet));
    papers.opens(&brought.each_ref().map(String::as_str), &["-C", "kit"]);
}

#[test]
fn a_kubeconfig() {
    let (ca, certificate, key) = (made_up(1600), made_up(1900), made_up(2240));
    let yaml = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster:\n    \
         server: https://192.0.2.10:6443\n    certificate-authority-data: {ca}\ncontexts:\n\
         - name: breakglass@prod\n  context:\n    cluster: prod\n    user: breakglass\n\
         current-context: breakglass@prod\npreferences: {{}}\nusers:\n- name: breakglass\n  user:\n    \
         client-certificate-data: {certificate}\n    client-key-data: {key}\n"
    );
    assert!((5900..6300).contains(&yaml.len()), "{}", yaml.len());
    let papers = Papers::dealt(&few(2, 3), yaml.as_bytes(), &[]);
    mixed_leaves(&papers);
}

#[test]
fn as_many_bytes_as_fit() {
    let credential: Vec<u8> = (0..64).flat_map(|_| rng::bytes::<256>(&mut rng::os())).collect();
    assert_eq!(credential.len(), 16_384);
    let papers = Papers::dealt(&few(2, 2), &credential, &[]);
    mixed_leaves(&papers);
}

/// The codes of every page of a sheet.
fn read_all(papers: &Papers, sheet: &str) -> Vec<Vec<String>> {
    let reader = Reader::new(papers::PROGRAM.into());
    let Reading::Pages(pages) = reader.read(sheet, &papers.read(sheet)).unwrap() else {
        panic!("{sheet} is a text")
    };
    let texts = |page: &scan::Page| page.codes.iter().map(|c| c.text.to_string()).collect();
    pages.iter().map(texts).collect()
}

/// Every payload of every page of every sheet.
fn payloads(papers: &Papers) -> Vec<Payload> {
    let sheets = papers.sheets();
    let texts = sheets.iter().flat_map(|sheet| read_all(papers, sheet)).flatten();
    texts.flat_map(|text| payload::parse(&text).unwrap()).collect()
}

fn files_below(dir: &Path, out: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else {
            out.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

/// Whoever knows the recipient could try the sealed credential with a quantum computer; nobody is to know it.
#[test]
fn the_recipient_is_nowhere() {
    let papers = Papers::of(b"correct horse battery staple\n");
    let payloads = payloads(&papers);
    let manifest: &Manifest = payloads
        .iter()
        .find_map(|payload| match payload {
            Payload::Manifest(manifest) => Some(&**manifest),
            _ => None,
        })
        .unwrap();
    let mut shares: Vec<Share> = Vec::new();
    for payload in &payloads {
        if let Payload::Share(sheet) = payload
            && shares.iter().all(|share| share.x() != sheet.share.x())
        {
            shares.push(sheet.share.clone());
        }
    }
    assert_eq!(shares.len(), 5);
    shares.truncate(3);
    let identity = Quorum::new(manifest.threshold, shares).unwrap().recover();
    let text = sealing::identity_text(&identity);
    let recipient = text.parse::<age::x25519::Identity>().unwrap().to_public().to_string();
    let (_, raw) = bech32::decode(&recipient).unwrap();
    assert!(recipient.starts_with("age1") && raw.len() == 32);

    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    // the texts of the pages are searched with poppler's eyes in `peers.rs`
    files_below(papers.dir(), &mut places);
    for payload in &payloads {
        let bytes = payload.to_bytes().to_vec();
        places.push((format!("a {} payload", payload.kind().word()), bytes));
        places.push(("a code's text".to_owned(), payload.text().as_bytes().to_vec()));
    }
    assert!(places.iter().any(|(name, _)| name.ends_with("logbook.jsonl")));
    assert!(places.iter().any(|(name, _)| name.ends_with("sealed.age")));

    let hex = breakglass::logbook::hex(&raw);
    let crockford = breakglass::codes::crockford::encode(&raw).to_string();
    let words = [recipient, hex, crockford, text.to_string()];
    for (name, content) in &places {
        assert!(!holds(content, &raw), "the recipient's bytes are in {name}");
        assert!(!holds(content, &*identity), "the identity's bytes are in {name}");
        let capitals = content.to_ascii_uppercase();
        for word in &words {
            assert!(!holds(&capitals, word.to_ascii_uppercase().as_bytes()), "{word} is in {name}");
        }
    }
    // the search finds what is there
    let sealed = places.iter().find(|(name, _)| name.ends_with("sealed.age")).unwrap();
    assert!(
        places.iter().any(|(name, content)| name.contains("payload") && holds(content, &sealed.1))
    );
}

fn holds(content: &[u8], wanted: &[u8]) -> bool {
    content.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn sheets_may_be_files_for_sticks_and_cards() {
    let credential = b"correct horse battery staple\n".repeat(40);
    let papers = Papers::dealt(papers::METHOD, &credential, &["--media", "file"]);
    let sheets = papers.sheets();
    assert!(sheets.iter().all(|name| name.contains(".txt")), "{sheets:?}");
    let brought: Vec<&str> = ["4a", "1a", "2a"]
        .iter()
        .map(|sheet| sheets.iter().find(|name| name.contains(sheet)).unwrap().as_str())
        .collect();
    papers.opens(&brought, &["-C", "kit"]);
    assert_eq!(papers.records()[1]["media"], "file");
    assert!(papers.records()[1].get("template").is_none());
    papers.run(&["inspect", brought[0]]).expect(0, &["share 4a", "sealed credential part 3"]);
    // one that was copied badly is named
    let text = String::from_utf8(papers.read(brought[1])).unwrap();
    let line = text.lines().find(|line| line.starts_with("BG1K")).unwrap();
    let other = if line[30..].starts_with('0') { "1" } else { "0" };
    let wrong = text.replace(line, &format!("{}{other}{}", &line[..30], &line[31..]));
    papers.file("copied.txt", wrong);
    papers
        .combine(&[brought[0], "copied.txt", brought[2]], &[])
        .expect(3, &["copied.txt line 5: a share code that does not fit its checksum"]);
}
