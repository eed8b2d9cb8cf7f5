#!/bin/bash
# examples.sh BUILD: installs the build into a folder, compiles the examples of
# pipelines/c against it by pkg-config, outside of the source, and runs them.
# Prints TAP.
set -u
build=$(readlink -f "$1")
examples=$(readlink -f "$(dirname "$0")/../../pipelines/c")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
n=0

# check NAME COMMAND…: passes if the command succeeds.
check () {
  local name=$1
  shift
  n=$((n + 1))
  if "$@" >output 2>&1; then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    sed 's/^/# /' output
  fi
}

skip () {
  n=$((n + 1))
  echo "ok $n - $1 # SKIP $2"
}

# The files of pkg-config have the prefix of the build; here it lies elsewhere.
install_all () {
  meson install -C "$build" --no-rebuild --quiet --destdir "$scratch/root" ||
    return
  pc=$(find root -name unetseg-1.0.pc)
  prefix=$scratch/root$(sed -n 's/^prefix=//p' "$pc")
  sed -i "s|^prefix=.*|prefix=$prefix|" "$pc"
  lib=$(dirname "$(dirname "$scratch/$pc")")
  export PKG_CONFIG_PATH=$scratch/${pc%/*} LD_LIBRARY_PATH=$lib
  export GST_PLUGIN_PATH=$lib/gstreamer-1.0 GST_REGISTRY=$scratch/registry.bin
}

# compile NAME PACKAGE…: makes the program NAME from its one source.
compile () {
  local name=$1
  shift
  # shellcheck disable=SC2046 # words of a command line
  cc -Wall -Wextra -Werror "$examples/$name.c" -o "$name" \
    $(pkg-config --cflags --libs "$@") -lm
}

uses_installed () {
  ldd "$1" | grep -F "$lib/libunetseg"
}

# Converts a picture to a PPM and a PGM to numbers without this project.
picture=/usr/share/forensics-samples/original-files/movie2/movie-hello.mp4
make_picture () {
  /usr/bin/python3 - <<END
import subprocess
from PIL import Image
subprocess.run(["gst-launch-1.0", "-q", "filesrc", "location=$picture", "!",
  "decodebin", "!", "videocrop", "left=110", "top=82", "right=914",
  "bottom=446", "!", "videoconvert", "!", "pngenc", "snapshot=true", "!",
  "filesink", "location=person.png"], check=True)
Image.open("person.png").convert("RGB").save("person.ppm")
END
}

# The person covers a tenth to nine tenths; the upper corners are background.
finds_person () {
  ./segment-picture person.ppm mask.pgm && /usr/bin/python3 - <<'END'
from PIL import Image
picture, mask = Image.open("person.ppm"), Image.open("mask.pgm")
assert mask.size == picture.size and mask.mode == "L", mask
share = sum(mask.histogram()[128:]) / (mask.width * mask.height)
print(share, mask.getpixel((0, 0)), mask.getpixel((mask.width - 1, 0)))
assert 0.1 < share < 0.9
assert mask.getpixel((0, 0)) < 64 and mask.getpixel((mask.width - 1, 0)) < 64
END
}

agrees_with_program () {
  local program
  program=$(find "$prefix" -name unetseg -type f -perm -u+x)
  "$program" run --image person.png -o run && /usr/bin/python3 - <<'END'
import glob
from PIL import Image, ImageChops
mine = Image.open("mask.pgm")
theirs = Image.open(glob.glob("run/*.picture.png")[0])
both = ImageChops.difference(mine, theirs).histogram()
different = sum(both[64:]) / (mine.width * mine.height)
print(different)
assert different < 0.02
END
}

fails_naming () {
  local what=$1
  shift
  ! "$@" >said 2>&1 && cat said && grep -q -F "$what" said
}

check "the build installs" install_all
check "segment-picture compiles" compile segment-picture unetseg-1.0
check "segment-picture has the installed library" \
  uses_installed segment-picture
check "read-mask compiles" compile read-mask unetseg-1.0 gstreamer-app-1.0
check "read-mask runs" ./read-mask test
check "read-mask names a missing file" fails_naming none.webm \
  ./read-mask none.webm
printf 'P6\n# a comment\n2 1\n255\n\001\002' >short.ppm
check "segment-picture names a short picture" fails_naming short.ppm \
  ./segment-picture short.ppm mask.pgm
if /usr/bin/python3 -c "import PIL" 2>/dev/null && [ -e "$picture" ]; then
  check "a picture of a person" make_picture
  check "segment-picture finds the person" finds_person
  check "segment-picture agrees with unetseg run" agrees_with_program
else
  skip "segment-picture finds the person" \
    "python3-pil or forensics-samples-files is not installed"
fi
if pkg-config --exists "gstreamer-analytics-1.0 >= 1.26"; then
  check "read-analytics compiles" compile read-analytics gstreamer-app-1.0 \
    gstreamer-video-1.0 gstreamer-analytics-1.0
else
  skip "read-analytics compiles" "GStreamer has no analytics library"
fi
echo "1..$n"
