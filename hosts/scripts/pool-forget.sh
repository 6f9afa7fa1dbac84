# Takes libvirt's pool on a folder away, and leaves the folder's content alone. Deleting the pool through libvirt would
# delete the folder: impossible where it is a mount, an error where somebody else's files are in it.
# ACTION: remove, or apply: then only where TRANSPORT is userspace, and nothing is mounted any more. POOL: its name.
# EXPORT: the folder.

[ "$ACTION" = remove ] || [ "$TRANSPORT" = userspace ] || exit 0

virsh=(virsh --quiet --connect qemu:///system)
pool=$("${virsh[@]}" pool-dumpxml "$POOL" 2>/dev/null) || exit 0
if is_pool_on "$pool" "$EXPORT"; then
  "${virsh[@]}" pool-destroy "$POOL" 2>/dev/null || true
  "${virsh[@]}" pool-undefine "$POOL"
fi
