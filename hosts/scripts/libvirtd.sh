# libvirtd that stays up, with what migration and containers need of it.
# ACTION: apply|remove. MIGRATION_ADDRESS: where other hosts send guests to, or empty on one
# that runs none. LOGIN: the user who connects over SSH.

unit_dir=/etc/systemd/system/$system_libvirt.d

if [ "$ACTION" = remove ]; then
  drop "$unit_dir/kvm-migration-testbed.conf"
  rmdir "$unit_dir" 2>/dev/null || true
  block "$system_libvirt_conf" < /dev/null
  block "$system_qemu_conf" < /dev/null
  if remembers libvirt-group "$LOGIN"; then
    gpasswd --delete "$LOGIN" "$system_libvirt_group" > /dev/null || true
    forget libvirt-group "$LOGIN"
  fi
else
  # A daemon that its socket starts exits when idle, and one that is about to exit answers a migration only when it is
  # gone and started anew: two minutes later.
  write "$unit_dir/kvm-migration-testbed.conf" <<< "[Service]
Environment=$system_libvirt_stays"

  # libvirt refuses to migrate between hosts with one UUID, and takes it from the mainboard: containers share it, and
  # some makers give every board the same.
  uuid=$(cat /sys/class/dmi/id/product_uuid 2>/dev/null || true)
  distinct_digits=$(printf %s "${uuid//-/}" | fold -w1 | sort -u | wc -l)
  if in_container || [ "$distinct_digits" -le 1 ] || [ "${uuid,,}" = 03000200-0400-0500-0006-000700080009 ]; then
    block "$system_libvirt_conf" top <<< 'host_uuid_source = "machine-id"'
  else
    block "$system_libvirt_conf" < /dev/null
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
  } | block "$system_qemu_conf" top

  if [ "$LOGIN" != root ] && [[ " $(id -nG "$LOGIN") " != *" $system_libvirt_group "* ]]; then
    remember libvirt-group "$LOGIN"
    gpasswd --add "$LOGIN" "$system_libvirt_group" > /dev/null
  fi
fi

if [ -n "$changed" ] || outdated "$system_libvirt" "$unit_dir" "$system_libvirt_conf" "$system_qemu_conf"; then
  systemctl daemon-reload
  # Guests live on: QEMU processes do not belong to the daemon.
  systemctl try-restart "$system_libvirt"
fi
if [ "$ACTION" = remove ]; then
  unservice "$system_libvirt"
else
  service "$system_libvirt"
  virsh --connect qemu:///system version > /dev/null || die "libvirtd does not answer: journalctl -u $system_libvirt says why"
fi
