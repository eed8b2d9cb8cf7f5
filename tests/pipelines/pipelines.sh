#!/bin/bash
# Starts every pipeline as a user does and checks its output. Prints TAP.
set -u
here=$(readlink -f "$(dirname "$0")")
pipelines=$(readlink -f "$here/../../pipelines")
recording=/usr/share/forensics-samples/original-files/movie2/movie-hello.mp4
person="videocrop left=110 top=82 right=914 bottom=446"
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

# decode VIDEO: writes its pictures as raw I420.
decode () {
  gst-launch-1.0 -q filesrc location="$1" ! decodebin ! videoconvert ! \
    video/x-raw,format=I420 ! filesink location="$1.i420"
}

# has_frames VIDEO WIDTH HEIGHT FRAMES: succeeds if it has exactly that many.
has_frames () {
  decode "$1" && [ "$(stat -c %s "$1.i420")" -eq $(($2 * $3 * 3 / 2 * $4)) ]
}

# has_size PNG WIDTH HEIGHT: succeeds if the picture has that size.
has_size () {
  [ "$(od -An -N8 -j16 -tu4 --endian=big "$1" | tr -s ' ')" = " $2 $3" ]
}

same_pictures () {
  decode "$1" && decode "$2" && cmp "$1.i420" "$2.i420"
}

differs () {
  ! same_pictures "$1" "$2"
}

# draws_nothing VIDEO PROPERTY…: compares the frames before they are encoded,
# because an encoder's result depends on the time that it has.
draws_nothing () {
  local video=$1
  shift
  gst-launch-1.0 -q filesrc location="$video" ! decodebin ! videoconvert ! \
    video/x-raw,format=I420 ! unetseg "$@" ! filesink location=seen.i420 &&
    decode "$video" && cmp seen.i420 "$video.i420"
}

fails_naming () {
  local what=$1
  shift
  ! "$@" >said 2>&1 && cat said && grep -q -F "$what" said
}

# finds_person VIDEO: succeeds if 20 masks show a person, who covers a tenth to
# nine tenths of a 256x192 frame with the centre near the middle.
finds_person () {
  "$READ_MASK" "$1" >masks && awk '
    { split($4, centre, ","); share = $3 / (256 * 192) }
    share > .1 && share < .9 && centre[1] > 60 && centre[1] < 196 { good++ }
    END { print good + 0, "good of", NR; exit !(good >= 20) }' masks
}

gst-launch-1.0 -q videotestsrc num-buffers=30 pattern=ball ! \
  video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 ! \
  webmmux ! filesink location=ball.webm

check "file-to-file runs" "$pipelines/file-to-file" ball.webm out.webm
check "file-to-file keeps every frame" has_frames out.webm 320 240 30
check "file-to-file takes elements and properties" \
  "$pipelines/file-to-file" -f "videocrop left=64 top=48" \
  -u "opacity=0.9 threshold=0.4 interval=3" ball.webm crop.webm
check "file-to-file crops" has_frames crop.webm 256 192 30
check "file-to-file names a missing model" fails_naming no-such.onnx \
  "$pipelines/file-to-file" -u model=no-such.onnx ball.webm bad.webm
check "contact-sheet runs" \
  "$pipelines/contact-sheet" -n 2 -w 64 ball.webm out.webm sheet.png
check "contact-sheet has two pairs" has_size sheet.png 256 48
# prints_messages: succeeds if gst-launch-1.0 -m prints a message for each frame,
# with times and lists of numbers.
prints_messages () {
  gst-launch-1.0 -m videotestsrc num-buffers=4 ! \
    video/x-raw,width=64,height=48,framerate=30/1 ! \
    unetseg messages=true ! fakesink >said || return
  grep ' unetseg, ' said
  [ "$(grep -c ' unetseg, timestamp=(guint64).* centroid-y=' said)" -eq 4 ]
}

check "gst-launch-1.0 -m prints the messages" prints_messages

# refuses ELEMENT PROPERTY VALUE: gst-launch-1.0 fails and names all of them; its
# own words follow the locale.
refuses () {
  fails_naming "Property '$2': '$3' is no " \
    gst-launch-1.0 videotestsrc num-buffers=1 ! "$1" "$2=$3" ! fakesink &&
    grep -q ': allowed is ' said
}

for element in unetseg unetsegdraw; do
  check "gst-launch-1.0 tells of a colour that $element refuses" \
    refuses $element colors foo
  check "gst-launch-1.0 tells of a background that $element refuses" \
    refuses $element background nonsense
