#!/usr/bin/env bash
# Runs on this machine, not on the host: makes sure that a host can be reached over SSH, as who it is, and prints its
# public host key ("type key") and, on a second line, the port that its sshd listens on: behind a forwarded port, that is
# another one. Says in seconds what is wrong otherwise.
#
#   HOST_NAME, HOST_ADDRESS, HOST_PORT, HOST_USER   the host
#   HOST_KEY_FILE     private key to log in with, which the agent must hold if it has a passphrase; empty: OpenSSH's own
#                     defaults and the agent
#   HOST_AGENT        the SSH agent's socket that ~/.ssh/config names, without tokens; default: as ssh -G has it
#   KNOWN_HOSTS_FILE  host keys that are trusted; empty: OpenSSH's own files
#   KNOWN_HOSTS       strict: only a key that is in there; accept-new: that of a host seen for the first time is added
#   HOST_KEY          the host's public key where it is known already (a lab's container): put in KNOWN_HOSTS_FILE
#   SCRIPT_FOLDER     where it is to put scripts on the host; default: where hosts/script.ts looks for them; none: it changes nothing there
#
# A host with a system that they can't prepare is refused (system-problem.sh). Then it puts the scripts that prepare a host (scripts/) there, unless it is only to look.
set -euo pipefail
export LC_ALL=C

home() { echo "${1/#\~\//$HOME/}"; }
die() {
  echo "host $HOST_NAME ($HOST_USER@$HOST_ADDRESS port $HOST_PORT): $*" >&2
  exit 1
}

# shellcheck source=ssh/options.sh
. "$(dirname "$0")/../ssh/options.sh"
folder=$(mktemp -d /tmp/testbed-reach-XXXXXX) # a socket's path must be short
login=
trap '[ -z "$login" ] || kill "$login" 2>/dev/null || true; rm -rf "$folder"' EXIT

# What ~/.ssh/config makes of the address, and the way there.
configured=$(ssh -G -T -p "$HOST_PORT" -l "$HOST_USER" "$HOST_ADDRESS")
host=$(sed -n 's/^hostname //p' <<< "$configured")
jump=$(sed -n 's/^proxyjump //p' <<< "$configured")
alias=$(sed -n 's/^hostkeyalias //p' <<< "$configured")
agent=${HOST_AGENT:-$(sed -n 's/^identityagent //p' <<< "$configured")}
case "$agent" in '' | none | SSH_AUTH_SOCK) ;; *) SSH_AUTH_SOCK=$(home "$agent"); export SSH_AUTH_SOCK ;; esac

# How known_hosts files name the host: by its address to all, by an alias to OpenSSH alone.
if [ "$HOST_PORT" = 22 ]; then plain=$host; else plain="[$host]:$HOST_PORT"; fi
entry=${alias:-$plain}
read -ra known_files <<< "$(sed -n 's/^\(user\|global\)knownhostsfile //p' <<< "$configured" | tr '\n' ' ')"
for i in "${!known_files[@]}"; do known_files[i]=$(home "${known_files[i]}"); done
[ "${#known_files[@]}" != 0 ] || known_files=("$HOME/.ssh/known_hosts" /etc/ssh/ssh_known_hosts)
[ -z "$KNOWN_HOSTS_FILE" ] || known_files=("$(home "$KNOWN_HOSTS_FILE")")

keys_of() { # keys_of NAME FILE...
  local name=$1 file
  shift
  for file; do
    if [ -r "$file" ]; then { ssh-keygen -F "$name" -f "$file" || true; } | awk '!/^[#@]/ { print $2, $3 }'; fi
  done
}
trusted_keys() { keys_of "$entry" "${known_files[@]}"; }
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
  local file names=$entry
  [ "$entry" = "$plain" ] || names=$entry,$plain
  file=$(realpath -m "${known_files[0]}")
  mkdir -p "$(dirname "$file")"
  # The folder, not the file, which stop.sh may remove.
  exec 9< "$(dirname "$file")"
  flock 9
  if [ "$(trusted_keys)" != "$1" ] || [ "$(keys_of "$plain" "$file")" != "$1" ]; then
    { awk -v entry="$entry" -v names="$names" '$1 != entry && $1 != names' "$file" 2>/dev/null || true; while read -r key; do echo "$names $key"; done <<< "$1"; } > "$file.new"
    [ ! -e "$file" ] || chmod --reference="$file" "$file.new"
    mv "$file.new" "$file"
  fi
  exec 9<&-
}

