#!/usr/bin/env bash
# Runs on this machine, not on the host: makes sure that a host can be reached over SSH, as who it is, and prints its
# public host key ("type key") and, on a second line, the port that its sshd listens on: behind a forwarded port, that is
# another one. Says in seconds what is wrong otherwise.
#
#   HOST_NAME, HOST_ADDRESS, HOST_PORT, HOST_USER   the host
#   HOST_KEY_FILE     private key to log in with, which the agent must hold if it has a passphrase; empty: OpenSSH's own
#                     defaults and the agent
#   KNOWN_HOSTS_FILE  host keys that are trusted; empty: OpenSSH's own files
#   KNOWN_HOSTS       strict: only a key that is in there; accept-new: that of a host seen for the first time is added
#   HOST_KEY          the host's public key where it is known already (a lab's container): put in KNOWN_HOSTS_FILE
set -euo pipefail
export LC_ALL=C

home() { echo "${1/#\~\//$HOME/}"; }
die() {
  echo "host $HOST_NAME ($HOST_USER@$HOST_ADDRESS port $HOST_PORT): $*" >&2
  exit 1
}

# What ~/.ssh/config makes of the address, and the way there.
configured=$(ssh -G -T -p "$HOST_PORT" -l "$HOST_USER" "$HOST_ADDRESS")
host=$(sed -n 's/^hostname //p' <<< "$configured")
jump=$(sed -n 's/^proxyjump //p' <<< "$configured")
alias=$(sed -n 's/^hostkeyalias //p' <<< "$configured")
agent=$(sed -n 's/^identityagent //p' <<< "$configured")
case "$agent" in '' | none | SSH_AUTH_SOCK) ;; *) SSH_AUTH_SOCK=$(home "$agent"); export SSH_AUTH_SOCK ;; esac

# How known_hosts files name the host.
if [ -n "$alias" ]; then entry=$alias; elif [ "$HOST_PORT" = 22 ]; then entry=$host; else entry="[$host]:$HOST_PORT"; fi
read -ra known_files <<< "$(sed -n 's/^\(user\|global\)knownhostsfile //p' <<< "$configured" | tr '\n' ' ')"
for i in "${!known_files[@]}"; do known_files[i]=$(home "${known_files[i]}"); done
[ "${#known_files[@]}" != 0 ] || known_files=("$HOME/.ssh/known_hosts" /etc/ssh/ssh_known_hosts)
[ -z "$KNOWN_HOSTS_FILE" ] || known_files=("$(home "$KNOWN_HOSTS_FILE")")

trusted_keys() {
  local file
  for file in "${known_files[@]}"; do
    if [ -r "$file" ]; then { ssh-keygen -F "$entry" -f "$file" || true; } | awk '!/^[#@]/ { print $2, $3 }'; fi
  done
}
# Go's SSH library, which the command provider uses, takes the first of these that the server has.
by_preference() {
  local type
  for type in ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 ssh-rsa ssh-ed25519; do
    grep "^$type " <<< "$1" || true
  done
}

# Makes these the host's trusted keys, one a line. Hosts are reached at the same time: others wait, and who reads the file
# meanwhile sees all of the old or all of the new one.
trust() {
  local file
  file=$(realpath -m "${known_files[0]}")
  mkdir -p "$(dirname "$file")"
  # The folder, not the file, which stop.sh may remove.
  exec 9< "$(dirname "$file")"
  flock 9
  if [ "$(trusted_keys)" != "$1" ]; then
    { awk -v entry="$entry" '$1 != entry' "$file" 2>/dev/null || true; while read -r key; do echo "$entry $key"; done <<< "$1"; } > "$file.new"
    [ ! -e "$file" ] || chmod --reference="$file" "$file.new"
    mv "$file.new" "$file"
  fi
  exec 9<&-
}

[ -z "$HOST_KEY" ] || trust "$HOST_KEY"

# ssh-keyscan knows no jump hosts, so it runs there.
scan=(ssh-keyscan -T 5 -p "$HOST_PORT" -t ed25519,ecdsa,rsa "$host")
[ -z "$jump" ] || scan=(ssh -o BatchMode=yes -o ConnectTimeout=10 -- "ssh://$jump" "${scan[*]}")
offered=$("${scan[@]}" 2>/dev/null < /dev/null | awk '{ print $2, $3 }' || true)
[ -n "$offered" ] ||
  die "does not answer${jump:+ (by way of the jump host $jump)}. Is it running, is the address right, and does its firewall let SSH in? Try: ssh -p $HOST_PORT $HOST_USER@$HOST_ADDRESS"

