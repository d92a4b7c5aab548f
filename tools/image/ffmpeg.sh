#!/bin/sh
# Builds ffmpeg and ffprobe from Debian's source package, with Debian's patches, and only with what playback uses: the demuxers
# and decoders we promise, the filters that playback names or ffmpeg inserts by itself, raw video as output.
# Debian's own package needs 220 more packages and 450 MB, including Mesa and LLVM. LGPL: no GPL part is enabled.
set -eu
list() { echo "$*" | tr ' ' ','; }
demuxers=$(list mov matroska mpegts mpegps avi gif apng mjpeg h264 hevc mpegvideo m4v ivf obu yuv4mpegpipe \
  image_jpeg_pipe image_png_pipe image_webp_pipe image_tiff_pipe image_bmp_pipe)
decoders=$(list h264 hevc vp8 vp9 libvpx_vp8 libvpx_vp9 libdav1d mpeg4 mpeg1video mpeg2video mjpeg prores gif \
  apng png webp tiff bmp ffv1 rawvideo)
# libvpx knows of the transparency in VP8 and VP9, and ffmpeg's own decoders don't.
# Sound is never decoded, but its parsers spare ffprobe a long search.
parsers=$(list h264 hevc vp8 vp9 av1 mpeg4video mpegvideo mjpeg gif png webp bmp aac ac3 mpegaudio opus)
# transpose, hflip and vflip rotate; setsar is for clips that their container crops; pad, fillborders, extractplanes, mergeplanes
# and crop are for odd sizes (colour.ts), lutyuv is for transparency (alpha.ts), bwdif deinterlaces.
filters=$(list scale format colorspace settb setpts showinfo fps null trim crop transpose hflip vflip rotate \
  setsar pad fillborders extractplanes mergeplanes lutyuv bwdif)

mkdir -p /build/ffmpeg
cd /build/ffmpeg
sed -i 's/^Types: deb$/Types: deb deb-src/' /etc/apt/sources.list.d/debian.sources
apt-get update -q
apt-get source -q ffmpeg
rm -rf /var/lib/apt/lists/*
cd ffmpeg-*/
./configure --disable-everything --disable-autodetect --disable-network --disable-doc --disable-debug \
  --disable-ffplay --disable-avdevice --disable-postproc --enable-libdav1d --enable-libvpx --enable-zlib \
  --enable-protocol="$(list file pipe)" --enable-demuxer="$demuxers" --enable-decoder="$decoders" \
  --enable-parser="$parsers" --enable-bsf="$(list mpeg4_unpack_bframes vp9_superframe_split)" \
  --enable-filter="$filters" --enable-muxer=rawvideo --enable-encoder=rawvideo \
  --extra-cflags='-fstack-protector-strong -D_FORTIFY_SOURCE=3 -fPIE' --extra-ldexeflags='-pie -Wl,-z,relro,-z,now'
make -j"$(nproc)" ffmpeg ffprobe
install -D -s -t /out/usr/local/bin ffmpeg ffprobe
dpkg-parsechangelog -S Version >/out/ffmpeg-version
/out/usr/local/bin/ffmpeg -version | head -n 1
