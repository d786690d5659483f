//! Records that come back from strips: scans, photographs, PDFs.

use std::path::PathBuf;

use super::{Context, intake};
use crate::logbook::Entry;
use crate::logbook::stub::Strips;
use crate::opening::Pile;
use crate::scan::Overlay;
use crate::ui::Failure;

/// Reads the records on scanned strips; with them come the files on which there is no code at all.
pub(super) fn read(
    context: &Context,
    pages: &[PathBuf],
) -> Result<(Vec<Entry>, Vec<PathBuf>), Failure> {
    let (mut pile, mut overlay) = (Pile::default(), Overlay::default());
    let (mut failed, mut bare) = (None, Vec::new());
    intake::each_read(context, pages, |path, reading| match reading {
        Ok(reading) => {
            let name = path.display().to_string();
            let looks = intake::put(&mut pile, &mut overlay, &name, reading);
            let found = looks.iter().map(|look| look.codes.len()).sum::<usize>();
            context.ui.say(&format!("  {name}: {found} codes"));
            if found == 0 {
                bare.push(path.to_owned());
            }
        }
        Err(failure) => failed = Some(failure),
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let mut strips = Strips::default();
    pile.records().for_each(|(part, _)| strips.add(part));
    let mut entries = Vec::new();
    for (_, seq, entry) in strips.records() {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => {
                let which = seq
                    .map_or("a loose strip".to_owned(), |seq| format!("the strip of record {seq}"));
                return Err(Failure::invalid(format!("{which}: {error}"))
                    .hint("scan it once more, flat and sharp, at 300 dpi"));
            }
        }
    }
    Ok((entries, bare))
}