trusted=$(trusted_keys)
if [ -z "$trusted" ]; then
  [ "$KNOWN_HOSTS" = accept-new ] ||
    die "its host key is not in ${known_files[*]}. Log in once by hand and compare the key, or set ssh.knownHosts to accept-new in the stack's config"
  trust "$offered"
  trusted=$offered
fi
key=$(grep -Fx -f <(printf '%s\n' "$trusted") <<< "$offered" || true)
[ -n "$key" ] ||
  die "has another host key than the one in ${known_files[*]}. If the machine was installed anew, forget the old one: ssh-keygen -R '$entry' -f '${known_files[0]}'. If not, somebody else may be answering"

# What ~/.ssh/config says for a person's own logins is left out.
options=(-o BatchMode=yes -o ConnectTimeout=15 -o StrictHostKeyChecking=yes -o LogLevel=ERROR -o ControlPath=none -o ControlMaster=no
  -o RequestTTY=no -o RemoteCommand=none -o PermitLocalCommand=no -o ClearAllForwardings=yes -p "$HOST_PORT" -l "$HOST_USER")
[ -z "$KNOWN_HOSTS_FILE" ] || options+=(-o "UserKnownHostsFile=\"${known_files[0]}\"")
[ -z "$HOST_KEY_FILE" ] || options+=(-o IdentitiesOnly=yes -i "$(home "$HOST_KEY_FILE")")
[ -z "$HOST_KEY_FILE" ] || [ -r "$(home "$HOST_KEY_FILE")" ] ||
  die "the private key $HOST_KEY_FILE is not there or may not be read (ssh.privateKeyFile in the stack's config)"
# Nobody can be asked for a passphrase here, nor by the other programs that log in: the agent gives the key, or nobody does.
has_passphrase() { [[ $(ssh-keygen -y -P '' -f "$1" 2>&1 > /dev/null < /dev/null) == *passphrase* ]]; }
agent_holds() { ssh-add -l 2>/dev/null | grep -qF " $(ssh-keygen -l -f "$1" 2>/dev/null | cut -d ' ' -f 2) "; }
if [ -n "$HOST_KEY_FILE" ] && has_passphrase "$(home "$HOST_KEY_FILE")" && ! agent_holds "$(home "$HOST_KEY_FILE")"; then
  die "the private key $HOST_KEY_FILE has a passphrase, and no SSH agent (SSH_AUTH_SOCK) holds it: ssh-add $HOST_KEY_FILE, or use a key without a passphrase"
fi
# The remote bash is to expand these. Its login shell may be any, so there are no quotes in it, exclamation marks or backslashes.
# Its first line tells the answer from what the login prints before.
# shellcheck disable=SC2016
asked='echo; echo "port ${SSH_CONNECTION##* }"; test "$(id -u)" = 0 || sudo -n true || echo no-sudo; cat /etc/ssh/ssh_host_*_key.pub || true'
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
code=0
all=$(timeout 30 ssh "${options[@]}" "$HOST_ADDRESS" "exec env LC_ALL=C bash --norc -c '$asked'" 2> "$errors" < /dev/null) || code=$?
[ "$code" != 124 ] ||
  die "its host key is right, but nothing came within 30 s: does a login shell, its home folder (a mount that hangs?) or a ForceCommand of its sshd keep it waiting?"
[ "$code" != 255 ] ||
  die "its host key is right, but logging in failed: $(tail -n 1 "$errors"). Is ${HOST_KEY_FILE:-one of your SSH keys} allowed there (ssh-copy-id)?"
said=$(sed -E '/^port [0-9]+$/,$d' <<< "$all" | grep . | head -n 1 || true)
answer=$(sed -nE '/^port [0-9]+$/,$p' <<< "$all")
[ -n "$answer" ] ||
  die "logging in works, but no command runs there (exit code $code): ${said:-$(tail -n 1 "$errors")}. Is bash installed, and what are the login shell and sshd's ForceCommand?"
[ -z "$said" ] ||
  die "the login of $HOST_USER prints something (\"$said\") where programs expect the answers to their commands: let ~/.bashrc, or what else it reads, print in interactive shells alone (case \$- in *i*) ... esac)"
! grep -qFx no-sudo <<< "$answer" ||
  die "$HOST_USER may not become root there: log in as root, or allow it sudo without a password"

# The host itself, over a connection that is trusted, vouches for its other keys.
own=$(awk '{ print $1, $2 }' <<< "$answer")
by_preference "$(grep -Fx -f <(printf '%s\n%s\n' "$trusted" "$own") <<< "$offered")" | head -n 1
sed -n 's/^port //p' <<< "$answer"
