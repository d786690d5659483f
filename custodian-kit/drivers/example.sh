#!/bin/sh
# A worked driver (bgd/1): API keys of a service whose accounts live behind `curl`. Needs jq and curl.
# Copy it, change what is marked CHANGE, try it with `breakglass driver-test`, then pin it: sha256sum FILE, into [rotation]
# of method.toml. Secrets come on standard input and stay off the command line.
set -eu
verb=${1:-}
case $verb in
describe) cat >/dev/null
    exec echo '{"protocol":[1],"name":"example","version":"1","mode":"overlap","secret_fields":["secret"],
      "verbs":["describe","create","verify","revoke","report"],"needs":[{"tool":"curl"},{"tool":"jq"}]}' ;; # CHANGE: name
create | verify | revoke | report) ;; *) exit 2 ;;
esac

fail() {
    jq -cn --arg kind "$1" --arg message "$2" --arg id "${3:-}" \
        '{error: {kind: $kind, message: $message, partial: (if $id == "" then {} else {credential_id: $id} end)}}'
    exit 1
}
q=$(cat)
printf %s "$q" | jq -e 'type == "object"' >/dev/null 2>&1 || fail invalid_input "the question is no JSON"
get() { printf %s "$q" | jq -r "$1 // empty"; }
url=$(get .target.url) account=$(get .target.account)

# call METHOD PATH WHO: logs in as .auth or .credential; the login goes to curl on a pipe, never as an argument
call() {
    login=$(get "$3.id + \":\" + $3.secret.secret" | jq -Rr '"user = " + (. | tojson)') # CHANGE: how one logs in
    reply=$(printf '%s\n' "$login" | curl -sS -K - -X "$1" -D /dev/stderr -w '\n%{http_code}' "$url/$account/$2" 2>"$head") ||
        reply=$(printf '\n000')
    code=${reply##*
} body=${reply%
*}
    # without an answer nobody knows what was done: any other status than 0, 1 or 2 says so
    case $verb:$code in verify:*) ;; *:000 | *:5??) echo "$url says $code" >&2 && exit 3 ;; esac
}
head=$(mktemp) && trap 'rm -f "$head"' EXIT # what the service says of itself: its clock

case $verb in
create)
    call POST "keys?request=$(get .request_id)" .auth # CHANGE: how a key is made
    case $code in
    201) printf %s "$body" | jq -c '{credential: {id: .id, secret: {secret: .secret}}}' ;;
    409) fail conflict "made before" "$(printf %s "$body" | jq -r .id)" ;;
    *) fail "$([ "$code" = 401 ] && echo auth || echo internal)" "the service says $code" ;;
    esac ;;
verify)
    call GET "whoami" .credential # CHANGE: what any key may ask
    case $code in 200) s=valid ;; 401 | 403) s=invalid ;; *) s=unknown ;; esac
    jq -cn --arg s $s --arg d "$code" '{status: $s, detail: $d}' ;;
revoke)
    call DELETE "keys/$(get .credential_id)" .auth # CHANGE: how a key is ended
    case $code in 204) s=revoked ;; 404) s=already_revoked ;; *) fail auth "the service says $code" ;; esac
    jq -cn --arg s $s '{status: $s}' ;;
report)
    call GET "keys" .auth # CHANGE: how keys are listed
    [ "$code" = 200 ] || fail auth "the service says $code"
    at=$(date -u -d "$(sed -n 's/^[Dd]ate: *//p' "$head" | tr -d '\r')" +%Y-%m-%dT%H:%M:%SZ)
    printf %s "$body" | jq -c --arg at "$at" --arg raw "$(printf %s "$body" | base64 -w0)" '{generated_at: $at,
      clock_source: "Date header", complete: true, items: map({id, status: "active"}), raw: [{name: "keys.json", base64: $raw}]}' ;;
esac
