# Mounts the storage host's export at the path it has there, with the kernel's client, now and after every boot.
# ACTION: apply|remove. TRANSPORT: kernel, or userspace: then nothing is to be mounted. SERVER: the storage host's
# address. EXPORT: the folder.

name=$(systemd-escape --path --suffix=mount "$EXPORT")
unit=/etc/systemd/system/$name

if [ "$ACTION" = remove ] || [ "$TRANSPORT" != kernel ]; then
  if [ -e "$unit" ]; then
    systemctl --quiet disable --now "$name"
    drop "$unit"
    systemctl daemon-reload
    rmdir "$EXPORT" 2>/dev/null || true
  fi
  exit 0
fi

if mountpoint -q "$EXPORT" && [ ! -e "$unit" ]; then
  die "$EXPORT is a mount already ($(findmnt -n -o SOURCE,FSTYPE "$EXPORT")): unmount it, or choose another storage.export in the stack's config"
fi
# hard: a guest waits for a server that restarts; soft would hand it an input/output error.
write "$unit" <<UNIT
# Written by kvm-migration-testbed.
[Unit]
Description=Guests' disks of kvm-migration-testbed
[Mount]
What=$SERVER:$EXPORT
Where=$EXPORT
Type=nfs4
Options=minorversion=2,hard,noatime
TimeoutSec=30
[Install]
WantedBy=remote-fs.target
UNIT
if [ -n "$changed" ] || ! mountpoint -q "$EXPORT"; then
  systemctl daemon-reload
  # A server without version 4.2 has 4.1.
  systemctl --quiet enable "$name"
  if ! systemctl restart "$name" 2>/dev/null; then
    sed -i 's/minorversion=2/minorversion=1/' "$unit"
    systemctl daemon-reload
    systemctl restart "$name" || {
      reason=$(journalctl -q -o cat -n 5 -u "$name" | grep mount.nfs | tail -n 1 || true)
      ACTION=remove
      systemctl --quiet disable "$name"
      rm -f "$unit"
      systemctl daemon-reload
      die "cannot mount $SERVER:$EXPORT with NFS 4.1 or newer: ${reason:-no answer}. Is the server running (systemctl status nfs-server, on $SERVER), and may this host reach its port 2049?"
    }
  fi
fi
