#!/bin/sh
# Builds canvas against Debian's cairo, pango and image libraries; its prebuilt binary bundles its own. Uses the sources and
# definitions of its binding.gyp, without node-gyp.
set -eu
cd node_modules/canvas
rm -rf build
mkdir -p build/Release
# shellcheck disable=SC2046 # compiler flags, to be split
g++ -std=gnu++20 -O2 -fPIC -shared -s -Wno-cast-function-type \
  -DNAPI_DISABLE_CPP_EXCEPTIONS -DNODE_ADDON_API_ENABLE_MAYBE -DBUILDING_NODE_EXTENSION \
  -DHAVE_JPEG -DHAVE_GIF -DHAVE_RSVG \
  -I"$(node -p 'require("node-addon-api").include_dir')" -I/usr/local/include/node \
  $(pkg-config --cflags pixman-1 cairo libpng pangocairo freetype2 libjpeg librsvg-2.0) \
  -Wl,-z,relro,-z,now -o build/Release/canvas.node \
  src/bmp/BMPParser.cc src/Canvas.cc src/CanvasGradient.cc src/CanvasPattern.cc src/CanvasRenderingContext2d.cc \
  src/closure.cc src/color.cc src/Image.cc src/ImageData.cc src/init.cc src/register_font.cc src/FontParser.cc \
  $(pkg-config --libs pixman-1 cairo libpng pangocairo freetype2 libjpeg librsvg-2.0) -lgif
# shellcheck disable=SC2016 # JavaScript
node -e 'const { cairoVersion } = require("canvas"); console.log(`canvas on cairo ${cairoVersion}`)'
