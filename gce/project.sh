# shellcheck shell=bash
# project: what `image` and `up` both need before they can make a machine: services, the network
# with ssh through IAP, the two accounts, the bucket. Sourced after lib.sh.
#
#     make_base
#     grant_bucket "$WORKER_ACCOUNT"
#
# All of it costs nothing while it is not used.

# The network: nothing comes in but ssh through IAP, health checks, and the cluster's own.
make_network() {
  ensure "network $NETWORK" gcloud compute networks describe "$NETWORK" -- \
    gcloud compute networks create "$NETWORK" --subnet-mode=custom
  ensure "subnet $SUBNET" gcloud compute networks subnets describe "$SUBNET" --region="$REGION" -- \
    gcloud compute networks subnets create "$SUBNET" --network="$NETWORK" --region="$REGION" \
    --range=10.128.0.0/20 --enable-private-ip-google-access
}

make_iap_ssh() {
  ensure "firewall rule $NAME-iap-ssh" gcloud compute firewall-rules describe "$NAME-iap-ssh" -- \
    gcloud compute firewall-rules create "$NAME-iap-ssh" --network="$NETWORK" \
    --direction=INGRESS --allow=tcp:22 --source-ranges=35.235.240.0/20 \
    --target-service-accounts="$MASTER_ACCOUNT,$WORKER_ACCOUNT"
}

make_accounts() {
  local who
  for who in master worker; do
    ensure "service account $NAME-$who" \
      gcloud iam service-accounts describe "$NAME-$who@$PROJECT.iam.gserviceaccount.com" -- \
      gcloud iam service-accounts create "$NAME-$who" --display-name="$NAME $who"
  done
}

make_bucket() {
  ensure "bucket gs://$BUCKET" gcloud storage buckets describe "gs://$BUCKET" -- \
    gcloud storage buckets create "gs://$BUCKET" --location="$REGION" \
    --uniform-bucket-level-access --public-access-prevention
}

# $1: an account that may read and write what is in the bucket.
grant_bucket() {
  settled gcloud storage buckets add-iam-policy-binding "gs://$BUCKET" \
    --member="serviceAccount:$1" --role=roles/storage.objectUser
}

make_base() {
  say "enable the services"
  must_create gcloud services enable compute.googleapis.com iam.googleapis.com \
    secretmanager.googleapis.com iap.googleapis.com storage.googleapis.com logging.googleapis.com \
    monitoring.googleapis.com
  make_network
  make_accounts
  make_iap_ssh
  make_bucket
}
