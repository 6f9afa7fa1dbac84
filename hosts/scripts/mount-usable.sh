# That the export, where it is mounted, answers and may be written to as root, which libvirt needs for guests' disks: one file is made, and removed.
# TRANSPORT: kernel, or userspace: then nothing is mounted. SERVER: the storage host's address. EXPORT: the folder.

[ "$TRANSPORT" = kernel ] || exit 0

# hard: what waits for a server that does not answer waits for ever, unless it is killed.
timeout --signal=KILL 30 stat --file-system "$EXPORT" > /dev/null 2>&1 || {
  [ $? = 137 ] || die "cannot read $EXPORT, which is mounted from $SERVER: $(stat --file-system "$EXPORT" 2>&1 || true)"
  die "$EXPORT is mounted, and $SERVER does not answer. Is its NFS server running (systemctl status nfs-server, there), and may this host still reach its port 2049?"
}
# libvirt gives QEMU its disks through this mount, as root. A server that was restarted may let clients wait for 90 s.
# shellcheck disable=SC2016
reason=$(timeout --signal=KILL 120 sh -c 'touch "$1" && chown 0:0 "$1"; code=$?; rm -f "$1" && exit "$code"' sh "$EXPORT/.written-by-$HOSTNAME" 2>&1) ||
  die "may not write to $SERVER:$EXPORT as root (${reason##*: }). Has that folder an entry in /etc/exports there without rw and no_root_squash (exportfs -v)? Is its file system, or the mount, read-only?"
