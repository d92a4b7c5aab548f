#!/bin/sh
# Usage: root.sh USER UID PACKAGE…
# Makes /rootfs, the Debian part of an image: the packages, their dependencies and their dpkg status, so that scanners see every
# one of them; no shell, no package manager, no setuid file.
set -eu
user=$1 uid=$2
shift 2

# Set in this stage, because its dpkg does the work: documents and translations stay out, copyrights stay in.
printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*' \
  '/usr/share/lintian/*' '/usr/share/bug/*' '/usr/lib/*/gconv/*' >/etc/dpkg/dpkg.cfg.d/image
echo 'path-include=/usr/share/doc/*/copyright' >>/etc/dpkg/dpkg.cfg.d/image

# chrootless: maintainer scripts run with this stage's programs on a root that has none. debconf still wants its settings
# inside that root.
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2016 # the hooks' own $1
mmdebstrap --quiet --variant=custom --mode=chrootless --format=directory \
  --include="$(echo "base-files libc6 libstdc++6 $*" | tr ' ' ',')" \
  --setup-hook='install -D -t "$1/etc" /etc/debconf.conf; mkdir -p "$1/var/cache/debconf"' \
  --customize-hook='sed -n "s/^Date: //p" "$1"/var/lib/apt/lists/*trixie-security_InRelease >/archive-date' \
  '' /rootfs /etc/apt/sources.list.d/debian.sources
# No update may be pending. Otherwise a lagging mirror, or a pin, would go unnoticed until a scanner knows of a vulnerability.
/build/pending-updates /rootfs/var/lib/dpkg/status

cd /rootfs
# Packages that others need to be installed, but no program of ours to run. dpkg warns of what needs them.
for package in mawk debconf fontconfig shared-mime-info; do
  if grep -qx "Package: $package" var/lib/dpkg/status; then
    dpkg --root=/rootfs --force-not-root --force-script-chrootless --force-depends --purge "$package"
  fi
done
rm -rf dev/* var/lib/apt var/cache/apt var/cache/ldconfig var/cache/debconf var/log etc/apt \
  var/lib/dpkg/*-old var/lib/dpkg/lock* var/lib/dpkg/triggers var/lib/dpkg/updates var/lib/dpkg/diversions \
  var/lib/dpkg/cmethopt var/lib/dpkg/available etc/.pwd.lock etc/passwd- etc/group- etc/shadow- \
  etc/debconf.conf etc/dpkg/dpkg.cfg.d etc/hostname etc/resolv.conf etc/fstab root/.bashrc root/.profile usr/share/info var/mail var/local
mkdir -p var/log var/cache app
find . -perm /6000 -exec chmod ug-s {} +
printf '%s\n' root:x:0:0:root:/nonexistent:/usr/sbin/nologin \
  "$user:x:$uid:$uid:$user:/nonexistent:/usr/sbin/nologin" >etc/passwd
printf '%s\n' root:x:0: "$user:x:$uid:" >etc/group
ldconfig -r /rootfs
rm -f var/cache/ldconfig/aux-cache
