//! Sheets that lay in water, in ink, under a boot: no reader finds a code on them, the set opens.
#![allow(clippy::unwrap_used)]

#[path = "support/papers.rs"]
mod support;

use breakglass::scan;
use image::GrayImage;
use support::Papers;

const DPI: f32 = 150.0;

/// Repeatable chance (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(end)).unwrap()
    }
}

/// What always has the same codes, so that the same blots always do the same harm.
fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

/// One leaf of a sheet as a scanner gives it.
fn leaf(sheet: &str, number: u32) -> GrayImage {
    let names = [
        ("1a", "ana-ruiz"),
        ("2a", "ben-hart"),
        ("3a", "chen-li"),
        ("4a", "dana-okoye"),
        ("5a", "eli-novak"),
    ];
    let name = names.iter().find(|(id, _)| *id == sheet).unwrap().1;
    let pdf = golden(&format!("sheets/sheet-{sheet}-{name}.pdf"));
    let png = scan::picture(&pdf, number, DPI).unwrap();
    image::load_from_memory(&png).unwrap().to_luma8()
}

/// Covers that share of a page, in percent, with dark and white discs of 1 to 5 mm radius.
fn blot(page: &mut GrayImage, percent: u32, seed: u64) {
    let mut chance = Chance(seed);
    let (width, height) = page.dimensions();
    let mut covered = vec![false; (width * height) as usize];
    while covered.iter().filter(|c| **c).count() * 100 < covered.len() * percent as usize {
        let ink = if chance.below(2) == 0 { 20 } else { 250 };
        let (x, y, radius) = (chance.below(width), chance.below(height), 6 + chance.below(24));
        for py in y.saturating_sub(radius)..(y + radius).min(height) {
            for px in x.saturating_sub(radius)..(x + radius).min(width) {
                if px.abs_diff(x).pow(2) + py.abs_diff(y).pow(2) <= radius * radius {
                    page.put_pixel(px, py, image::Luma([ink]));
                    covered[(py * width + px) as usize] = true;
                }
            }
        }
    }
}

fn save(papers: &Papers, name: &str, page: &GrayImage) -> String {
    page.save(papers.path(name)).unwrap();
    name.to_owned()
}

/// How the payloads of that kind were read, over all pages.
fn ways(papers: &Papers, kind: &str, files: &[&str]) -> Vec<String> {
    let run = papers.run(&[&["inspect", "--json"], files].concat());
    let answer: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let pages = answer["pages"].as_array().unwrap().iter();
    let found = pages.flat_map(|page| page["found"].as_array().unwrap());
    found
        .filter(|found| found["kind"] == kind)
        .map(|found| found["read"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_set_opens_when_no_code_on_its_sheets_can_be_read() {
    let papers = Papers::kit_only();
    let mut files = Vec::new();
    for (sheet, seed) in [("1a", 1), ("3a", 2), ("5a", 3)] {
        for number in [1, 2] {
            let mut page = leaf(sheet, number);
            blot(&mut page, 17, 10 * seed + u64::from(number));
            files.push(save(&papers, &format!("{sheet}-{number}.png"), &page));
        }
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    for kind in ["K", "S"] {
        let ways = ways(&papers, kind, &files);
        assert!(
            !ways.is_empty() && ways.iter().all(|way| way == "placed" || way == "merged"),
            "{kind} {ways:?}"
        );
    }
    let code = String::from_utf8(golden("set-code")).unwrap();
    let mut args = vec!["combine", "--set-code", code.trim(), "--operator", "B. Alvarez"];
    args.extend(["--operator-id", "E2040", "--reason", "DRILL", "--exception", "test"]);
    args.extend(["--no-input", "--output", "out"]);
    args.extend(&files);
    papers.run(&args).expect(0, &["Revoke before"]);
    assert!(papers.read("out") == golden("credential"), "other bytes came out");
}

#[test]
fn a_page_is_found_upside_down_and_two_on_one_scan() {
    let papers = Papers::kit_only();
    let mut one = leaf("2a", 1);
    blot(&mut one, 17, 4);
    let mut two = leaf("4a", 1);
    blot(&mut two, 12, 5);
    let turned = image::imageops::rotate180(&one);
    let upside_down = save(&papers, "upside-down.png", &turned);
    let ways_of_one = ways(&papers, "K", &[&upside_down]);
    assert!(ways_of_one.iter().any(|way| way == "placed"), "{ways_of_one:?}");
    let mut both =
        GrayImage::from_pixel(one.width() + two.width() + 60, one.height(), image::Luma([235]));
    image::imageops::overlay(&mut both, &one, 0, 0);
    image::imageops::overlay(&mut both, &two, i64::from(one.width()) + 60, 0);
    let both = save(&papers, "both.png", &both);
    assert_eq!(ways(&papers, "K", &[&both]).len(), 2);
}
