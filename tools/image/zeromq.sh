#!/bin/sh
# Builds zeromq's addon against Debian's libzmq5. The package's own addon contains libzmq and libsodium, where no scanner sees
# them; the package's own build from source downloads both.
set -eu
cd node_modules/zeromq
case $(uname -m) in
x86_64) arch=x64 ;;
aarch64) arch=arm64 ;;
*) echo "zeromq.sh: no zeromq for $(uname -m)" >&2 && exit 1 ;;
esac
sources=$(find src -name '*.cc' ! -name win_delay_load_hook.cc | sort)
addon=linux/$arch/node/glibc-distribution/addon.node
rm -rf build
mkdir -p "build/${addon%/*}"
# shellcheck disable=SC2086 # file names without blanks
g++ -std=gnu++20 -O2 -fPIC -shared -s -DNAPI_CPP_EXCEPTIONS -DNAPI_VERSION=8 -DBUILDING_NODE_EXTENSION \
  -I"$(node -p 'require("node-addon-api").include_dir')" -I/usr/local/include/node -Isrc \
  -Wl,-z,relro,-z,now -o "build/$addon" $sources -lzmq
printf '{"{\\"os\\":\\"linux\\",\\"arch\\":\\"%s\\",\\"libc\\":\\"glibc\\",\\"abi\\":1}":"%s"}\n' "$arch" "$addon" >build/manifest.json
# shellcheck disable=SC2016 # JavaScript
node -e 'const { version } = require("zeromq"); console.log(`zeromq on libzmq ${version}`)'
