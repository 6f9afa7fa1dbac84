#!/usr/bin/env bash
# only-standard-files.sh COMMAND ...: runs it with standard input, output and error alone, whatever else the caller left open.
# For mmdebstrap: it has apt write to the first free descriptor in a shell that knows none above 9, and fails when those are taken.
set -eu
for fd in "/proc/$$/fd"/*; do
  fd=${fd##*/}
  # 255 is bash's own, for this script; it is closed by exec.
  case $fd in 0 | 1 | 2 | 255) ;; *) exec {fd}>&- ;; esac
done
exec "$@"