[ -z "$HOST_KEY" ] || trust "$HOST_KEY"

# ssh-keyscan knows no jump hosts. Over one, ssh itself takes down the key that it is shown, kind by kind, and logs in nowhere: so the jump
# host need only let connections through.
scan_over_jump() {
  local kinds n=0 way known
  way=$(printf '%q ' ssh -o BatchMode=yes -o ConnectTimeout=10 -o LogLevel=INFO "${own_session[@]}")
  for kinds in ssh-ed25519 ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521 rsa-sha2-512,rsa-sha2-256; do
    n=$((n + 1)) known=$folder/offered-$n
    timeout 30 ssh -o BatchMode=yes -o ConnectTimeout=10 -o LogLevel=ERROR "${own_session[@]}" -o "ProxyCommand=$way-W [%h]:%p -- ssh://$jump" \
      -o "UserKnownHostsFile=$known" -o GlobalKnownHostsFile=/dev/null -o KnownHostsCommand=none -o VerifyHostKeyDNS=no -o UpdateHostKeys=no \
      -o HashKnownHosts=no -o HostKeyAlias=offered -o StrictHostKeyChecking=accept-new -o "HostKeyAlgorithms=$kinds" \
      -o PreferredAuthentications=none -p "$HOST_PORT" -l "$HOST_USER" "$HOST_ADDRESS" true > /dev/null 2> "$known.errors" < /dev/null &
  done
  wait
  cat "$folder"/offered-? 2> /dev/null
}
if [ -n "$jump" ]; then offered=$(scan_over_jump || true); else offered=$(ssh-keyscan -T 5 -p "$HOST_PORT" -t ed25519,ecdsa,rsa "$host" 2> /dev/null < /dev/null || true); fi
offered=$(awk '$2 ~ /^(ssh|ecdsa)-/ { print $2, $3 }' <<< "$offered")
jump_leads_nowhere() {
  die "the jump host ${jump:-of ~/.ssh/config} does not lead on to it: its sshd must have AllowTcpForwarding yes (or local) and DisableForwarding no, and PermitOpen must allow $host:$HOST_PORT"
}
if [ -z "$offered" ] && [ -n "$jump" ]; then
  ! grep -q 'administratively prohibited' "$folder"/offered-*.errors || jump_leads_nowhere
  said=$(cat "$folder"/offered-*.errors | tr -d '\r' | grep -vE '^kex_exchange_identification|^Connection closed by UNKNOWN' | head -n 1 || true)
  die "does not answer by way of the jump host $jump within 30 s${said:+ ($said)}. Is it running, are its address and its port right, and does the jump host let you in (ssh $jump)? Try: ssh -p $HOST_PORT $HOST_USER@$HOST_ADDRESS"
fi
[ -n "$offered" ] ||
  die "does not answer. Is it running, is the address right, and does its firewall let SSH in? Try: ssh -p $HOST_PORT $HOST_USER@$HOST_ADDRESS"

trusted=$(trusted_keys)
if [ -z "$trusted" ] && [ "$KNOWN_HOSTS" = accept-new ]; then
  trust "$offered"
  trusted=$offered
elif [ "$KNOWN_HOSTS" = accept-new ] && [ -z "$(keys_of "$plain" "${known_files[0]}")" ]; then
  trust "$trusted"
fi
refuse_key() {
  [ -n "$trusted" ] ||
    die "its host key is not in ${known_files[*]} (as $entry)${1:-}. Log in once by hand and compare the key, or set ssh.knownHosts to accept-new in the stack's config"
  die "has another host key than the one in ${known_files[*]}. If the machine was installed anew, forget the old one: ssh-keygen -R '$entry' -f '${known_files[0]}'. If not, somebody else may be answering"
}
# Those files are not all that OpenSSH may go by: where they do not say it, it is asked itself, by a strict login.
level=ERROR
if ! grep -qFx -f <(printf '%s\n' "$trusted") <<< "$offered"; then
  [ -z "$KNOWN_HOSTS_FILE" ] || refuse_key
  level=DEBUG1
