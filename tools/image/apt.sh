#!/bin/sh
# Installs Debian packages in a build stage, without recommended packages, questions or leftover lists.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
