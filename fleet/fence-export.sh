# Closes the storage host's export to one client, and proves it: a write that this client could make before is refused after it. Runs on the
# storage host, as root, with bash. Prints "refused", or why it is not proved.
# CLIENT: the client's address. SERVER: the address at which hosts reach the NFS server. EXPORT: the folder. PROBE: the text of
# fence-probe.py.
set -euo pipefail
export LC_ALL=C

ganesha=/etc/ganesha/ganesha.conf
exports=/etc/exports.d/kvm-migration-testbed.exports
marker='Written by kvm-migration-testbed'
proof=.fence-$CLIENT-$$

unproved() {
  echo "$*"
  exit
}

server=$(getent ahostsv4 "$SERVER" | awk '{ print $1; exit }' || true)
[ -n "$server" ] || unproved "$HOSTNAME does not know its own name for the hosts, $SERVER"

# A network of its own, in which this machine is the client: what it sends comes from its address. It goes with its processes.
as_client() { # as_client COMMAND...
  unshare --net sleep 120 &
  net=$!
  until [ "$(readlink "/proc/$net/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
  ip link add fence0 type veth peer name fence1
  ip link set fence1 netns "$net"
  ip link set fence0 up
  ip route replace "$CLIENT/32" dev fence0
  nsenter --target="$net" --net sh -c 'ip link set lo up && ip addr add "$1/32" dev fence1 && ip link set fence1 up && ip route add "$2/32" dev fence1' sh "$CLIENT" "$server"
  nsenter --target="$net" --net timeout 90 "$@"
  kill "$net"
}
end_client() {
  ip link delete fence0 2>/dev/null || true
  [ -z "$(jobs -p)" ] || kill $(jobs -p) 2>/dev/null || true
  rm -f "$EXPORT/$proof"
}
trap end_client EXIT

close_ganesha() {
  local since
  since=$(systemctl show --timestamp=us+utc --property=ActiveEnterTimestamp --value nfs-ganesha.service)
  sed -i -E "/^ *Clients = /{s/([ ,])${CLIENT//./\\.}([,;])/\1\2/; s/= *,/= /; s/,,/,/; s/,;/;/}" "$ganesha"
  # It reads it now. Newer than its start, the file would have it restarted, with a time in which nobody may write.
  touch -d "$since" "$ganesha"
  systemctl reload nfs-ganesha.service
}

close_kernel() {
  local client
  sed -i "\\, ${CLIENT//./\\.}(,d" "$exports"
  exportfs -ra
  # What it has open by NFS 4, it has no more.
  for client in /proc/fs/nfsd/clients/*; do
    grep -qs "^address: \"${CLIENT//./\\.}:" "$client/info" || continue
    echo expire > "$client/ctl"
  done
}

if grep -qs "$marker" "$ganesha" && systemctl --quiet is-active nfs-ganesha.service; then
  close=close_ganesha
elif grep -qs "$marker" "$exports" && systemctl --quiet is-active nfs-server.service; then
  close=close_kernel
else
  unproved "there is no NFS server here that this testbed has set up"
fi
for program in unshare nsenter ip python3; do
  command -v "$program" > /dev/null || unproved "$program is missing on $HOSTNAME"
done

coproc client { as_client python3 -c "$PROBE" "$server" "$EXPORT" "$proof" 2>&1; }
read -r -t 60 before <&"${client[0]}" || before="no answer within 60 s"
case $before in
  # It was closed by an earlier run.
  refused:*) "$close"; echo refused; exit ;;
  written) ;;
  *) unproved "a write as $CLIENT can't be tried ($before)" ;;
esac
"$close"
# The server may take a moment for it.
sleep 2
echo >&"${client[1]}"
read -r -t 60 after <&"${client[0]}" || after="no answer within 60 s"
case $after in
  refused:*) echo refused ;;
  *) unproved "a write as $CLIENT is not refused ($after)" ;;
esac
