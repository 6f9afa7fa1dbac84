# Storage that is there already and is used as it is: on the storage host libvirt's pool on the folder, on a host the folder itself, mounted.
# Changes nothing, and takes nothing away.
# POOL: its name; empty: on a host. EXPORT: the folder. TRANSPORT: kernel, or userspace: then a host mounts nothing.

if [ -z "$POOL" ]; then
  [ "$TRANSPORT" = kernel ] || exit 0
  # The kernel's list: whoever looks at the folder itself waits for a server that does not answer.
  cut -d ' ' -f 2 /proc/self/mounts | grep -xF -- "$EXPORT" > /dev/null ||
    die "$EXPORT is to be there already (storage.existing), and nothing is mounted there. Mount it, now and after every boot (/etc/fstab), at the path that it has on the storage host, then run \`pulumi up\`"
  exit 0
fi

there=$(virsh --quiet --connect qemu:///system pool-dumpxml "$POOL" 2> /dev/null) ||
  die "libvirt's pool $POOL is to be there already (storage.existing), and is not. Make it (virsh pool-define-as $POOL dir --target $EXPORT; virsh pool-autostart $POOL), name another one (storage.pool), or leave out storage.existing, then run \`pulumi up\`"
is_pool_on "$there" "$EXPORT" ||
  die "libvirt's pool $POOL is not on $EXPORT. Set storage.export to its folder, or storage.pool to the name of the pool that is on $EXPORT, then run \`pulumi up\`"
