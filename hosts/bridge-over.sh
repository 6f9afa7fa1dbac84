#!/usr/bin/env bash
# Runs on this machine, not on the host: makes a bridge there over one SSH connection, and tells the host over a second
# one that it can still be reached, without which it takes the bridge back (bridge.sh, bridge-confirm.sh). Both are
# one step, so that a bridge that was taken back is made again by the next `pulumi up`.
#
#   HOST_NAME, HOST_ADDRESS, HOST_PORT, HOST_USER, HOST_KEY_FILE, KNOWN_HOSTS_FILE   the host, as for reach.sh
#   APPLY, REMOVE   commands that run a script from their standard input on it
#   BRIDGE_SCRIPT, CONFIRM_SCRIPT   these scripts
#
# With the argument `remove`, the bridge is taken back.
set -euo pipefail

home() { echo "${1/#\~\//$HOME/}"; }

options=(-o BatchMode=yes -o ConnectTimeout=20 -o StrictHostKeyChecking=yes -o LogLevel=ERROR -o ControlPath=none
  -o ServerAliveInterval=10 -o ServerAliveCountMax=3 -p "$HOST_PORT" -l "$HOST_USER")
[ -z "$KNOWN_HOSTS_FILE" ] || options+=(-o "UserKnownHostsFile=$(home "$KNOWN_HOSTS_FILE")")
[ -z "$HOST_KEY_FILE" ] || options+=(-o IdentitiesOnly=yes -i "$(home "$HOST_KEY_FILE")")

if [ "${1:-}" = remove ]; then
  ssh "${options[@]}" "$HOST_ADDRESS" "$REMOVE" <<< "$BRIDGE_SCRIPT"
  exit
fi

code=0
ssh "${options[@]}" "$HOST_ADDRESS" "$APPLY" <<< "$BRIDGE_SCRIPT" || code=$?
[ "$code" != 255 ] || echo "host $HOST_NAME ($HOST_ADDRESS): the SSH connection broke while the bridge was made" >&2
[ "$code" = 0 ] || exit "$code"

# Neighbours and switches may need a moment to learn where the address is now. ssh itself fails with 255.
deadline=$((SECONDS + 90))
while :; do
  code=0
  ssh "${options[@]}" "$HOST_ADDRESS" "$APPLY" <<< "$CONFIRM_SCRIPT" || code=$?
  [ "$code" = 255 ] || exit "$code"
  if [ "$SECONDS" -ge "$deadline" ]; then
    echo "host $HOST_NAME ($HOST_ADDRESS) does not answer since its bridge was made, and did not come back when it took the bridge back: look at its console" >&2
    exit 1
  fi
  sleep 1
done
