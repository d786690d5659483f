//! A printer's queue, through CUPS' `lp`: pages go to it over a pipe, never through a file of ours.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::codes::grid::PaperSize;
use crate::ui::Failure;

/// The program that takes pages for a queue.
const LP: &str = "lp";

/// Refuses a name that `lp` would take for a flag.
pub(super) fn checked(queue: &str) -> Result<&str, Failure> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    if queue.is_empty() || queue.starts_with('-') || !queue.chars().all(plain) {
        return Err(Failure::invalid(format!("`{queue}` is no name of a printer"))
            .hint("`lpstat -e` lists the printers of this machine"));
    }
    Ok(queue)
}

/// Sends pages to a queue and waits until it has taken them. The spooler may keep what it printed.
pub(super) fn send(
    queue: &str,
    title: &str,
    pdf: &[u8],
    paper: PaperSize,
    two_sided: bool,
) -> Result<(), Failure> {
    let media = match paper {
        PaperSize::A4 => "media=A4",
        PaperSize::Letter => "media=Letter",
    };
    let sides = if two_sided { "sides=two-sided-long-edge" } else { "sides=one-sided" };
    let mut child = Command::new(LP)
        .args(["-d", checked(queue)?, "-t", title, "-o", media, "-o", sides])
        // full size: codes lie where they lie
        .args(["-o", "print-scaling=none", "-s", "-"])
        // Ctrl-C is ours, and ends no print that is under way
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| {
            Failure::invalid(format!("cannot start `{LP}`, which prints: {e}")).hint(
                "install CUPS' client, or write the files with `-o DIR` and print them by hand",
            )
        })?;
    let fed = child.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(pdf));
    let output =
        child.wait_with_output().map_err(|e| Failure::invalid(format!("`{LP}` was lost: {e}")))?;
    if output.status.success() && fed.is_ok() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().map(|line| format!(": {line}")).unwrap_or_default();
    Err(Failure::invalid(format!("the printer {queue} did not take `{title}`{said}"))
        .hint("`lpstat -e` lists the printers of this machine"))
}
