# On a storage host whose pool is there already and is used as it is: libvirt has it, on the folder. Changes nothing, and takes nothing away.
# POOL: its name. EXPORT: the folder.

there=$(virsh --quiet --connect qemu:///system pool-dumpxml "$POOL" 2> /dev/null) ||
  die "libvirt's pool $POOL is to be there already (storage.existing), and is not. Make it (virsh pool-define-as $POOL dir --target $EXPORT; virsh pool-autostart $POOL), name another one (storage.pool), or leave out storage.existing, then run \`pulumi up\`"
is_pool_on "$there" "$EXPORT" ||
  die "libvirt's pool $POOL is not on $EXPORT. Set storage.export to its folder, or storage.pool to the name of the pool that is on $EXPORT, then run \`pulumi up\`"
