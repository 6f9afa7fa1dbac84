#!/usr/bin/env bash
# Runs on this machine, not on the host: makes a bridge there (what is there: bridge-find.sh; what it takes:
# bridge-plan.ts; doing it: bridge.sh), and tells the host over another connection that it can still be reached, without
# which it takes the bridge back (bridge-confirm.sh). All is one step, so that a bridge that was taken back is made
# again by the next `pulumi up`.
#
#   HOST_NAME, HOST_ADDRESS, HOST_PORT, HOST_USER, HOST_KEY_FILE, KNOWN_HOSTS_FILE   the host, as for reach.sh
#   APPLY, REMOVE   commands that run a script from their standard input on it
#   FIND_SCRIPT, BRIDGE_SCRIPT, CONFIRM_SCRIPT   these scripts
#   PLAN_PROGRAM    bridge-cli.ts
#
# With the argument `remove`, the bridge is taken back.
set -euo pipefail

# shellcheck source=ssh/options.sh
. "$(dirname "$0")/../ssh/options.sh"
options=(-o BatchMode=yes -o ConnectTimeout=20 -o StrictHostKeyChecking=yes -o LogLevel=ERROR "${own_session[@]}"
  -o ServerAliveInterval=10 -o ServerAliveCountMax=3 -p "$HOST_PORT" -l "$HOST_USER")
[ -z "$KNOWN_HOSTS_FILE" ] || options+=(-o "UserKnownHostsFile=$(path_value "$KNOWN_HOSTS_FILE")")
[ -z "$HOST_KEY_FILE" ] || options+=(-o IdentitiesOnly=yes -o "IdentityFile=$(path_value "$HOST_KEY_FILE")")

# on_host COMMAND: runs the script in standard input.
on_host() {
  local code=0
  ssh "${options[@]}" "$HOST_ADDRESS" "$1" || code=$?
  [ "$code" != 255 ] || echo "host $HOST_NAME ($HOST_ADDRESS): the SSH connection failed, or broke" >&2
  return "$code"
}

if [ "${1:-}" = remove ]; then
  command=$REMOVE
  on_host "$REMOVE" <<< "$BRIDGE_SCRIPT"
else
  command=$APPLY
  found=$(on_host "$APPLY" <<< "$FIND_SCRIPT")
  if [ -n "$found" ]; then
    plan=$(node "$PLAN_PROGRAM" <<< "$found")
    on_host "$APPLY" <<< "$plan"$'\n'"$BRIDGE_SCRIPT"
  fi
fi

# Neighbours and switches may need a moment to learn where the address is now. ssh itself fails with 255; 75 is the
# script's word for a bridge that is not up yet.
deadline=$((SECONDS + 90))
while :; do
  code=0
  ssh "${options[@]}" "$HOST_ADDRESS" "$command" <<< "$CONFIRM_SCRIPT" || code=$?
  [ "$code" = 255 ] || [ "$code" = 75 ] || exit "$code"
  if [ "$SECONDS" -ge "$deadline" ]; then
    echo "host $HOST_NAME ($HOST_ADDRESS) does not answer since its bridge was made or taken away, and did not come back when it took that back: look at its console" >&2
    exit 1
  fi
  sleep 0.3
done
