# Exports a folder with the kernel's NFS server, on machines that are not containers.
# ACTION: apply|remove. EXPORT: the folder. CLIENTS: comma-separated addresses that may mount it.
# TRANSPORT: kernel where only kernels mount it; with anything else QEMU's own client may, too.

! in_container || exit 0

exports=/etc/exports.d/kvm-migration-testbed.exports

if [ "$ACTION" = remove ]; then
  drop "$exports"
  [ -z "$changed" ] || exportfs -ra
  unmake_folder "$(dirname "$exports")"
  unservice "$system_nfs_kernel"
  unmake_folder "$EXPORT" # it stays if there is something in it
  exit 0
fi

make_folder "$EXPORT"
make_folder "$(dirname "$exports")"
# libvirt and QEMU create and own images as root. Where only kernels mount, a port that is root's keeps a host's other users from
# being root here; QEMU's own client may come from any port.
ports=insecure
[ "$TRANSPORT" != kernel ] || ports=secure
{
  echo "# Written by kvm-migration-testbed."
  for client in ${CLIENTS//,/ }; do echo "$EXPORT $client(rw,sync,no_root_squash,no_subtree_check,$ports)"; done
} | write "$exports"
service "$system_nfs_kernel"
refused=$(exportfs -ra 2>&1) ||
  die "the NFS server does not export $EXPORT to $CLIENTS as it is needed: $refused. If /etc/exports has an entry of its own for that folder, remove that"
