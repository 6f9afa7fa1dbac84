# libvirtd that stays up, with what migration and containers need of it.
# ACTION: apply|remove. MIGRATION_ADDRESS: where other hosts send guests to, or empty on one
# that runs none. LOGIN: the user who connects over SSH.

unit_dir=/etc/systemd/system/libvirtd.service.d

if [ "$ACTION" = remove ]; then
  drop "$unit_dir/kvm-migration-testbed.conf"
  rmdir "$unit_dir" 2>/dev/null || true
  block /etc/libvirt/libvirtd.conf < /dev/null
  block /etc/libvirt/qemu.conf < /dev/null
  if remembers libvirt-group "$LOGIN"; then
    gpasswd --delete "$LOGIN" libvirt > /dev/null || true
    forget libvirt-group "$LOGIN"
  fi
else
  # A daemon that its socket starts exits when idle, and one that is about to exit answers a migration only when it is
  # gone and started anew: two minutes later.
  write "$unit_dir/kvm-migration-testbed.conf" <<< '[Service]
Environment=LIBVIRTD_ARGS='

  # libvirt refuses to migrate between hosts with one UUID, and takes it from the mainboard: containers share it, and
  # some makers give every board the same.
  uuid=$(cat /sys/class/dmi/id/product_uuid 2>/dev/null || true)
  distinct_digits=$(printf %s "${uuid//-/}" | fold -w1 | sort -u | wc -l)
  if in_container || [ "$distinct_digits" -le 1 ] || [ "${uuid,,}" = 03000200-0400-0500-0006-000700080009 ]; then
    block /etc/libvirt/libvirtd.conf top <<< 'host_uuid_source = "machine-id"'
  else
    block /etc/libvirt/libvirtd.conf < /dev/null
  fi

  {
    # Without it libvirt advertises the host's name, which the other host need not know.
    [ -z "$MIGRATION_ADDRESS" ] || echo "migration_host = \"$MIGRATION_ADDRESS\""
    if in_container; then
      # A container may not make device nodes, control groups or security labels for its guests, nor remember an
      # owner in the extended attributes of an image on NFS. /dev/kvm has the group number of the machine outside.
      echo 'namespaces = []'
      echo 'cgroup_controllers = []'
      echo 'security_driver = "none"'
      echo 'remember_owner = 0'
      echo 'user = "root"'
      echo 'group = "root"'
    fi
  } | block /etc/libvirt/qemu.conf top

  if [ "$LOGIN" != root ] && [[ " $(id -nG "$LOGIN") " != *" libvirt "* ]]; then
    remember libvirt-group "$LOGIN"
    gpasswd --add "$LOGIN" libvirt > /dev/null
  fi
fi

if [ -n "$changed" ] || outdated libvirtd.service "$unit_dir" /etc/libvirt/libvirtd.conf /etc/libvirt/qemu.conf; then
  systemctl daemon-reload
  # Guests live on: QEMU processes do not belong to the daemon.
  systemctl try-restart libvirtd.service
fi
if [ "$ACTION" = remove ]; then
  unservice libvirtd.service
else
  service libvirtd.service
  virsh --connect qemu:///system version > /dev/null || die "libvirtd does not answer: journalctl -u libvirtd says why"
fi
