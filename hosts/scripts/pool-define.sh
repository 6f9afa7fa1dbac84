# libvirt's pool on the export, where that is mounted: it starts with the host. One that is there already is used as it is (pool-free.sh
# has seen to it that it is ours); pool-forget.sh takes it away.
# TRANSPORT: kernel, or userspace: then QEMU opens the images itself, and there is no pool. POOL: its name. EXPORT: the folder.

[ "$TRANSPORT" = kernel ] || exit 0

virsh=(virsh --quiet --connect qemu:///system)
"${virsh[@]}" pool-uuid "$POOL" > /dev/null 2>&1 || "${virsh[@]}" pool-define-as "$POOL" dir --target "$EXPORT" > /dev/null
"${virsh[@]}" pool-autostart "$POOL" > /dev/null
is_active() { "${virsh[@]}" pool-info "$POOL" | grep '^State: *running$' > /dev/null; }
is_active || "${virsh[@]}" pool-start "$POOL" > /dev/null || is_active
