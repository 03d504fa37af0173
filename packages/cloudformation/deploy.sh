#!/bin/sh
# Deploys the template next to this file: deploy.sh STAGE BUCKET
# BUCKET is any bucket of yours in the Region of the deployment; the functions' code is copied there.
set -eu
stage=${1:?usage: deploy.sh STAGE BUCKET} bucket=${2:?usage: deploy.sh STAGE BUCKET}
cd "$(dirname "$0")"
prefix=tenure-$(cat VERSION)/
aws s3 cp --recursive assets "s3://$bucket/$prefix"
aws cloudformation deploy --stack-name "tenure-$stage" --template-file template.json \
  --s3-bucket "$bucket" --s3-prefix "${prefix}template" --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset \
  --parameter-overrides "Stage=$stage" "AssetBucket=$bucket" "AssetPrefix=$prefix"
aws cloudformation update-termination-protection --stack-name "tenure-$stage" --enable-termination-protection