fi

options=(-o BatchMode=yes -o ConnectTimeout=15 -o StrictHostKeyChecking=yes -o LogLevel=$level "${own_session[@]}" -p "$HOST_PORT" -l "$HOST_USER")
[ -z "$KNOWN_HOSTS_FILE" ] || options+=(-o "UserKnownHostsFile=$(path_value "${known_files[0]}")")
[ -z "$HOST_KEY_FILE" ] || options+=(-o IdentitiesOnly=yes -o "IdentityFile=$(path_value "$HOST_KEY_FILE")")
[ -z "$HOST_KEY_FILE" ] || [ -r "$(home "$HOST_KEY_FILE")" ] ||
  die "the private key $HOST_KEY_FILE is not there or may not be read (ssh.privateKeyFile in the stack's config)"
# Nobody can be asked for a passphrase here, nor by the other programs that log in: the agent gives the key, or nobody does.
has_passphrase() { [[ $(ssh-keygen -y -P '' -f "$1" 2>&1 > /dev/null < /dev/null) == *passphrase* ]]; }
agent_holds() { ssh-add -l 2>/dev/null | grep -qF " $(ssh-keygen -l -f "$1" 2>/dev/null | cut -d ' ' -f 2) "; }
if [ -n "$HOST_KEY_FILE" ] && has_passphrase "$(home "$HOST_KEY_FILE")" && ! agent_holds "$(home "$HOST_KEY_FILE")"; then
  die "the private key $HOST_KEY_FILE has a passphrase, and no SSH agent (SSH_AUTH_SOCK) holds it: ssh-add $HOST_KEY_FILE, or use a key without a passphrase"
