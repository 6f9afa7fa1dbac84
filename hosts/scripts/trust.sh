# root on this host may log in as root on the other KVM hosts, and they here, with a key made for this testbed:
# libvirt's connection from source to destination (qemu+ssh) and the copies of an offline move go that way.
# A connection that a preflight left open for a moment is used again.
# ACTION: apply|remove. PRIVATE_KEY, PUBLIC_KEY: that key. HOSTS: lines
# "name address port keytype key", this host too; the address is the one that hosts use among themselves.
# FROM: the addresses and names that the other hosts may come from.
# STEP: "both" when the key was made anew: the former one stays beside it, to log in with and to let in, until all hosts have
# come so far; then "only" ends that. Between any two hosts there is thus a key which the one has and the other takes, and a
# run that is cut short anywhere can be repeated. Default: only.

step=${STEP:-only}
key=/root/.ssh/id_kvm-migration-testbed
known=/etc/ssh/kvm-migration-testbed_known_hosts

if [ "$ACTION" = remove ]; then
  rm -f "$key" "$key.pub" "$key".former-* "$known" /etc/ssh/ssh_config.d/kvm-migration-testbed.conf
  block /root/.ssh/authorized_keys < /dev/null
  unmake_folder /root/.ssh
  block /etc/hosts < /dev/null
  exit 0
fi

make_folder /root/.ssh
! remembers made-folders /root/.ssh || chmod 700 /root/.ssh
if [ "$step" = both ] && [ -s "$key" ] && [ "$(cat "$key")" != "$(cat <<< "$PRIVATE_KEY")" ]; then
  # Named by what is in it: repeated, it is the same file.
  former=$key.former-$(sha256sum < "$key" | cut -c1-12)
  (umask 077 && write "$former" < "$key")
fi
[ "$step" = both ] || rm -f "$key".former-*
(umask 077 && write "$key" <<< "$PRIVATE_KEY")
write "$key.pub" <<< "$PUBLIC_KEY"

# The key opens nothing to whoever has it elsewhere, and is for commands alone: libvirt's connection and copies are such.
# sshd compares addresses, so names are made into those that they have here; one that has none is left as it is.
from=
for peer in $FROM; do
  addresses=$peer
  [[ $peer =~ ^[0-9.]+$ ]] || addresses=$(getent ahostsv4 "$peer" | awk '{ print $1 }' | sort -u | paste -sd, || true)
  from+=${from:+,}${addresses:-$peer}
done
let_in() { echo "from=\"$from\",restrict $1"; }
{
  # A host without others lets nobody in.
  if [ -n "$from" ]; then
    let_in "$PUBLIC_KEY"
    if [ "$step" = both ] && [ -e /root/.ssh/authorized_keys ]; then
      sed -n '/^# BEGIN kvm-migration-testbed$/,/^# END kvm-migration-testbed$/{//!p}' /root/.ssh/authorized_keys |
        sed 's/^from="[^"]*",restrict //' | while read -r former; do
        [ "$former" = "$PUBLIC_KEY" ] || let_in "$former"
      done
    fi
  fi
} | block /root/.ssh/authorized_keys

while read -r name address _; do echo "$address $name"; done <<< "$HOSTS" | block /etc/hosts

while read -r name address port key_type host_key; do
  for entry in "$name" "$address"; do
    [ "$port" = 22 ] || entry="[$entry]:$port"
    echo "$entry $key_type $host_key"
  done
done <<< "$HOSTS" | write "$known"

while read -r name address port key_type _; do
  cat <<CONFIG
Match localuser root host $name,$address
  Port $port
$(for file in "$key" "$key".former-*; do [ ! -e "$file" ] || echo "  IdentityFile $file"; done)
  GlobalKnownHostsFile $known
  HostKeyAlgorithms ${key_type/ssh-rsa/rsa-sha2-512,rsa-sha2-256}
  ConnectTimeout 10
  ControlPath /run/kvm-migration-testbed-%C
CONFIG
done <<< "$HOSTS" | write /etc/ssh/ssh_config.d/kvm-migration-testbed.conf
