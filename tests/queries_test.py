#!/usr/bin/env python3
"""The queries of the kit: SQL that a parser of its dialect takes; Athena's is run on events, and its table is audited.

    pip install sqlglot duckdb && python3 tests/queries_test.py target/debug/breakglass
"""
import csv, json, os, re, subprocess, sys, tempfile

import duckdb
import sqlglot

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.abspath(sys.argv[1])
COLUMNS = "credential_id,event,at,subject,actor,with,address,agent,account,region,word,window_from,window_to".split(",")


def query(name):
    with open(os.path.join(ROOT, "custodian-kit/queries", name)) as f:
        return f.read()


def columns(tree):
    """The names of what a query gives."""
    while isinstance(tree, sqlglot.exp.SetOperation):
        tree = tree.this
    return [item.alias_or_name for item in tree.expressions]


for name, dialect in [("athena-cloudtrail.sql", "athena"), ("bigquery-audit.sql", "bigquery")]:
    [tree] = sqlglot.parse(query(name), read=dialect)
    assert columns(tree) in (COLUMNS, COLUMNS + ["sees"]), (name, columns(tree))
    print("ok   ", name, "is", dialect)
for name in ["sentinel-entra.kql", "splunk-cloudtrail.spl"]:
    text = query(name)
    assert all(column in text for column in COLUMNS), name
    print("ok   ", name, "names every column (nothing here parses it)")

with tempfile.TemporaryDirectory() as home:
    os.chdir(home)
    events = [json.loads(line) for line in open(os.path.join(ROOT, "tests/audit/case/cloudtrail.jsonl"))]
    base = duckdb.connect()
    base.execute("""CREATE TABLE cloudtrail_logs (eventtime VARCHAR, eventname VARCHAR, errorcode VARCHAR,
        useridentity STRUCT(accesskeyid VARCHAR, username VARCHAR), sourceipaddress VARCHAR, useragent VARCHAR,
        recipientaccountid VARCHAR, awsregion VARCHAR, requestparameters VARCHAR, responseelements VARCHAR)""")
    for e in events:
        who = e["userIdentity"]
        text = lambda value: None if value is None else json.dumps(value)
        base.execute("INSERT INTO cloudtrail_logs VALUES (?, ?, ?, {'accesskeyid': ?, 'username': ?}, ?, ?, ?, ?, ?, ?)",
                     [e["eventTime"], e["eventName"], e.get("errorCode"), who.get("accessKeyId"), who.get("userName"), e["sourceIPAddress"],
                      e["userAgent"], e["recipientAccountId"], e["awsRegion"], text(e["requestParameters"]), text(e["responseElements"])])
    sql = sqlglot.transpile(query("athena-cloudtrail.sql"), read="athena", write="duckdb")[0]
    rows = base.execute(sql).fetchall()
    with open("result.csv", "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(COLUMNS)
        out.writerows(rows)
    # what the log says of these keys is what the table says of them
    said = lambda file: subprocess.run([PROGRAM, "audit", "--facts", file], capture_output=True, text=True, check=True).stdout
    with open("log.jsonl", "w") as f:
        f.writelines(json.dumps(e) + "\n" for e in events)
    ours = ["AKIAGEN1AAAAAAAAAAAA", "AKIAGEN2BBBBBBBBBBBB"]
    # within one second there is no order, so a run of uses may be named after any of them
    plain = lambda line: re.sub(r"^(used .*)  word=\w+", r"\1", line.split(None, 1)[1].split("  made=")[0])
    facts = lambda text: sorted(plain(line) for line in text.splitlines()[1:]
                                if any("credential=" + k in line or "with=" + k in line for k in ours) and not line.startswith("  note"))
    table, log = facts(said("result.csv")), facts(said("log.jsonl"))
    assert table == log, "\n".join(["table"] + table + ["log"] + log)
    assert len(table) >= 10, table
    print("ok    athena-cloudtrail.sql gives", len(rows), "rows, which say what the log says:", len(table), "facts")
