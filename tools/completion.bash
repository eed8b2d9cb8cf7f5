# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of the unetseg program for bash.

_unetseg ()
{
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local common='--size --shape --precision --calibration --max-difference
    --min-iou --threads --tuning --set --help'
  local own=

  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W 'run inspect bench doctor batch join calibrate eval help --help --version' \
      -- "$current"))
    return
  fi
  case $previous in
    --to|-T) COMPREPLY=($(compgen -W 'overlay cutout mask masks results report' \
      -- "$current")); return ;;
    --container) COMPREPLY=($(compgen -W 'mp4 mov mkv webm' \
      -- "$current")); return ;;
    --preset|--model) compopt -o filenames
      COMPREPLY=($(compgen -f -- "$current")); return ;;
    --precision|-p) COMPREPLY=($(compgen -W 'auto f32 bf16 int8' -- "$current")); return ;;
    --tuning) COMPREPLY=($(compgen -W 'measure static reference' \
      -- "$current")); return ;;
    --image|-i|--input) compopt -o filenames
      COMPREPLY=($(compgen -f -- "$current")); return ;;
    --calibration) compopt -o filenames
      COMPREPLY=($(compgen -f -- "$current")); return ;;
    --output|-o|--images|--masks|-m) compopt -o filenames
      COMPREPLY=($(compgen -d -- "$current")); return ;;
  esac
  case ${COMP_WORDS[1]} in
    run) own='--image --fit --input --output --threshold --tta' ;;
    inspect) own='--json' ;;
    bench) own='--json --seconds' ;;
    batch) common='--help --help-unetseg' own='--output --to --container
      --preset --resume --retry --overwrite --jobs --threads --shard --segment
      --plan-only --patience --follow-links --null --json --quiet --verbose --model' ;;
    join) common=--help own='--keep --quiet' ;;
    calibrate) own='--output --frames' ;;
    eval) own='--images --masks --threshold --classes --each --frames --json --tta' ;;
    help) COMPREPLY=($(compgen -W 'run inspect bench doctor batch join calibrate eval' -- "$current")); return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$own $common" -- "$current"))
  else
    compopt -o filenames
    case ${COMP_WORDS[1]} in
      batch|join) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
    COMPREPLY=($(compgen -W person -- "$current")
               $(compgen -f -X '!*.onnx' -- "$current")
               $(compgen -d -- "$current"))
  fi
}
complete -F _unetseg unetseg
