/**
 * A guest's lock, on the storage host.
 *
 * have FILE WHO FORMER: has the lock, writes who has it, and says `held`; says `busy` and who has it as long as another run does. A failure
 * is said, and ends it. A file that was removed meanwhile locks nothing: the next run would lock a new file of its name.
 *
 * Versions before this one kept all of this in the folder FORMER, in the export. It becomes a link to the folder that is used now, so that
 * runs of both versions use the same locks, records and queue; what such a run left there is taken over when no run has it open any more.
 */
export const lockProgram = `
used() { [ -n "$(find /proc/[0-9]*/fd \\( -lname "$1" -o -lname "$1/*" \\) -print -quit 2>/dev/null)" ]; }
unused() {
  while used "$1"; do
    echo "busy by a run of an earlier version of this program, with files in $1"
    sleep 1
  done
}
take_over() {
  local old=$1 former=$1.former new=$2 each name
  [ -n "$old" ] && [ -d "\${old%/*}" ] || return 0
  exec 7< "\${new%/*}" || return
  until flock -w 5 7; do echo "busy by one who takes over $old"; done
  # A record of an export that is put back from a backup: root's link, and nobody else's, is believed.
  until [ -L "$old" ] && [ "$(readlink "$old")" = "$new" ]; do
    if [ -L "$old" ]; then echo "$old is a link to $(readlink "$old") and not to $new"; return 1; fi
    if [ ! -e "$old" ]; then ln -sT "$new" "$old" || return; continue; fi
    if [ ! -d "$old" ]; then echo "$old is no folder"; return 1; fi
    if [ -d "$former" ]; then adopt || return; fi
    unused "$old"
    mv -T "$old" "$former" || return
  done
  if [ -d "$former" ] && [ ! -L "$former" ]; then adopt || return; fi
  exec 7<&-
}
adopt() {
  unused "$former"
  for each in "$former"/*.json; do
    [ -f "$each" ] && [ ! -L "$each" ] || continue
    name=\${each##*/}
    dd if="$each" of="$new/.former" iflag=nofollow,nonblock status=none && sync "$new/.former" || return
    if [ -e "$new/$name" ] && ! cmp -s "$new/$name" "$new/.former"; then
      echo "there are two records of an unfinished move, $new/$name and $each: remove the one that is not true"
      return 1
    fi
    mv -T "$new/.former" "$new/$name" || return
  done
  sync "$new" && rm -rf --one-file-system "$former"
}
wait_for() {
  local rc
  while :; do
    mkdir -p "\${1%/*}" && exec 9<> "$1" || return
    while :; do
      flock -w 2 9
      rc=$?
      [ $rc = 0 ] && break
      [ $rc = 1 ] || return $rc
      echo "busy $(head -c 300 "$1" | tr -cd '[:print:]')"
    done
    [ "$1" -ef /dev/fd/9 ] && return
  done
}
have() {
  exec 2>&1
  umask 077
  mkdir -p "\${1%/*}" && take_over "$3" "\${1%/*}" && wait_for "$1" && echo "$2" > "$1" && echo held && exec sleep infinity
}
`;