fi
# The remote bash is to expand these. Its login shell may be any, so there are no quotes in it, exclamation marks or backslashes.
# Its first line tells the answer from what the login prints before. At its end, perl listens at a socket, to be called over a forwarded one.
socket=$folder.sock
# shellcheck disable=SC2016
asked='echo; echo "port ${SSH_CONNECTION##* }"; test "$(id -u)" = 0 || sudo -n true || echo no-sudo; cat /etc/ssh/ssh_host_*_key.pub || true; sed s/^/os-release:/ /etc/os-release; test -e /usr/bin/pveversion && echo system:proxmox-ve
exec 2> /dev/null; perl -MSocket -e "alarm(10); umask(077); socket(S,1,1,0) and bind(S,pack_sockaddr_un(join(q(),@ARGV))) and listen(S,1) or exit; syswrite(STDOUT,join(chr(10),q(listening),q())); accept(C,S); syswrite(C,join(chr(10),q(hello),q()))" '"$socket; rm -f $socket"
asked=${asked//$'\n'/; }
errors=$folder/errors
exec 8< <(exec ssh -M -S "$folder/ssh" "${options[@]}" "$HOST_ADDRESS" "exec env LC_ALL=C bash --norc -c '$asked'" 2> "$errors" < /dev/null)
login=$!
all=
code=
deadline=$((SECONDS + 30))
while [ -z "$code" ]; do
  line=
  if IFS= read -r -t $((deadline > SECONDS ? deadline - SECONDS : 1)) -u 8 line; then
    if [ "$line" = listening ]; then code=0; else all+=$line$'\n'; fi
  elif [ $? -gt 128 ]; then
    code=124
  else
    all+=$line
    code=0
    wait "$login" || code=$?
  fi
done
last_words() { grep -v '^debug' "$errors" | tail -n 1 | tr -d '\r'; }
[ "$code" != 124 ] ||
  die "its host key is right, but nothing came within 30 s: does a login shell, its home folder (a mount that hangs?) or a ForceCommand of its sshd keep it waiting?"
if [ "$code" = 255 ]; then
  ! grep -q 'Host key verification failed' "$errors" || refuse_key ", and OpenSSH does not trust it either"
  ! grep -q 'administratively prohibited' "$errors" || jump_leads_nowhere
  die "its host key is right, but logging in failed: $(last_words). Is ${HOST_KEY_FILE:-one of your SSH keys} allowed there (ssh-copy-id)?"
fi
said=$(sed -E '/^port [0-9]+$/,$d' <<< "$all" | grep . | head -n 1 || true)
answer=$(sed -nE '/^port [0-9]+$/,$p' <<< "$all")
[ -n "$answer" ] ||
  die "logging in works, but no command runs there (exit code $code): ${said:-$(last_words)}. Is bash installed, and what are the login shell and sshd's ForceCommand?"
[ -z "$said" ] ||
  die "the login of $HOST_USER prints something (\"$said\") where programs expect the answers to their commands: let ~/.bashrc, or what else it reads, print in interactive shells alone (case \$- in *i*) ... esac)"
! grep -qFx no-sudo <<< "$answer" ||
  die "$HOST_USER may not become root there: log in as root, or allow it sudo without a password"


# shellcheck source=hosts/system-problem.sh
. "$(dirname "$0")/system-problem.sh"
problem=$(system_problem "$(sed -n 's/^os-release://p' <<< "$answer")" "$(sed -n 's/^system://p' <<< "$answer")" 2> "$folder/system")
[ -z "$problem" ] || die "$problem"
[ ! -s "$folder/system" ] || echo "host $HOST_NAME: $(cat "$folder/system")" >&2

# libvirt is reached over a socket that sshd connects to. Only where perl listens can it be tried.
forwards() {
  local port said='' attempt
  for attempt in 1 2 3; do
    port=$((20000 + RANDOM % 12000))
    ! ssh -F none -S "$folder/ssh" -O forward -L "127.0.0.1:$port:$socket" "$HOST_ADDRESS" 2>/dev/null || break
    [ "$attempt" != 3 ] || return 0
  done
  exec 7<> "/dev/tcp/127.0.0.1/$port" && IFS= read -r -t 10 -u 7 said || true
  [ "$said" = hello ]
}
[ "$line" != listening ] || forwards 2>/dev/null ||
  die "its sshd forwards no connection to a Unix socket, over which libvirt is reached there. In /etc/ssh/sshd_config and sshd_config.d, set AllowStreamLocalForwarding and AllowTcpForwarding to yes (or local), and DisableForwarding to no for $HOST_USER (\`sshd -T | grep -i forwarding\` tells what holds), take restrict and no-port-forwarding from the key in its authorized_keys, and reload sshd"

# OpenSSH's verdict, where the files did not say it: the key that it was shown. A certificate is no such key.
shown=$(sed -nE 's/^debug1: Server host key: \S+ (SHA256:\S+).*/\1/p' "$errors" | tr -d '\r' | tail -n 1)
if [ "$level" = DEBUG1 ]; then
  trusted=
  while read -r key; do
    [ "$(ssh-keygen -l -f /dev/stdin <<< "$key" | cut -d ' ' -f 2)" != "$shown" ] || trusted=$key
  done <<< "$offered"
fi
# The host itself, over a connection that is trusted, vouches for its other keys.
own=$(awk '{ print $1, $2 }' <<< "$answer")
vouched=$(grep -Fx -f <(printf '%s\n%s\n' "$trusted" "$own") <<< "$offered" || true)
[ -n "$vouched" ] ||
  die "OpenSSH trusts it, and its host keys cannot be told: neither does OpenSSH know one of them (a certificate?), nor may $HOST_USER read /etc/ssh/ssh_host_*_key.pub there. Pulumi's command provider needs a key: set ssh.knownHosts to accept-new in the stack's config"

# libvirt's provider has an SSH client of its own, which reads one file, knows no alias, and asks for the first of these kinds that there is.
if [ -z "$KNOWN_HOSTS_FILE" ]; then
  key=$(for type in ssh-ed25519 ssh-rsa ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521; do grep "^$type " <<< "$offered" || true; done | head -n 1)
  add='Add it there'
  grep -qFx "$key" <<< "$vouched" || add="Compare it with $HOST_NAME's own in /etc/ssh, and add it there"
  file=$(sed -n 's/^userknownhostsfile //p' <<< "$configured")
  case $file in
    *"/.ssh/known_hosts "*/.ssh/known_hosts2) file=$HOME/.ssh/known_hosts ;;
    *)
      ! grep -qisE '^[[:space:]]*UserKnownHostsFile.*~' "$HOME/.ssh/config" ||
        die "libvirt's provider takes UserKnownHostsFile of ~/.ssh/config word by word: write it there as one path without a tilde ($file)"
      ;;
  esac
  wanted=$key
  ! grep -qisE '^[[:space:]]*HostKeyAlgorithms' "$HOME/.ssh/config" || wanted=$vouched # it goes by that
  keys_of "$plain" "$file" | grep -qFx -f <(printf '%s\n' "$wanted") ||
    die "OpenSSH trusts its host key, and libvirt's provider, which has an SSH client of its own, does not: of OpenSSH's settings it knows neither HostKeyAlias, GlobalKnownHostsFile, KnownHostsCommand, VerifyHostKeyDNS nor certificates, and looks for the name '$plain' with a key of the kind ${key%% *} in $file alone. $add: echo '$plain $key' >> '$file'. Or set ssh.knownHosts to accept-new in the stack's config, which has a file of its own for all clients"
