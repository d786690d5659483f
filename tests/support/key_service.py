#!/usr/bin/env python3
"""A service with API keys on a loopback port, for `custodian-kit/drivers/example.sh`: prints its port, then serves."""
import base64, hashlib, http.server, json, os, sys, urllib.parse

KEYS, REQUESTS = {"K1": sys.argv[1]}, {}


class Service(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def caller(self):
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        name, _, secret = base64.b64decode(text).decode().partition(":") if kind == "Basic" else ("", "", "")
        return name if name in KEYS and KEYS[name] == secret else None

    def say(self, code, value=None):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def any(self):
        url = urllib.parse.urlparse(self.path)
        parts = url.path.strip("/").split("/")[1:]
        if self.caller() is None:
            return self.say(401)
        if parts == ["whoami"]:
            return self.say(200, {"id": self.caller()})
        if parts == ["keys"] and self.command == "GET":
            return self.say(200, [{"id": name} for name in KEYS])
        if parts == ["keys"] and self.command == "POST":
            request = urllib.parse.parse_qs(url.query)["request"][0]
            if request in REQUESTS:
                return self.say(409, {"id": REQUESTS[request]})
            name, secret = f"K{len(REQUESTS) + 2}", hashlib.sha256(os.urandom(8)).hexdigest()
            KEYS[name], REQUESTS[request] = secret, name
            return self.say(201, {"id": name, "secret": secret})
        if parts[:1] == ["keys"] and self.command == "DELETE":
            return self.say(204 if KEYS.pop(parts[1], None) else 404)
        return self.say(404)

    do_GET = do_POST = do_DELETE = any


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_address[1], flush=True)
server.serve_forever()
