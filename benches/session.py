#!/usr/bin/env python3
"""100 MB of output at a recorded terminal, beside `script` of util-linux, which writes it down as it is.

    cargo build --release && python3 benches/session.py [MEGABYTES] [PAIRS]

Both run the same command at a terminal of their own that takes what it is given and throws it away; the command measures
its own time, from its first byte to the terminal having taken the last. Each pair is run one after the other, in changing
order. The commands: a file that is only copied, which costs nothing but the terminals, and programs that make what they
show. Prints for each the ratio of the medians, and the processors' time that it took; then the most memory that a recorder
had at 1 MB and at all. The recording is encrypted to one recipient and searched for a credential of 40 signs; one is
verified and its bytes are counted at the end. ext4 is slow for minutes where many files have just been deleted; nothing is
deleted before the end.
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
        commands = {
            "cat": "cat {}",
            "grep -n": "grep -n line {}",
            "awk": "awk '{{print $0}}' {}",
            "seq": f"seq {size * 112_000}; : {{}}",
            "od -c": f"head -c {size * 220_000} {{}} | od -c",
        }
        shell = "head -n1 /proc/stat > s0; date +%s.%N > t0; {}; stty -a > /dev/null; date +%s.%N > t1; head -n1 /proc/stat > s1"

        def measured(argv):
            status, memory = at_terminal(argv, folder, env)
            assert status == 0, status
            start, end = (float((folder / name).read_text()) for name in ("t0", "t1"))
            before, after = ([int(x) for x in (folder / name).read_text().split()[1:4]] for name in ("s0", "s1"))
            return end - start, (sum(after) - sum(before)) / os.sysconf("SC_CLK_TCK"), memory

        def script(command):
            return measured(["script", "-q", "-e", "-c", shell.format(command), "typescript"])

        def breakglass(command):
            now = subprocess.check_output(["date", "-u", "+%FT%TZ"], text=True).strip()
            flags = ["--no-book", "--operator", "A", "--operator-id", "E1", "--reason", "DRILL", "--ticket", "INC-1"]
            more = ["--time", now, "--exception", "a bench", "--", "sh", "-c", shell.format(command)]
            return measured([str(PROGRAM), "-C", "kit", "combine", "papers", *flags, *more])

        most = 0
        for name, command in commands.items():
            runs = {script: [], breakglass: []}
            for pair in range(pairs):
                order = [script, breakglass] if pair % 2 else [breakglass, script]
                for program in order:
                    runs[program].append(program(command.format("big")))
            times, processors = ({p: statistics.median(run[n] for run in runs[p]) for p in runs} for n in (0, 1))
            spread = " ".join(f"{min(r[0] for r in runs[p]):.2f}-{max(r[0] for r in runs[p]):.2f}" for p in runs)
            most = max(most, *(run[2] for run in runs[breakglass]))
            print(
                f"{name:8} script {times[script]:.2f} s, breakglass {times[breakglass]:.2f} s ({spread}): "
                f"{times[breakglass] / times[script]:.3f}; processors {processors[script]:.2f} s, {processors[breakglass]:.2f} s",
                flush=True,
            )
        small = breakglass("cat small")[2]
        print(f"memory of the recorder: {small} KiB at 1 MB, {most} KiB at {size} MB")
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
