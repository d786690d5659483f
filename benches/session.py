#!/usr/bin/env python3
"""100 MB of output at a recorded terminal, beside `script` of util-linux, which writes it down as it is.

    cargo build --release && python3 benches/session.py [MEGABYTES] [PAIRS]

Both run the same command at a terminal of their own that takes what it is given and throws it away; the command measures
its own time, from its first byte to the terminal having taken the last. Each pair is run one after the other, in changing
order. Prints the ratio of the medians, and the most memory that a recorder had at 1 and at 100 MB. The recording is
encrypted to one recipient and searched for a credential of 40 signs; it is verified and its bytes are counted at the end.
"""

import json
import os
import pathlib
import pty
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/breakglass"


def at_terminal(argv, cwd, env):
    """Runs a program at a terminal that reads everything; returns its status and the most memory it had, KiB."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(argv[0], argv, env)
    while True:
        try:
            shown = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not shown:
            break
        if b"[y/n]" in shown:
            os.write(terminal, b"n\r")
    _, status, usage = os.wait4(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss


def run(*args, cwd, **more):
    done = subprocess.run([PROGRAM, *args], cwd=cwd, capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kit(folder):
    """A kit with a dealt credential of 40 signs and an auditor's key."""
    key = subprocess.run(["age-keygen", "-o", folder / "key"], capture_output=True, text=True, check=True)
    recipient = key.stderr.split(": ", 1)[1].strip()
    run("init", "kit", cwd=folder)
    method = folder / "kit/method.toml"
    tables = f'[release]\nlayout = "lines"\n[release.env]\nBG = "password"\n[audit]\nrecipients = ["{recipient}"]\n'
    head, rest = method.read_text().split("[[custodians]]", 1)
    method.write_text(head + tables + "[[custodians]]" + rest)
    secret = "password: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
    run("-C", "kit", "split", "--from", "-", "--media", "file", "-o", "papers", cwd=folder, input=secret)
    bags = [word for n in "12345" for word in ("--bag", f"{n}a=T{n}")]
    run("-C", "kit", "confirm", "papers", "--no-book", "--exception", "a bench", *bags, cwd=folder)


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    folder = pathlib.Path(tempfile.mkdtemp(prefix="session-bench-"))
    env = dict(os.environ, HOME=str(folder / "home"), TERM="xterm", LC_ALL="C.UTF-8")
    (folder / "home").mkdir()
    try:
        kit(folder)
        lines = "".join(f"{n:08} a line of a log, with words and /paths/and=values; äöü \x1b[32mok\x1b[0m\n" for n in range(14000))
        big = (lines * (size * 1_000_000 // len(lines.encode()) + 1)).encode()[: size * 1_000_000]
        (folder / "big").write_bytes(big)
        (folder / "small").write_bytes(big[:1_000_000])
        shell = "date +%s.%N > t0; cat {}; stty -a > /dev/null; date +%s.%N > t1"

        def measured(argv):
            status, memory = at_terminal(argv, folder, env)
            assert status == 0, status
            start, end = (float((folder / name).read_text()) for name in ("t0", "t1"))
            return end - start, memory

        def script(file):
            (folder / "typescript").unlink(missing_ok=True)
            return measured(["script", "-q", "-e", "-c", shell.format(file), "typescript"])

        def breakglass(file):
            now = subprocess.check_output(["date", "-u", "+%FT%TZ"], text=True).strip()
            flags = ["--no-book", "--operator", "A", "--operator-id", "E1", "--reason", "DRILL", "--ticket", "INC-1"]
            more = ["--time", now, "--exception", "a bench", "--", "sh", "-c", shell.format(file)]
            return measured([str(PROGRAM), "-C", "kit", "combine", "papers", *flags, *more])

        times = {script: [], breakglass: []}
        for pair in range(pairs):
            order = [script, breakglass] if pair % 2 else [breakglass, script]
            for program in order:
                times[program].append(program("big"))
        small = breakglass("small")[1]
        medians = {p: statistics.median(t for t, _ in runs) for p, runs in times.items()}
        for program, runs in times.items():
            print(f"{program.__name__:10}  median {medians[program]:.3f} s, {min(t for t, _ in runs):.3f} to {max(t for t, _ in runs):.3f}")
        print(f"ratio of the medians: {medians[breakglass] / medians[script]:.3f}")
        print(f"memory of the recorder: {small} KiB at 1 MB, {max(m for _, m in times[breakglass])} KiB at {size} MB")
        recordings = sorted((folder / "kit/sessions").iterdir())
        run("-C", "kit", "session", "show", str(recordings[0]), "--verify", cwd=folder)
        records = [json.loads(line) for line in (folder / "kit/logbook.jsonl").read_text().splitlines()]
        session = next(r for r in records if r["event"] == "SESSION")
        parts = len(list(recordings[0].glob("*.age")))
        disk = sum(path.stat().st_size for path in recordings[0].iterdir())
        print(f"the recording: {session['bytes']} bytes shown, {session['events']} events, {parts} parts, {disk} bytes on disk; whole")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
