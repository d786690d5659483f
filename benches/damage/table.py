#!/usr/bin/env python3
"""Sheets whose key code is read after damage: breakglass beside zbarimg and zxing-cpp, on the same pictures.

usage: table.py [--seeds 0-9] [--blotch-seeds 0-99] [--only KIND,KIND] [--program FILE] [--paper a4|letter]

Deals one set, damages both leaves of one sheet with `damage.py`, and counts a sheet as read when the key code is read
from leaf 1 or leaf 2. Prints a Markdown table per kind and level, and the share over everything.
Needs a release build, zbar-tools, poppler-utils, and pip install numpy opencv-python-headless zxing-cpp.
"""
import argparse, collections, concurrent.futures, json, os, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cv2
import zxingcpp
from damage import damaged

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def span(text):
    lo, _, hi = text.partition("-")
    return range(int(lo), int(hi or lo) + 1)


def by_breakglass(program, path):
    out = subprocess.run([program, "inspect", "--json", path], capture_output=True, text=True).stdout
    pages = json.loads(out)["pages"]
    return any(f["kind"] == "K" for page in pages for f in page.get("found", []))


def by_zbar(path):
    out = subprocess.run(["zbarimg", "-q", "--raw", path], capture_output=True, text=True).stdout
    return any(line.startswith("BG1K") for line in out.splitlines())


def by_zxing(image):
    return any(r.text.startswith("BG1K") for r in zxingcpp.read_barcodes(image))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--seeds", default="0-9")
    ap.add_argument("--blotch-seeds")
    ap.add_argument("--only")
    ap.add_argument("--program", default=os.path.join(ROOT, "target/release/breakglass"))
    ap.add_argument("--paper", default="a4")
    a = ap.parse_args()
    only = set(a.only.split(",")) if a.only else None
    with tempfile.TemporaryDirectory() as home:
        def run(*args):
            subprocess.run([a.program, *args], check=True, cwd=home, stderr=subprocess.DEVNULL)

        run("init", "kit")
        with open(os.path.join(home, "key.json"), "w") as f:
            f.write('{"AccessKey":{"UserName":"breakglass-payments","AccessKeyId":"AKIAIOSFODNN7EXAMPLE","Status":"Active",'
                    '"SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","CreateDate":"2026-11-24T10:00:00Z"}}\n')
        run("-C", "kit", "split", "--from", "key.json", "-o", "papers", "--paper", a.paper)
        pdf = os.path.join(home, "papers", sorted(os.listdir(os.path.join(home, "papers")))[0])
        read = collections.defaultdict(lambda: collections.defaultdict(lambda: [False, False, False]))
        cpu = collections.defaultdict(list)

        def one(job):
            name, kind, level, seed, image = job
            path = os.path.join(home, f"{name}-{kind}-{level}-{seed}.png")
            cv2.imwrite(path, image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            start = time.monotonic()
            ours = by_breakglass(a.program, path)
            took = time.monotonic() - start
            got = ours, by_zbar(path), by_zxing(image)
            os.remove(path)
            return kind, level, seed, got, took

        def jobs():
            yield from damaged(pdf, span(a.seeds), only)
            if a.blotch_seeds:
                rest = range(span(a.seeds).stop, span(a.blotch_seeds).stop)
                yield from damaged(pdf, rest, {"blotch"} if only is None else only & {"blotch"})

        # ended early, it prints what it has
        stop = []
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.append(True))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            pending = set()
            todo = iter(jobs())
            while True:
                if stop:
                    todo = iter(())
                for job in todo:
                    pending.add(pool.submit(one, job))
                    if len(pending) >= 6:
                        break
                if not pending:
                    break
                done, pending = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    kind, level, seed, got, took = future.result()
                    cell = read[kind, level][seed]
                    for i, hit in enumerate(got):
                        cell[i] |= hit
                    cpu[kind, level].append(took)

        print("| damage | level | sheets | breakglass % | zbar % | zxing-cpp % | either % | wall s a page |")
        print("|---|---|---|---|---|---|---|---|")
        total = [0, 0, 0, 0, 0]
        for (kind, level), seeds in read.items():
            n = len(seeds)
            hits = [sum(cell[i] for cell in seeds.values()) for i in range(3)]
            hits.append(sum(cell[1] or cell[2] for cell in seeds.values()))
            total = [total[0] + n, *(t + h for t, h in zip(total[1:], hits))]
            share = " | ".join(f"{100 * h / n:.0f}" for h in hits)
            print(f"| {kind} | {level} | {n} | {share} | {sum(cpu[kind, level]) / len(cpu[kind, level]):.2f} |")
        share = " | ".join(f"{100 * h / total[0]:.1f}" for h in total[1:])
        print(f"| all | | {total[0]} | {share} | |")


if __name__ == "__main__":
    main()
