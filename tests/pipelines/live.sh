#!/bin/bash
# Starts unetseg-live as a user does and checks its output. Prints TAP.
set -u
live=$(readlink -f "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
n=0

# check NAME COMMAND…: passes if the command succeeds.
check () {
  local name=$1
  shift
  n=$((n + 1))
  if "$@" >output 2>&1 </dev/null; then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    sed 's/^/# /' output
  fi
}

# ends STATUS TEXT COMMAND…: succeeds if the command ends with that status and
# prints that text.
ends () {
  local status=$1 text=$2 got
  shift 2
  timeout 60 "$@" >said 2>&1
  got=$?
  cat said
  echo "status $got"
  [ "$got" -eq "$status" ] && grep -q -F -e "$text" said
}

# record FRAMES ARGUMENTS…: writes frames of 64x48 in I420 to frames.i420.
record () {
  rm -f frames.i420
  timeout 60 "$live" -n "$1" --size 64x48 --rate 30 -s \
    "videoconvert ! video/x-raw,format=I420 ! filesink location=frames.i420" \
    "${@:2}"
}

frame=$((64 * 48 * 3 / 2))

# has_frames N: succeeds if the file has at least N frames, all of them whole.
has_frames () {
  local size
  size=$(stat -c %s frames.i420)
  echo "$size bytes"
  [ $((size % frame)) -eq 0 ] && [ "$size" -ge $(($1 * frame)) ]
}

# is_as_bright LOW HIGH FIRST: succeeds if the mean luma of every frame from
# FIRST on is in that range, so that each frame has the background.
is_as_bright () {
  od -An -v -tu1 -w64 frames.i420 | awk -v low="$1" -v high="$2" -v from="$3" '
    { row = (NR - 1) % 72; at = int ((NR - 1) / 72) }
    row < 48 { for (i = 1; i <= 64; i++) sum += $i }
    row == 47 {
      mean = sum / (64 * 48); sum = 0; frames++
      if (at >= from && (mean < low || mean > high)) {
        print "frame", at, "has", mean; bad = 1 } }
    END { print frames, "frames"; exit bad || frames <= from }'
}

gst () {
  timeout 60 gst-launch-1.0 -q "$@"
}

gst videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=64,height=48 ! \
  pngenc ! filesink location=white.png
cp white.png WHITE.JPG
# The video lasts a third of a second, so that it loops.
gst videotestsrc num-buffers=10 pattern=white ! \
  video/x-raw,format=I420,width=64,height=48,framerate=30/1 ! \
  vp8enc deadline=1 ! webmmux ! filesink location=white.webm
gst videotestsrc num-buffers=30 pattern=ball ! \
  video/x-raw,width=160,height=120,framerate=30/1 ! vp8enc deadline=1 ! \
  webmmux ! filesink location=ball.webm

# Two frames of 4x3 for a tenth of a second each.
base64 -d >moving.gif <<END
R0lGODlhBAADAIEAAMAgEAAAAAAAAAAAACH/C05FVFNDQVBFMi4wAwEAAAAh+QQACgAAACwAAAAABA
ADAAAICAABCBxIUGBAACH5BAAKAAAALAAAAAAEAAMAgQAA/wAAAAAAAAAAAAgIAAEIHEhQYEAAOw==
END
has_gif=1
gst-inspect-1.0 --exists avdemux_gif || has_gif=

# skip NAME: counts a case that cannot run without a decoder of GIF.
skip () {
  n=$((n + 1))
  echo "ok $n - $1 # SKIP gstreamer1.0-libav is not installed"
}

check "--help names the options" ends 0 --background "$live" --help
check "an unknown option is an error" ends 2 --help "$live" --nonesuch
check "two cameras are an error" ends 2 "more than one" "$live" test test
check "a camera that is not there is named" \
  ends 1 "no camera 'nonesuch'" "$live" nonesuch
check "a device that is not there is named" \
  ends 1 "no device /dev/nonesuch" "$live" /dev/nonesuch
# Without the plugin of cameras the error names its package, and without a
# camera it says what can take its place.
no_camera () {
  if [ -e /dev/video0 ]; then
    echo "there is a camera"
  elif gst-inspect-1.0 --exists v4l2src; then
    ends 1 'name a file or "test"' "$live" &&
      ends 1 'name a file or "test"' "$live" --list
  else
    ends 1 "apt install gstreamer1.0-plugins-good" "$live"
  fi
}
check "no camera at all" no_camera
check "an element that is not there is named" ends 1 'no element "nonesuch"' \
  "$live" -n 3 -s "nonesuch" test
gst videotestsrc num-buffers=1 ! pngenc ! filesink location=undecoded.png
no_decoder () {
  export GST_PLUGIN_FEATURE_RANK=pngdec:NONE,avdec_png:NONE,gdkpixbufdec:NONE
  ends 1 "PNG decoder (apt install gstreamer1.0-plugins-good)" \
    "$live" -n 3 -s fakesink undecoded.png
}
check "the package of a missing decoder is named" eval "(LC_ALL=C no_decoder)"
check "a background that is not there is named" ends 1 nowhere.jpg \
  "$live" -n 3 -s fakesink -b nowhere.jpg test
check "a size that is none is named" ends 1 "'large'" \
  "$live" -n 3 -s fakesink --size large test
check "an output that is none is named" ends 1 "'/nowhere'" \
  "$live" -n 3 -o /nowhere test
check "a wrong property is named" ends 1 nonesuch \
  "$live" -n 3 -s fakesink -u nonesuch=1 test
check "a warning of the element is shown" ends 0 warning \
  "$live" -n 3 -s "fakesink sync=true" -b green \
  -u "colors=nonesuch=red async=false" test
check "it blurs" timeout 60 "$live" -n 10 -s "fakesink sync=true" test
check "a file takes the camera's place" record 10 -b none ball.webm
check "a file gives its frames" has_frames 10
for use in camera background; do
  words=(-b none moving.gif)
  [ $use = camera ] || words=(-n 20 -b moving.gif test)
  if [ -n "$has_gif" ]; then
    check "a GIF as the $use ends" timeout 30 "$live" -s fakesink "${words[@]}"
  else
    skip "a GIF as the $use ends"
  fi
done
check "a colour by name" record 20 -b white test
check "the colour is seen" is_as_bright 225 245 0
check "a picture of any suffix" record 20 -b WHITE.JPG test
check "the picture is seen" is_as_bright 225 245 0
# Beside other programs a video's first frame, or the camera's, may come late:
# the compositor starts without it. The last second shows the loop three times.
check "a video" record 90 -b white.webm test
check "the video never ends" is_as_bright 215 245 60
# With --off the camera is opaque everywhere.
check "a video behind the camera" record 90 --off -b white.webm test
check "the camera is seen over the video" is_as_bright 60 180 60
check "a camera in the corner of a video" record 90 --corner --off \
  -b white.webm test
check "most of the picture is the video" is_as_bright 195 230 60
check "--corner without a video is an error" ends 1 corner \
  "$live" -n 3 -s fakesink --corner -b green test
check "--off shows the camera" record 10 --off -b white test
check "the camera is seen" is_as_bright 60 180 0

# Changes the background, switches it off and on, and ends the program.
commands () {
  { sleep 1; echo "background black"; sleep 1; echo off; echo nonsense
    echo "background nowhere.png"; sleep 1; echo on; sleep 1; echo quit; } |
    timeout 60 "$live" -s fakesink -b white test >said 2>&1 || return
  cat said
  grep -q "commands are" said && grep -q nowhere.png said
}
check "it obeys commands" commands

# gives BYTES: ends while the standard input stays open after these bytes.
gives () {
  rm -f lines
  mkfifo lines
  exec 7<>lines
  printf "$1" >&7
  timeout -k 5 60 "$live" -n 10 -s fakesink test <lines 7>&- >said 2>&1
  local got=$?
  exec 7>&-
  cat said
  return "$got"
}
check "half a line does not stop it" gives "background "
names_latin () {
  gives 'background caf\351.png\n' && grep -a -q "no such file" said
}
check "a name in Latin-1 is a name" names_latin

# Checks that the frames sent over RTP can be received and decoded.
receives_rtp () {
  gst udpsrc port=15004 caps="application/x-rtp,media=video,\
encoding-name=VP8,clock-rate=90000,payload=96" ! rtpvp8depay ! vp8dec ! \
    identity eos-after=3 ! videoconvert ! pngenc ! \
    multifilesink location=rtp-%d.png &
  timeout 60 "$live" -n 150 -o rtp://127.0.0.1:15004 -u interval=10 test ||
    return 1
  wait
  [ -s rtp-1.png ]
}
check "it sends RTP" receives_rtp

# stops SIGNAL: succeeds if the recording is whole after the signal.
stops () {
  rm -f stopped.mkv
  timeout 60 "$live" -b white -s "videoconvert ! vp8enc deadline=1 ! \
    matroskamux ! filesink location=stopped.mkv" --size 64x48 test &
  local process=$!
  until [ -s stopped.mkv ]; do sleep 0.1; done
  sleep 1
  kill "-$1" "$process"
  wait "$process" || return
  gst filesrc location=stopped.mkv ! matroskademux ! vp8dec ! fakesink
}
for signal in INT TERM HUP; do
  check "$signal ends it and its recording" stops "$signal"
done
echo "1..$n"
