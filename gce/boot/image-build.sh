#!/usr/bin/env bash
# Makes the machine that runs it, a fresh Debian 12, into what the image is made of. It is the
# startup script of the machine that `mrlua cluster image` starts; what it prints goes to the serial
# port, and so does the last line, which `image` waits for:
#
#     mrlua-image: done TOKEN            or: mrlua-image: failed TOKEN
#
# It stands alone: the functions of cloud.sh are in the package that it is about to install.
set -euo pipefail

METADATA=http://${GCE_METADATA_HOST:-metadata.google.internal}/computeMetadata/v1
STORAGE=${MRLUA_STORAGE:-https://storage.googleapis.com}
OPS_AGENT=https://dl.google.com/cloudagents/add-google-cloud-ops-agent-repo.sh

metadata() {
  curl -sS --fail --retry 8 -H 'Metadata-Flavor: Google' "$METADATA/$1"
}

# $1: gs://bucket/object; $2: file. An object's name has to be one piece of the address.
download() {
  local bucket object bearer
  bucket=${1#gs://}
  object=${bucket#*/}
  bucket=${bucket%%/*}
  bearer=$(metadata instance/service-accounts/default/token |
    tr -d '\n' | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')
  printf 'header = "Authorization: Bearer %s"\n' "$bearer" |
    curl -sS --fail --retry 8 --config - -o "$2" \
      "$STORAGE/storage/v1/b/$bucket/o/${object//\//%2F}?alt=media"
}

# The agent that sends logs and /metrics to Cloud Logging and Cloud Monitoring.
install_ops_agent() {
  curl -sS --fail --retry 8 -o /tmp/ops-agent.sh "$OPS_AGENT"
  bash /tmp/ops-agent.sh --also-install
  install -m 0644 /usr/share/mrlua/gce/ops-agent.yaml /etc/google-cloud-ops-agent/config.yaml
}

main() {
  export DEBIAN_FRONTEND=noninteractive
  TOKEN=$(metadata instance/attributes/mrlua-token)
  trap 'echo "mrlua-image: failed $TOKEN"' EXIT
  download "$(metadata instance/attributes/mrlua-deb)" /tmp/mrlua.deb
  apt-get -q update
  apt-get -q install -y --no-install-recommends /tmp/mrlua.deb mdadm
  rm /tmp/mrlua.deb
  install_ops_agent
  systemctl enable mrlua-boot.service mrlua-master.service mrlua-worker.service mrlua-idle.timer \
    mrlua-gauge.timer mrlua-fleet-end.service
  sync
  trap - EXIT
  echo "mrlua-image: done $TOKEN"
}

main "$@"
