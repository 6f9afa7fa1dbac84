# root on this host may log in as root on the other KVM hosts, and they here, with a key made for this testbed:
# libvirt's connection from source to destination (qemu+ssh) and the copies of an offline move go that way.
# A connection that a preflight left open for a moment is used again.
# ACTION: apply|remove. PRIVATE_KEY, PUBLIC_KEY: that key. HOSTS: lines
# "name address port keytype key", this host too; the address is the one that hosts use among themselves.
# FROM: the addresses and names that the other hosts may come from.

key=/root/.ssh/id_kvm-migration-testbed
known=/etc/ssh/kvm-migration-testbed_known_hosts

if [ "$ACTION" = remove ]; then
  rm -f "$key" "$key.pub" "$known" /etc/ssh/ssh_config.d/kvm-migration-testbed.conf
  block /root/.ssh/authorized_keys < /dev/null
  unmake_folder /root/.ssh
  block /etc/hosts < /dev/null
  exit 0
fi

make_folder /root/.ssh
chmod 700 /root/.ssh
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
# A host without others lets nobody in.
block /root/.ssh/authorized_keys <<< "${from:+from=\"$from\",restrict $PUBLIC_KEY}"

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
  IdentityFile $key
  GlobalKnownHostsFile $known
  HostKeyAlgorithms ${key_type/ssh-rsa/rsa-sha2-512,rsa-sha2-256}
  ConnectTimeout 10
  ControlPath /run/kvm-migration-testbed-%C
CONFIG
done <<< "$HOSTS" | write /etc/ssh/ssh_config.d/kvm-migration-testbed.conf
