#!/usr/bin/env bash
# Waits until a guest can be logged in to over SSH, and until its workload is at work; tells every few seconds that it still waits.
#
#   GUEST, GUEST_ADDRESS, GUEST_USER, KEY_FILE   who, where, as whom, with which private key
#   JUMP, JUMP_KEY_FILE, JUMP_KNOWN_HOSTS        the machine (user@address:port) that is on the guest's network for sure; its key
#                                                and known hosts, empty for OpenSSH's own
#   WORKLOAD                                     what it is to be at work on, which it then reports (docs/workloads.md); empty: nothing
#   LOGIN_TIMEOUT_S                              default 30: what one login and its answer may take
#   READY_TIMEOUT_S                              default 600: an emulated guest boots slowly
#   WORKLOAD_TIMEOUT_S                           default 900: it may have a database to fill, or packages to install
#   PROBLEM_TIMEOUT_S                            default 120: for how long it may say what keeps it from that, while it goes on trying
set -euo pipefail
# shellcheck source=ssh/options.sh
. "$(dirname "$0")/../ssh/options.sh"

alive=(-o BatchMode=yes -o ServerAliveInterval=5 -o ServerAliveCountMax=3)
jump=("${alive[@]}" "${own_session[@]}" -o ConnectTimeout=10)
[ -z "$JUMP_KEY_FILE" ] || jump+=(-o IdentitiesOnly=yes -o "IdentityFile=$(path_value "$JUMP_KEY_FILE")")
[ -z "$JUMP_KNOWN_HOSTS" ] || jump+=(-o "UserKnownHostsFile=$(path_value "$JUMP_KNOWN_HOSTS")" -o StrictHostKeyChecking=yes)
jump+=(-p "${JUMP##*:}" "${JUMP%:*}")
# The percent signs in it are the inner ssh's own, but for the last ones.
way=$(printf '%q ' "${jump[@]}")

# The guest made its host key a moment ago, on a network of its own: there is nothing to check it against.
guest=(
  "${alive[@]}" "${own_session[@]}" -o ConnectTimeout=5 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
  -o IdentitiesOnly=yes -o "IdentityFile=$(path_value "$KEY_FILE")" -o "ProxyCommand=ssh ${way//%/%%} -W %h:%p"
  -p 22 "$GUEST_USER@$GUEST_ADDRESS"
)
# A guest, or the machine on the way, may hang at any point of a login.
in_guest() { timeout "${LOGIN_TIMEOUT_S:-30}" ssh "${guest[@]}" "$1" < /dev/null; }

timeout=${READY_TIMEOUT_S:-600}
told=0
until answer=$(in_guest hostname 2>&1); do
  if [ "$SECONDS" -ge "$timeout" ]; then
    echo "$GUEST cannot be logged in to at $GUEST_ADDRESS after $timeout s: $answer" >&2
    echo "See its console on its host: virsh console $GUEST, or /var/log/libvirt/qemu/$GUEST-console.log" >&2
    exit 1
  fi
  if [ $((SECONDS - told)) -ge 5 ]; then
    told=$SECONDS
    echo "$GUEST boots, $SECONDS s" >&2
  fi
  sleep 1
done
echo "$GUEST answers at $GUEST_ADDRESS after $SECONDS s" >&2

# One look takes an emulated guest up to a second: it is not asked to look all the time.
look='if [ -s /run/testbed/progress.jsonl ]; then echo at work; else cat /run/testbed/problem 2> /dev/null; fi'
began=$SECONDS since=
while [ -n "${WORKLOAD:-}" ]; do
  problem=$(in_guest "$look" 2> /dev/null) || problem=
  [ "$problem" != "at work" ] || break
  since=${problem:+${since:-$SECONDS}}
  if [ $((SECONDS - began)) -ge "${WORKLOAD_TIMEOUT_S:-900}" ] ||
    { [ -n "$problem" ] && [ $((SECONDS - since)) -ge "${PROBLEM_TIMEOUT_S:-120}" ]; }; then
    echo "$GUEST does not get to work on its workload, $WORKLOAD: ${problem:-it does not say why}" >&2
    echo "See in the guest: journalctl -u testbed-workload" >&2
    exit 1
  fi
  if [ $((SECONDS - told)) -ge 5 ]; then
    told=$SECONDS
    echo "$GUEST gets $WORKLOAD ready, $SECONDS s${problem:+; so far: $problem}" >&2
  fi
  sleep 2
done
echo "$answer"