fi

# libvirt's provider looks for a jump host's key in the same file. OpenSSH has just come by it, and so trusts one of its keys.
trust_jump() {
  local said port known offered trusted
  said=$(ssh -G -T "ssh://$jump")
  port=$(sed -n 's/^port //p' <<< "$said")
  plain=$(sed -n 's/^hostname //p' <<< "$said")
  offered=$(ssh-keyscan -T 5 -p "$port" -t ed25519,ecdsa,rsa "$plain" 2> /dev/null < /dev/null | awk '$2 ~ /^(ssh|ecdsa)-/ { print $2, $3 }' || true)
  entry=$(sed -n 's/^hostkeyalias //p' <<< "$said")
  [ "$port" = 22 ] || plain="[$plain]:$port"
  entry=${entry:-$plain}
  known=$(keys_of "$plain" "${known_files[0]}")
  if [ -n "$known" ]; then
    grep -qFx -f <(printf '%s\n' "$known") <<< "$offered" ||
      die "the jump host $jump has another key than the one in ${known_files[0]}. If it was installed anew, forget the old one: ssh-keygen -R '$plain' -f '${known_files[0]}'"
    return
  fi
  read -ra files <<< "$(sed -n 's/^\(user\|global\)knownhostsfile //p' <<< "$said" | tr '\n' ' ')"
  for i in "${!files[@]}"; do files[i]=$(home "${files[i]}"); done
  trusted=$(keys_of "$entry" "${files[@]}")
  # Those of other kinds are taken down with it, as at the first contact with any host.
  if [ -z "$offered" ] || { [ -n "$trusted" ] && ! grep -qFx -f <(printf '%s\n' "$trusted") <<< "$offered"; }; then offered=$trusted; fi
  [ -z "$offered" ] || trust "$offered"
}
if [ -n "$jump" ] && [ -n "$KNOWN_HOSTS_FILE" ]; then (trust_jump); fi

# The scripts that prepare the host, for commands to call by name and version (hosts/script.ts): each appears there whole.
put_scripts() {
  local bundle=$folder/scripts script name unpack as_root
  mkdir "$bundle"
  for script in "$(dirname "$0")"/scripts/*.sh; do
    name=$(basename "$script" .sh)
    cp "$script" "$bundle/$name-$(sha256sum < "$script" | cut -c1-12).sh"
  done
  # shellcheck disable=SC2016
  unpack='umask 022; own='"${SCRIPT_FOLDER:-/var/lib/kvm-migration-testbed/scripts}"'; mkdir -p $own/new.$$ && tar -x -f - -C $own/new.$$ && mv -f $own/new.$$/*.sh $own/ && rmdir $own/new.$$'
  as_root=env
  [ "$HOST_USER" = root ] || as_root='sudo -n env'
  tar -c -f - --owner=0 --group=0 -C "$bundle" . |
    ssh -S "$folder/ssh" "${options[@]}" "$HOST_ADDRESS" "exec $as_root LC_ALL=C bash --norc -c '$unpack'" 2> "$errors" ||
    die "the scripts that prepare it could not be put there: $(last_words). Is its disk full or read-only?"
}
[ "${SCRIPT_FOLDER-}" = none ] || put_scripts

by_preference "$vouched" | head -n 1
sed -n 's/^port //p' <<< "$answer"
