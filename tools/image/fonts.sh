#!/bin/sh
# Makes the font cache of /rootfs. Without one fontconfig reads every font at the first text drawn and complains that
# it can't write what it found. The cache is good only for folders of the very time that it saw, and a build with
# --timestamp gives every file of the image that time.
set -eu
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
  find /rootfs/usr/share/fonts /rootfs/usr/local/share/fonts -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} + || true
fi
fc-cache --sysroot=/rootfs --really-force --system-only
