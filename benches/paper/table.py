#!/usr/bin/env python3
"""Damaged papers that come back: breakglass beside zbarimg and zxing-cpp, on the same pictures.

usage: table.py [--seeds 0-9] [--blotch-seeds 0-99] [--only KIND,KIND/LEVEL] [--program FILE] [--paper a4|letter]
                [--secret FILE | --gcp] [--sheets 5] [--beside PDF]

Deals a 3-of-5 set, damages both leaves of every sheet with `damage.py`, and hands all pictures of a seed to one
`breakglass inspect`, without the kit. A sheet counts when its share and the manifest are read; for the others, when its
key code is read from either leaf. A set counts when three different shares, the manifest and the sealed credential are.
`--beside` damages a page of another program (paper-age) in the same way, and counts what either reader reads of it.
Prints a Markdown table per kind and level. Ended early (Ctrl-C), it prints what it has.
Needs a release build, zbar-tools, poppler-utils, and pip install numpy opencv-python-headless zxing-cpp.
"""
import argparse, base64, collections, hashlib, concurrent.futures, itertools, json, os, signal, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cv2
import zxingcpp
from damage import CASES, damaged

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECRET = ('{"AccessKey":{"UserName":"breakglass-payments","AccessKeyId":"AKIAIOSFODNN7EXAMPLE","Status":"Active",'
          '"SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","CreateDate":"2026-11-24T10:00:00Z"}}\n')


def gcp():
    """A service account's key file as Google writes it, 2.3 kB; no key of anybody, the same at every run."""
    noise = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(38))
    lines = base64.b64encode(noise).decode()
    pem = "\n".join(lines[i:i + 64] for i in range(0, len(lines), 64))
    who = "breakglass@payments-prod-123456.iam.gserviceaccount.com"
    return json.dumps({
        "type": "service_account", "project_id": "payments-prod-123456", "private_key_id": "4f1d2c3b5a69788796a5b4c3d2e1f00112233445",
        "private_key": f"-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n", "client_email": who,
        "client_id": "112233445566778899001", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{who.replace('@', '%40')}",
        "universe_domain": "googleapis.com"}, indent=2) + "\n"


def span(text):
    lo, _, hi = text.partition("-")
    return range(int(lo), int(hi or lo) + 1)


def by_breakglass(program, paths):
    out = subprocess.run([program, "inspect", "--json", *paths], capture_output=True, text=True, start_new_session=True).stdout
    return [f for page in json.loads(out)["pages"] for f in page.get("found", [])]


def by_zbar(path):
    words = ["zbarimg", "-q", "--raw", path]
    return subprocess.run(words, capture_output=True, text=True, start_new_session=True).stdout.splitlines()


def by_zxing(image):
    return [r.text for r in zxingcpp.read_barcodes(image)]


