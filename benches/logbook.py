#!/usr/bin/env python3
"""A logbook of 100 000 records: processor time and memory of `log verify`, and the time of an append.

usage: logbook.py [--program FILE] [--records 100000]

Needs a release build. Beside it, verify.py on the same file (standard library only).
"""
import argparse, hashlib, json, os, resource, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run(command, **more):
    """Returns processor seconds and the largest resident set, MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    del before
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--program", default=os.path.join(ROOT, "target/release/breakglass"))
    ap.add_argument("--records", type=int, default=100000)
    a = ap.parse_args()
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([a.program, "init", "kit"], check=True, cwd=home, stderr=subprocess.DEVNULL)
        book = os.path.join(home, "kit", "logbook.jsonl")

        def write(count):
            prev = "0" * 64
            with open(book, "w") as f:
                for seq in range(1, count + 1):
                    event = '"BEGIN"' if seq == 1 else '"INSPECT"'
                    more = "" if seq == 1 else (
                        ',"generation":1,"set":"S 0000-0000-0000-0000-0","sheets":["1a"],"bags":{"1a":"TE-004411"},'
                        '"seals":{"1a":"intact"},"custodians":{"1a":{"name":"Ana Ruiz","id":"E1001"}},"how":"in person"')
                    line = (f'{{"v":1,"seq":{seq},"prev":"{prev}","event":{event},"at":"2026-11-24T04:02:11Z","clock":"system",'
                            f'"tz":"+01:00","method":"aws-payments-prod"{more},"program":{{"version":"0.1.0","sha256":"unknown"}}}}')
                    json.loads(line)
                    prev = hashlib.sha256(line.encode()).hexdigest()
                    f.write(line + "\n")

        print("| records | MB | verify CPU s | MiB | verify.py CPU s | append CPU s |")
        print("|---|---|---|---|---|---|")
        for count in (a.records // 100, a.records):
            write(count)
            size = os.path.getsize(book) / 1e6
            verify, memory = run([a.program, "-C", "kit", "log", "verify"], cwd=home)
            script = os.path.join(ROOT, "custodian-kit", "verify.py")
            peer, _ = run([sys.executable, script, book])
            append, _ = run([a.program, "-C", "kit", "--no-input", "log", "add", "notify", "--to", "x"], cwd=home)
            print(f"| {count} | {size:.1f} | {verify:.2f} | {memory:.0f} | {peer:.2f} | {append:.2f} |")


main()
