# Makes a new bridge, or takes it back. A bridge that exists is used as it is. A new one takes over its uplink's
# addresses, so the SSH connection this runs over is at stake: the change is made by a job of the host's own, from files
# in /run, and is taken back unless bridge-confirm.sh says in time, over a new connection, that the host can still be
# reached. Only then do the files go to /etc: a host that loses power before comes back as it was.
# ACTION: apply|remove. BRIDGE: its name. From bridge-plan.ts, for a bridge that is to be made: MANAGER, what configures
# the host's network; JOINS, the uplink, or empty; KEEP and TRIAL, files with their texts, in turn.

# In all it is back within 60 s.
seconds=50
state=$own_state/bridge-$BRIDGE
verdict=/run/kvm-migration-testbed-bridge-$BRIDGE

# The DHCP client that it starts shall outlive the job.
start() { timeout "$seconds" systemd-run --quiet --scope ifup "$@"; }
# Where the job's steps fail it goes on: the host is to be reached again whatever happens.
go_over() {
  case $MANAGER in
    networkd) networkctl reload ;;
    netplan) netplan generate && networkctl reload ;;
    ifupdown)
      if [ -n "$JOINS" ]; then
        ifdown "$JOINS"
        ip addr flush dev "$JOINS"
      fi
      start --interfaces="$verdict.interfaces" "$BRIDGE"
      ;;
  esac
}
# go_back [OPTION...]: of ifdown.
go_back() {
  [ "$MANAGER" != ifupdown ] || ifdown "$@" "$BRIDGE"
  put_back
  [ "$MANAGER" != netplan ] || netplan generate
  [ "$MANAGER" = ifupdown ] || networkctl reload
  [ ! -d "/sys/class/net/$BRIDGE" ] || ip link delete "$BRIDGE"
  [ -n "$JOINS" ] || return 0
  # To ifupdown it may seem to be up all along.
  if [ "$MANAGER" = ifupdown ]; then start --force "$JOINS"; else networkctl reconfigure "$JOINS"; fi
}
# The files as they were before the bridge.
put_back() {
  local file
  while read -r file; do
    [ "$MANAGER" = ifupdown ] || rm -f "/run/${file#/etc/}"
    if [ -e "$state/originals$file" ]; then cp -p "$state/originals$file" "$file"; else rm -f "$file"; fi
    case $file in *.network.d/*) rmdir "${file%/*}" "$(dirname "/run/${file#/etc/}")" 2>/dev/null ;; esac
  done < "$state/files"
  rm -rf "$state" "$verdict.interfaces"
  rmdir "${state%/*}" 2>/dev/null
}
keep() {
  local file
  : > "$state/kept"
  while read -r file; do
    mkdir -p "${file%/*}"
    cp -p "$state/keep$file" "$file.testbed-new"
    mv "$file.testbed-new" "$file"
    [ "$MANAGER" = ifupdown ] || rm -f "/run/${file#/etc/}"
  done < "$state/files"
  rm -f "$verdict.interfaces"
}
try_it() {
  sleep 0.3 # the command that started the job shall get its answer out
  SECONDS=0
  if go_over; then
    while [ "$SECONDS" -lt "$seconds" ]; do
      if [ "$(cat "$verdict")" = confirmed ]; then
        keep
        echo kept > "$verdict"
        return
      fi
      sleep 0.1
    done
    reason="nobody reached the host over the bridge within $seconds s"
  else
    reason="$MANAGER could not make it"
  fi
  go_back --interfaces="$verdict.interfaces"
  echo "taken back: $reason" > "$verdict"
}
take_away() {
  sleep 0.3
  go_back
  echo removed > "$verdict"
}
# In a file: systemd would take what looks like its own variables out of an argument.
job() {
  {
    declare -p BRIDGE MANAGER JOINS seconds state verdict
    declare -f start go_over go_back put_back keep try_it take_away
    echo "$1; rm -f $verdict.job"
  } > "$verdict.job"
  systemd-run --quiet --collect --unit="kvm-migration-testbed-$BRIDGE" bash "$verdict.job"
}

if [ "$ACTION" = remove ]; then
  if [ ! -e "$state/kept" ]; then # it was not made here
    echo removed > "$verdict"
    exit 0
  fi
  while read -r file; do
    [ ! -e "$state/originals$file" ] || cmp -s "$state/keep$file" "$file" ||
      die "$file was changed since $BRIDGE was put in, so that it cannot be put back as it was. Take the bridge out by hand, remove $state, and run this again; what it was is in $state/originals"
  done < "$state/files"
  read -r MANAGER JOINS < "$state/made-with" || true
  echo pending > "$verdict"
  job take_away
  exit 0
fi

rm -rf "$state"
install -d "$state/keep" "$state/originals"
echo "$MANAGER $JOINS" > "$state/made-with"
set -- "${KEEP[@]}"
while [ $# -gt 0 ]; do
  echo "$1" >> "$state/files"
  write "$state/keep$1" <<< "${2%$'\n'}"
  # netplan warns of files that all may read: some hold secrets.
  [ "$MANAGER" != netplan ] || [[ $1 != *.yaml ]] || chmod 600 "$state/keep$1"
  if [ -e "$1" ]; then
    install -d "$(dirname "$state/originals$1")"
    cp -p "$1" "$state/originals$1"
    chmod --reference="$1" "$state/keep$1"
  fi
  shift 2
done
set -- "${TRIAL[@]}"
while [ $# -gt 0 ]; do
  (umask "$([[ $1 == *.yaml ]] && echo 077 || echo 022)" && write "$1" <<< "${2%$'\n'}")
  shift 2
done

echo pending > "$verdict"
job try_it
