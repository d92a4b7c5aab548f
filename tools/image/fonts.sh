#!/bin/sh
# Makes the font cache of /rootfs. Without it fontconfig reads every font when the first text is drawn, and warns that it
# cannot write a cache. A cache is valid only for folders with the same modification time, and a build with --timestamp sets
# that of every file in the image.
set -eu
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
  find /rootfs/usr/share/fonts /rootfs/usr/local/share/fonts -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} + || true
fi
fc-cache --sysroot=/rootfs --really-force --system-only
