#!/usr/bin/env python3
"""A driver whose platform is a file: `target.state` names it, `target.mode` says `overlap` or `replace`.

It keeps every rule of `src/rotation/protocol.md`; `target.fault` makes it break one, so that tests see it caught.
"""
import base64, hashlib, json, os, sys, time

# the platform of a copied kit is the copy beside it
verb = sys.argv[1] if len(sys.argv) > 1 else ""
try:
    q = json.load(sys.stdin)
except ValueError:
    print(json.dumps({"error": {"kind": "invalid_input", "message": "the question is no JSON"}}))
    sys.exit(1)
target = q.get("target", {})
if "state" in target:
    target["state"] = os.path.expanduser(target["state"])
mode, fault = target.get("mode", "overlap"), target.get("fault", "")


def fail(kind, message, **more):
    print(json.dumps({"error": {"kind": kind, "message": message, **more}}))
    sys.exit(1)


def load():
    with open(target["state"]) as f:
        return json.load(f)


def save(state):
    with open(target["state"] + ".new", "w") as f:
        json.dump(state, f)
    os.replace(target["state"] + ".new", target["state"])


def status(state, credential):
    key = state["keys"].get(credential["id"])
    if key is None or key["secret"] != credential["secret"]["secret"]:
        return "invalid"
    return "valid" if key["active"] else "disabled"


def lost_once(state):
    """With the fault `lost` the answer to the first change of each kind is lost after it was done."""
    if fault == "lost" and verb not in state.setdefault("lost", []):
        state["lost"].append(verb)
        save(state)
        sys.exit(3)


def login(state):
    if "auth" in q and status(state, q["auth"]) != "valid":
        fail("auth", "refused")


def answer(value):
    print(json.dumps(value))
    sys.exit(0)


if verb == "describe":
    verbs = ["describe", "verify", "revoke", "report", "disable"] + (["create"] if mode == "overlap" else ["set"])
    answer({"protocol": [1], "name": "fake", "version": "1", "mode": mode, "verbs": verbs, "secret_fields": ["secret"],
            "generate": "24", "newer": True})
if verb not in ("create", "set", "verify", "disable", "revoke", "report"):
    sys.exit(2)
if "state" not in target:
    fail("invalid_input", "the target has no `state`")
state = load()
if fault == "hang":
    time.sleep(600)
if fault == "junk" and verb != "verify":
    print("all is well")
    sys.exit(0)
if fault == "busy" and verb == "create" and not state.get("busy"):
    state["busy"] = True
    save(state)
    fail("retryable", "come back later", retry_after_s=1)
if fault == "loud":
    fail("internal", "the login was %s" % q.get("credential", q.get("auth", {})).get("secret"))
if fault == "chatty":
    print("debug:", json.dumps(q), file=sys.stderr)
if verb == "create":
    login(state)
    known = state["requests"].get(q["request_id"])
    if known and fault != "twice":
        fail("conflict", "made before", partial={"credential_id": known})
    if len(state["keys"]) >= int(target.get("max", "2")):
        fail("limit", "there are %d keys" % len(state["keys"]))
    state["count"] += 1
    name, secret = "K%d" % state["count"], hashlib.sha256(os.urandom(16)).hexdigest()[:24]
    state["keys"][name] = {"secret": secret, "active": True}
    state["requests"][q["request_id"]] = name
    save(state)
    print("made %s for you" % name, file=sys.stderr)
    lost_once(state)
    answer({"credential": {"id": name, "secret": {"secret": secret}}})
if verb == "set":
    if q["request_id"] in state["requests"]:
        answer({"credential": {"id": state["requests"][q["request_id"]]}, "sessions": {"terminated": 1}})
    login(state)
    name = q["auth"]["id"] if "auth" in q else "bg"
    state["keys"][name] = {"secret": q["new"]["secret"]["secret"], "active": True}
    state["sets"] = state.get("sets", 0) + 1
    state["requests"][q["request_id"]] = name
    save(state)
    lost_once(state)
    answer({"credential": {"id": name}, "sessions": {"terminated": 1}})
if verb == "verify":
    answer({"status": status(state, q["credential"]), "identity": q["credential"]["id"]})
if verb == "disable":
    login(state)
    key = state["keys"].get(q["credential_id"])
    if key is None:
        fail("not_found", "no such key")
    was, key["active"] = key["active"], False
    save(state)
    answer({"status": "disabled" if was else "already"})
if verb == "revoke":
    login(state)
    if fault == "liar":
        answer({"status": "revoked"})
    if fault == "half" and state.pop("half", True):
        # switched off, and what came of the rest nobody knows
        state["half"] = False
        state["keys"][q["credential_id"]]["active"] = False
        save(state)
        answer({"status": "revoked"})
    gone = state["keys"].pop(q["credential_id"], None)
    save(state)
    lost_once(state)
    answer({"status": "revoked" if gone else "already_revoked", "sessions": {"terminated": 0}})
if verb == "report":
    login(state)
    items = [{"id": k, "status": "active" if v["active"] else "inactive"} for k, v in state["keys"].items()]
    raw = json.dumps(sorted(state["keys"])).encode()
    answer({"generated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "clock_source": "its own", "account": "fake",
            "caller": q.get("auth", {}).get("id", ""), "complete": fault != "vague", "items": [] if fault == "vague" else items,
            "raw": [{"name": "keys.json", "media_type": "application/json", "base64": base64.b64encode(raw).decode()}]})