done
check "gst-launch-1.0 tells of a size that unetseg refuses" \
  refuses unetseg input-size 12x
# has_three VIDEO: succeeds if it has whole frames of three pictures, at least
# 25.
has_three () {
  decode "$1" && awk -v n="$(stat -c %s "$1.i420")" -v size=$((3 * 64 * 48 * 3 / 2)) \
    'BEGIN { print n / size, "frames"; exit n % size || n / size < 25 }'
}

check "side-by-side runs" "$pipelines/side-by-side" -s 64x48 \
  -f "videocrop left=64 top=48" -u interval=2 ball.webm three.webm
check "side-by-side shows three pictures" has_three three.webm
# The program exits with 77 where GStreamer has no WebRTC.
"$WEBRTC" >call 2>&1
case $? in
  0) check "a blurred background goes through WebRTC" true ;;
  77) skip "a blurred background goes through WebRTC" "$(cat call)" ;;
  *) check "a blurred background goes through WebRTC" eval "cat call; false" ;;
esac
have_programs () {
  local name
  for name in "$@"; do
    command -v "$name" >/dev/null || return
  done
}
if have_programs pipewire wireplumber pw-cli dbus-run-session &&
    gst-inspect-1.0 pipewiresink >/dev/null 2>&1; then
  timeout 120 dbus-run-session -- "$here/pipewire.sh" \
    "$UNETSEG_LIVE" >camera 2>&1
  case $? in
    0) check "unetseg-live is PipeWire's camera" true ;;
    77) skip "unetseg-live is PipeWire's camera" \
      "this version's sink crashes" ;;
    *) check "unetseg-live is PipeWire's camera" \
      eval "cat camera; false" ;;
  esac
else
  skip "unetseg-live is PipeWire's camera" "PipeWire is not installed"
fi
check "record-with-mask runs" timeout 60 "$pipelines/record-with-mask" \
  -n 10 pair.mkv test
is_wide () {
  decode "$1" && [ -s "$1.i420" ] &&
    [ $(($(stat -c %s "$1.i420") % (1280 * 480 * 3 / 2))) -eq 0 ]
}
check "record-with-mask has both beside each other" is_wide pair.mkv
check "read-mask runs" "$READ_MASK" test
check "read-mask names a missing file" fails_naming no-such.webm \
  "$READ_MASK" no-such.webm

# Both programs must find the same areas, each in its own metadata. One cache
# and one thread give them the same kernels, because others may round otherwise.
# One program rounds an area that ends on a half up, and the other rounds it
# down.
analytics_agree () (
  unset UNETSEG_TUNING_CACHE
  export XDG_CACHE_HOME=$PWD/tuned
  "$READ_ANALYTICS" "$1" threads=1 >analytics &&
    "$READ_MASK" "$1" threads=1 >masks && [ -s masks ] &&
    [ "$(wc -l <masks)" -eq "$(wc -l <analytics)" ] &&
    paste -d' ' masks analytics | awk '{
      n = NF - 2
      if ($1 != $(n) || $2 != $(n + 1) || ($3 - $(n + 2)) ^ 2 > 1) exit 1 }'
)

if [ -n "${READ_ANALYTICS:-}" ]; then
  check "read-analytics runs" "$READ_ANALYTICS" test
  check "read-analytics names a missing file" fails_naming no-such.webm \
    "$READ_ANALYTICS" no-such.webm
else
  skip "read-analytics" "GStreamer has no analytics library"
fi

if [ -e "$recording" ]; then
  # shellcheck disable=SC2086 # words of a pipeline
  gst-launch-1.0 -q filesrc location="$recording" ! decodebin ! \
    videoconvert ! $person ! identity eos-after=26 ! \
    vp8enc deadline=1 target-bitrate=4000000 ! webmmux ! \
    filesink location=person.webm
  check "read-mask finds the person" finds_person person.webm
  [ -z "${READ_ANALYTICS:-}" ] ||
    check "read-analytics finds the same" analytics_agree person.webm
  check "drawing runs" "$pipelines/file-to-file" person.webm drawn.webm
  check "nothing drawn runs" \
    "$pipelines/file-to-file" -u opacity=0 person.webm plain.webm
  check "metadata only runs" \
    "$pipelines/file-to-file" -u output=none person.webm none.webm
  check "what is drawn is seen" differs drawn.webm plain.webm
  check "opacity 0 draws nothing" draws_nothing person.webm opacity=0
else
  skip "a real recording" "forensics-samples-files is not installed"
fi
echo "1..$n"
