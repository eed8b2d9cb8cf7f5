#!/bin/bash
# pipewire.sh UNETSEG-LIVE: starts the program as a PipeWire camera in a session
# without a desktop and reads pictures from it. Before PipeWire 1 it reads
# twice, since a reader may leave and another may come. Run it under
# dbus-run-session.
set -u
camera=$1
XDG_RUNTIME_DIR=$(mktemp -d)
export XDG_RUNTIME_DIR
unset PIPEWIRE_REMOTE
pids=()
finish () {
  kill "${pids[@]}" 2>/dev/null
  sleep .3
  kill -KILL "${pids[@]}" 2>/dev/null
  wait
  rm -rf "$XDG_RUNTIME_DIR"
}
trap finish EXIT

# await COMMAND…: repeats the command until it succeeds, for ten seconds.
await () {
  for _ in {1..50}; do
    "$@" && return
    sleep .2
  done
  echo "in vain: $*"
  return 1
}

# plainly COMMAND…: runs a program of the system without the sanitizers.
plainly () { env -u LD_PRELOAD "$@"; }

is_connected () { plainly pw-cli info 0 >/dev/null 2>&1; }
manages () { plainly pw-cli ls Client 2>/dev/null | grep -q WirePlumber; }
is_camera () {
  plainly pw-cli ls Node 2>/dev/null | grep -A9 'node.name = "unetseg"' |
    grep -q 'media.class = "Video/Source"'
}

# From PipeWire 1 on, five pictures end the reader. Before, it may hang at its end.
reads () {
  rm -f camera-*.png
  timeout 40 gst-launch-1.0 -q pipewiresrc target-object=unetseg \
    num-buffers=5 ! videoconvert ! pngenc ! \
    multifilesink location=camera-%d.png
  case $?,$version in 0,* | *,0.*) ;; *) return 1 ;; esac
  # At least three pictures come out, as large as the camera and not empty.
  [ "$(od -An -N8 -j16 -tu4 --endian=big camera-2.png | tr -s ' ')" = \
    " 320 240" ] && [ "$(stat -c %s camera-2.png)" -gt 2000 ]
}

env -u LD_PRELOAD pipewire >pipewire.log 2>&1 & pids+=($!)
await is_connected || exit
env -u LD_PRELOAD wireplumber >wireplumber.log 2>&1 & pids+=($!)
await manages || exit
version=$(gst-inspect-1.0 pipewiresink | sed -n 's/^ *Version *//p')
shows () {
  timeout 60 "$camera" -o pipewire -u interval=5 test & pids+=($!)
  await is_camera && reads || return
  # From PipeWire 1 on, sinks stop when their reader leaves.
  case $version in 0.*) reads ;; esac
}
shows && exit
# Debian 12's sink (0.3.65) may crash on its own buffers without memory when a
# reader comes. The test tries three times and exits with 77 if the sink crashed
# each time.
case $version in 0.*) ;; *) exit 1 ;; esac
crashed () {
  kill "${pids[-1]}" 2>/dev/null
  wait "${pids[-1]}"
  [ $? -eq 139 ]
}
for _ in 2 3; do
  crashed || exit 1
  while is_camera; do sleep .2; done
  shows && exit
done
crashed && exit 77
exit 1
