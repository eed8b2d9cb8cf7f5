#!/bin/bash
# camera-window.sh TEST PROGRAM: runs the test of unetseg-camera's window, and
# the program, on a screen in memory. Exits with 77 where there is none.
set -u
test=$(readlink -f "$1") program=$(readlink -f "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
# No desktop: no accessibility bus, no settings of a session, no GL.
export GDK_BACKEND=x11 GSK_RENDERER=cairo GTK_A11Y=none GSETTINGS_BACKEND=memory
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
command -v xvfb-run >/dev/null || {
  echo "skipped: xvfb is not installed"
  exit 77
}

gst () {
  timeout 60 gst-launch-1.0 -q "$@"
}

gst videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=64,height=48 ! \
  pngenc ! filesink location=white.png
gst videotestsrc num-buffers=30 pattern=white ! \
  video/x-raw,format=I420,width=64,height=48,framerate=30/1 ! \
  vp8enc deadline=1 ! webmmux ! filesink location=white.webm

on_screen () {
  xvfb-run -a -s "-screen 0 1000x800x24" "$@"
}

on_screen timeout 400 "$test" || exit

# ends STATUS TEXT COMMAND…: succeeds if the command ends with that status and
# prints that text.
ends () {
  local status=$1 text=$2 got
  shift 2
  timeout 60 "$@" >said 2>&1
  got=$?
  [ "$got" -eq "$status" ] && grep -q -F -e "$text" said && return
  cat said
  echo "FAILED: status $got of $*"
  return 1
}

# A signal closes the window, and the program ends as it should.
cat >closes <<'END'
"$1" test &
process=$!
sleep 3
kill -TERM "$process"
wait "$process"
END
ends 0 --background "$program" --help &&
  ends 2 "more than one" "$program" test test &&
  ends 1 "no screen" env -u DISPLAY "$program" test &&
  on_screen timeout 60 bash closes "$program"