def cells(a):
    """Yields (kind, level, seed) in the order of the table."""
    only = set(a.only.split(",")) if a.only else None
    for kind, level, _, chance, _ in CASES:
        if only and kind not in only and f"{kind}/{level}" not in only:
            continue
        seeds = span(a.seeds)
        if a.blotch_seeds and (kind == "blotch" or (kind, level) == ("phone", 1600)):
            seeds = span(a.blotch_seeds)
        for seed in seeds if chance else list(seeds)[:1]:
            yield kind, level, seed


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--seeds", default="0-9")
    ap.add_argument("--blotch-seeds")
    ap.add_argument("--only")
    ap.add_argument("--program", default=os.path.join(ROOT, "target/release/breakglass"))
    ap.add_argument("--paper", default="a4")
    ap.add_argument("--secret")
    ap.add_argument("--gcp", action="store_true")
    ap.add_argument("--sheets", type=int, default=5)
    ap.add_argument("--beside")
    a = ap.parse_args()
    with tempfile.TemporaryDirectory() as home:
        def run(*args):
            subprocess.run([a.program, *args], check=True, cwd=home, stderr=subprocess.DEVNULL)

        run("init", "kit")
        with open(os.path.join(home, "secret"), "w") as f:
            f.write(open(a.secret).read() if a.secret else gcp() if a.gcp else SECRET)
        run("-C", "kit", "split", "--from", "secret", "-o", "papers", "--paper", a.paper)
        papers = os.path.join(home, "papers")
        pdfs = [os.path.join(papers, name) for name in sorted(os.listdir(papers))][:a.sheets]
        parts = set()
        for found in by_breakglass(a.program, pdfs[:1]):
            parts |= {found["part"]} if found["kind"] == "S" else set()

        def images(pdf, kind, level, seed):
            for name, _, _, _, image in damaged(pdf, [seed], {f"{kind}/{level}"}):
                yield name, image

        def one(cell):
            kind, level, seed = cell
            paths, others = [], []
            for pdf in pdfs:
                zbar, zxing = False, False
                for name, image in images(pdf, kind, level, seed):
                    path = os.path.join(home, f"{name}-{kind}-{level}-{seed}.png")
                    cv2.imwrite(path, image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
                    paths.append(path)
                    zbar |= any(t.startswith("BG1K") for t in by_zbar(path))
                    zxing |= any(t.startswith("BG1K") for t in by_zxing(image))
                others.append((zbar, zxing))
            found = by_breakglass(a.program, paths)
            shares = {f["sheet"] for f in found if f["kind"] == "K"}
            manifest = any(f["kind"] == "M" for f in found)
            whole = {f["part"] for f in found if f["kind"] == "S"} == parts
            ours = len(shares) if manifest else 0
            opens = len(shares) >= 3 and manifest and whole
            beside = None
            if a.beside:
                beside = False
                for name, image in images(a.beside, kind, level, seed):
                    path = os.path.join(home, f"beside-{kind}-{level}-{seed}.png")
                    cv2.imwrite(path, image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
                    beside |= bool(by_zbar(path) or by_zxing(image))
                    os.remove(path)
            for path in paths:
                os.remove(path)
            return cell, ours, opens, others, beside

        stop = []
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.append(True))
        rows = collections.OrderedDict()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            todo, pending = cells(a), set()
            while True:
                while not stop and len(pending) < 4 and (cell := next(todo, None)):
                    pending.add(pool.submit(one, cell))
                if not pending:
                    break
                done, pending = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    (kind, level, _), *result = future.result()
                    rows.setdefault((kind, level), []).append(result)

        head = "| damage | level | seeds | sheets % | sets % | zbar % | zxing-cpp % | either % |"
        rule = "|---|---|---|---|---|---|---|---|"
        print(head + (" beside % |" if a.beside else ""))
        print(rule + ("---|" if a.beside else ""))
        total = collections.Counter()
        for (kind, level), results in rows.items():
            n = len(results) * len(pdfs)
            others = list(itertools.chain.from_iterable(r[2] for r in results))
            counts = {
                "sheets": sum(r[0] for r in results), "zbar": sum(z for z, _ in others),
                "zxing": sum(x for _, x in others), "either": sum(z or x for z, x in others), "n": n,
            }
            total.update(counts)
            sets = sum(r[1] for r in results)
            share = [f"{100 * counts['sheets'] / n:.1f}", f"{100 * sets / len(results):.0f}"]
            share += [f"{100 * counts[k] / n:.1f}" for k in ("zbar", "zxing", "either")]
            if a.beside:
                share.append(f"{100 * sum(r[3] for r in results) / len(results):.0f}")
            print(f"| {kind} | {level} | {len(results)} | " + " | ".join(share) + " |")
        if total["n"]:
            share = [f"{100 * total[k] / total['n']:.1f}" for k in ("sheets", "zbar", "zxing", "either")]
            print(f"| all | | {total['n']} sheets | {share[0]} | | " + " | ".join(share[1:]) + " |" + (" |" if a.beside else ""))


if __name__ == "__main__":
    main()
