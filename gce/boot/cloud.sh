# shellcheck shell=bash
# cloud: what the scripts on a machine ask Google. Sourced by boot.sh, idle.sh and image-build.sh;
# needs curl and nothing of Google's.
#
#     name=$(metadata instance/name)            fails when there is no answer
#     attribute mrlua-role                      of the machine; fails when it is not set
#     authorized GET https://...                as the machine's account
#
# The token is handed to curl through a pipe: arguments can be seen by every process.

METADATA=http://${GCE_METADATA_HOST:-metadata.google.internal}/computeMetadata/v1
# shellcheck disable=SC2034 # those who source it use them
SECRETS=${MRLUA_SECRETMANAGER:-https://secretmanager.googleapis.com}
# shellcheck disable=SC2034
MONITORING=${MRLUA_MONITORING:-https://monitoring.googleapis.com}
# shellcheck disable=SC2034
COMPUTE=${MRLUA_COMPUTE:-https://compute.googleapis.com}

fail() {
  printf 'mrlua: %s\n' "$*" >&2
  exit 1
}

metadata() {
  curl -sS --fail --retry 8 --retry-connrefused --max-time 30 -H 'Metadata-Flavor: Google' \
    "$METADATA/$1"
}

# Settings are read by systemd and by shells: what could be more than one word there is refused.
attribute() {
  local value
  value=$(metadata "instance/attributes/$1") || return 1
  [[ $value =~ ^[A-Za-z0-9._:/-]+$ ]] || fail "attribute $1 is no plain word: '$value'"
  printf '%s' "$value"
}

# $1: the name of a string in a JSON object on standard input, of which there is one.
json_string() {
  tr -d '\n' | sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'
}

token() {
  metadata instance/service-accounts/default/token | json_string access_token
}

# $1: method; $2: address; the rest: more arguments of curl.
authorized() {
  local method=$1 address=$2 bearer
  shift 2
  bearer=$(token)
  [ -n "$bearer" ] || fail "the machine has no account: its metadata has no token"
  printf 'header = "Authorization: Bearer %s"\n' "$bearer" |
    curl -sS --fail --retry 8 --retry-connrefused --max-time 300 --config - -X "$method" "$@" \
      "$address"
}
