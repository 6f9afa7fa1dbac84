# Exports a folder with nfs-ganesha: an NFS server in user space, for hosts whose kernel can't serve (containers).
# ACTION: apply|remove. EXPORT: the folder. CLIENTS: comma-separated addresses that may mount it.

conf=$system_ganesha_conf
original=$conf.before-kvm-migration-testbed

in_container || exit 0

if [ "$ACTION" = remove ]; then
  [ ! -e "$original" ] || mv "$original" "$conf"
  systemctl --quiet disable --now "$system_nfs_userspace"
  exit 0
fi

# Since version 6 it ends where it may not tell the kernel that it flushes others' memory, which a container may not, unless it is told to go
# on; earlier ones do not know that setting.
major=$({ ganesha.nfsd -v 2>/dev/null || true; } | sed -n 's/.*= V\([0-9]*\).*/\1/p')
flusher=
[ "${major:-0}" -lt 6 ] || flusher=$'\n  Allow_Set_Io_Flusher_Fail = true;'

mkdir -p -m 755 "$EXPORT"
[ -e "$original" ] || [ ! -e "$conf" ] || cp -p "$conf" "$original"
write "$conf" <<CONF
# Written by kvm-migration-testbed.
NFS_CORE_PARAM {
  # Version 4 for kernels; QEMU's own client (libnfs) speaks version 3.
  Protocols = 3, 4;$flusher
}
NFSV4 {
  # Clients may claim locks back after a restart; none of ours holds one at the server's first start.
  Lease_Lifetime = 20;
  Grace_Period = 5;
}
EXPORT {
  Export_Id = 1;
  Path = $EXPORT;
  Pseudo = $EXPORT;
  Access_Type = None;
  SecType = sys;
  FSAL { Name = VFS; }
  CLIENT {
    Clients = $CLIENTS;
    Access_Type = RW;
    # libvirt and QEMU create and own images as root.
    Squash = No_Root_Squash;
  }
}
CONF
! outdated "$system_nfs_userspace" "$conf" || systemctl restart "$system_nfs_userspace"
systemctl --quiet enable --now rpcbind.service "$system_nfs_userspace"
systemctl --quiet is-active "$system_nfs_userspace" ||
  die "the NFS server ended as soon as it was started: $(grep -h FATAL /var/log/ganesha/ganesha.log 2>/dev/null | tail -n 1 | sed 's/.*FATAL ://'). Its log is /var/log/ganesha/ganesha.log"
