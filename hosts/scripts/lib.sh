# shellcheck shell=bash
# In front of every script that runs on a host (see each, below), after its variables.
# Whatever a script writes is marked as this project's, is written only if that changes something (`changed` says
# so), and goes away when the script runs with ACTION=remove.
set -eEuo pipefail
# The last command of a pipeline runs in this shell: `… | write FILE` sets `changed` here.
shopt -s lastpipe
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

# For `trap failed ERR`: a script that ends without a word of its own says at least where.
failed() { echo "$HOSTNAME: ${script%-*}: exit code $? from: $BASH_COMMAND" >&2; }

changed=

say() { echo "$*" >&2; }
die() {
  echo "$HOSTNAME: $*" >&2
  exit 1
}

in_container() { systemd-detect-virt --quiet --container; }

# write FILE: standard input becomes its content.
write() {
  local new
  new=$(cat)
  if [ ! -e "$1" ] || [ "$(cat "$1")" != "$new" ]; then
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "$new" > "$1.testbed-new"
    [ ! -e "$1" ] || chmod --reference="$1" "$1.testbed-new"
    mv "$1.testbed-new" "$1"
    changed=1
  fi
}

# drop FILE...: as if it had never been written.
drop() {
  local file
  for file; do
    [ -e "$file" ] || continue
    rm -f "$file"
    changed=1
  done
}

# outdated SERVICE FILE...: whether it was started before a file was written, also by a run that was cut short.
outdated() {
  local since
  since=$(systemctl show --timestamp=us+utc --property=ActiveEnterTimestamp --value "$1")
  shift
  [ -n "$since" ] && [ -n "$(find "$@" -newermt "$since" 2>/dev/null)" ]
}

own_state=/var/lib/kvm-migration-testbed

# What was changed that is to be put back, in lists in own_state, a line each.
remember() { # remember LIST LINE
  install -d "$own_state"
  echo "$2" >> "$own_state/$1"
}
remembers() { grep -qsxF -- "$2" "$own_state/$1"; }
forget() { # forget LIST LINE
  local rest
  rest=$(grep -vxF -- "$2" "$own_state/$1" || true)
  printf '%s' "${rest:+$rest$'\n'}" > "$own_state/$1"
  [ -s "$own_state/$1" ] || rm -f "$own_state/$1"
  rmdir "$own_state" 2>/dev/null || true
}

# block FILE [top]: standard input becomes the marked block of a file that is not ours alone, at its end or its top;
# empty input takes the block away. (libvirt's settings files use the first of two equal keys.)
block() {
  local file=$1 where=${2:-end} text rest
  local begin="# BEGIN kvm-migration-testbed" end="# END kvm-migration-testbed"
  text=$(cat)
  rest=$(sed "/^$begin\$/,/^$end\$/d" "$file" 2>/dev/null || true)
  if [ -n "$text" ]; then
    text=$(printf '%s\n%s\n%s' "$begin" "$text" "$end")
    [ -e "$file" ] || remember made-files "$file"
    if [ "$where" = top ]; then rest=$(printf '%s\n%s' "$text" "$rest"); else rest=$(printf '%s\n%s' "$rest" "$text"); fi
  elif [ ! -e "$file" ]; then
    return
  elif [ -z "$rest" ] && remembers made-files "$file"; then
    drop "$file"
    forget made-files "$file"
    return
  fi
  printf '%s\n' "$rest" | write "$file"
}

# service SERVICE: runs now and after every boot.
service() {
  systemctl --quiet is-enabled "$1" || remember enabled-services "$1"
  systemctl --quiet enable --now "$1"
}

# unservice SERVICE: off again, if it was.
unservice() {
  remembers enabled-services "$1" || return 0
  systemctl --quiet disable --now "$1"
  forget enabled-services "$1"
}

# make_folder FOLDER: with its parents. One that is there keeps its mode.
make_folder() {
  local folder=$1
  while [ ! -d "$folder" ]; do
    remember made-folders "$folder"
    folder=$(dirname "$folder")
  done
  mkdir -p -m 755 "$1"
}

# unmake_folder FOLDER: removes it, and its parents, as far as make_folder made them and nothing is in them.
unmake_folder() {
  local folder=$1
  while remembers made-folders "$folder" && { [ ! -d "$folder" ] || rmdir "$folder" 2>/dev/null; }; do
    forget made-folders "$folder"
    folder=$(dirname "$folder")
  done
}

# is_pool_on XML FOLDER: whether a pool of libvirt's is, by its definition; links are followed.
is_pool_on() {
  python3 -c '
import os.path, sys
import xml.etree.ElementTree as xml

path = xml.fromstring(sys.argv[1]).findtext("./target/path", "")
sys.exit(os.path.realpath(path) != os.path.realpath(sys.argv[2]))
' "$1" "$2"
}

# each SCRIPT...: runs scripts that lie beside this one, each in a shell of its own; the first that fails is the last.
each() {
  local script
  for script; do
    (
      trap failed ERR
      # shellcheck source=/dev/null
      . "${BASH_SOURCE[0]%/*}/$script"
    )
  done
}
