#!/usr/bin/env python3
"""How fast `audit` reads a CloudTrail, beside `jq` doing one select on the same file, and a long logbook beside many facts.

    cargo build --release && python3 benches/audit.py [EVENTS]

One process each, in turn; CPU time and peak memory are those of the process. Needs `jq`.
"""
import hashlib, json, os, random, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, "target/release/breakglass")
KEY = "AKIABREAKGLASS000001"


def run(*args):
    """Runs a program; returns its CPU seconds and its peak memory in MiB."""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.execvp(args[0], args)
    _, status, used = os.wait4(pid, 0)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def trail(path, events):
    """A log of an account at work: about 1.3 kB an event; one in a thousand is of our key."""
    random.seed(1)
    services = ["ec2", "s3", "sts", "kms", "lambda", "logs"]
    with open(path, "w") as out:
        for n in range(events):
            service = random.choice(services)
            key = KEY if n % 1000 == 0 else "AKIA%016d" % random.randrange(5000)
            second = n * 300 // (events // 100_000 or 1) // 1000
            at = "2026-%02d-%02dT%02d:%02d:%02dZ" % (1 + second // 2419200 % 12, 1 + second // 86400 % 28, second // 3600 % 24, second // 60 % 60, second % 60)
            event = {
                "eventVersion": "1.09",
                "userIdentity": {"type": "IAMUser", "principalId": "AIDA%016d" % n, "arn": "arn:aws:iam::123456789012:user/u%d" % (n % 5000),
                                 "accountId": "123456789012", "accessKeyId": key, "userName": "breakglass" if key == KEY else "u%d" % (n % 5000)},
                "eventTime": at, "eventSource": service + ".amazonaws.com", "eventName": "Describe%d" % (n % 40), "awsRegion": "us-east-1",
                "sourceIPAddress": "192.0.2.%d" % (n % 250), "userAgent": "aws-cli/2.36.28 md/awscrt#0.29 ua/2.1 os/linux md/arch#x86_64",
                "requestParameters": {"filterSet": {"items": [{"name": "tag:%d" % i, "valueSet": {"items": [{"value": "v%d" % i}]}} for i in range(6)]}},
                "responseElements": None, "additionalEventData": {"SignatureVersion": "SigV4", "bytes": n, "text": "x" * 160},
                "requestID": "%032x" % n, "eventID": "%032x" % (n + 1), "readOnly": True, "eventType": "AwsApiCall", "managementEvent": True,
                "recipientAccountId": "123456789012", "eventCategory": "Management",
                "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": service + ".us-east-1.amazonaws.com"},
            }
            out.write(json.dumps(event, separators=(",", ":")) + "\n")


def book(path, records):
    """A logbook of that many records: one set, one release, and people who look at bags."""
    prev = "0" * 64
    sheets = ["1a", "2a", "3a"]
    base = {"clock": "system", "tz": "+00:00", "method": "m", "program": {"version": "0", "sha256": "unknown"}}
    about = {"generation": 1, "set": "S 1"}
    with open(path, "w") as out:
        for n in range(1, records + 1):
            at = {"at": "2026-01-%02dT00:00:00Z" % min(28, 1 + n * 28 // records)}
            if n == 1:
                more = {"event": "BEGIN"}
            elif n == 2:
                more = {"event": "ISSUE", **about, "k": 2, "credential": KEY, "sheets": sheets, "sheet_hashes": {s: s[0] * 32 for s in sheets}}
            elif n == 3:
                more = {"event": "RELEASE", **about, "sheets": sheets[:2], "operator": {"name": "B", "id": "E1"}, "reason": "IDP-DOWN",
                        "revoke_due": "2026-01-02T00:00:00Z"}
            else:
                more = {"event": "INSPECT", **about, "sheets": sheets, "seals": {s: "intact" for s in sheets}}
            line = '{"v":1,"seq":%d,"prev":"%s",' % (n, prev) + json.dumps({**base, **at, **more})[1:]
            prev = hashlib.sha256(line.encode()).hexdigest()
            out.write(line + "\n")


def facts(path, count):
    """A table of events of our key, no two of them in one run."""
    with open(path, "w") as out:
        out.write("credential_id,event,at,address\n")
        for n in range(count):
            out.write("%s,used,2026-%02d-%02dT%02d:%02d:%02dZ,10.%d.%d.%d\n" % (KEY, 1 + n % 12, 1 + n // 12 % 28, n // 336 % 24, n // 8064 % 60, n % 60, n // 65536 % 256, n // 256 % 256, n % 256))


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        book("book.jsonl", 12)
        for count in (events // 10, events):
            trail("trail.jsonl", count)
            size = os.path.getsize("trail.jsonl")
            print("%d events, %.2f GB" % (count, size / 1e9))
            select = 'select(.userIdentity.accessKeyId == "%s")' % KEY
            for name, args in [("jq", ("jq", "-c", select, "trail.jsonl")), ("audit", (PROGRAM, "audit", "book.jsonl", "trail.jsonl"))] * 2:
                cpu, peak, status = run(*args)
                print("  %-6s %7.2f s CPU  %6.0f MB/s  %6.1f MiB  (status %d)" % (name, cpu, size / 1e6 / cpu, peak, status))
        book("long.jsonl", 100_000)
        facts("facts.csv", 1_000_000)
        cpu, peak, status = run(PROGRAM, "audit", "long.jsonl", "facts.csv")
        print("100 000 records, 1 000 000 facts: %.2f s CPU, %.0f MiB (status %d)" % (cpu, peak, status))


if __name__ == "__main__":
    main()
