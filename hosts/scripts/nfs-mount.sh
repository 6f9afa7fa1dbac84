# Mounts the storage host's export at the path it has there, with the kernel's client, now and after every boot.
# ACTION: apply|remove. TRANSPORT: kernel, or userspace: then nothing is to be mounted. SERVER: the storage host's
# address. EXPORT: the folder.

name=$(systemd-escape --path --suffix=mount "$EXPORT")
unit=/etc/systemd/system/$name

# The kernel's list: whoever looks at the folder itself waits for a server that does not answer.
mounted() { cut -d ' ' -f 2 /proc/self/mounts | grep -xF -- "$EXPORT" > /dev/null; }

# Before anything is changed: what is open there holds the mount, and the unit must stay that mounts it after a boot.
unmount() {
  local reason
  systemctl stop "$name" 2>/dev/null || true
  mounted || return 0
  reason=$(journalctl -q -o cat -n 5 -u "$name" | grep umount | tail -n 1 || true)
  die "cannot unmount $EXPORT${reason:+ ($reason)}: guests have disks open on it. Shut them down or drain this host first, and run again; nothing was changed"
}

if [ "$ACTION" = remove ] || [ "$TRANSPORT" != kernel ]; then
  if [ -e "$unit" ]; then
    unmount
    systemctl --quiet disable "$name"
    drop "$unit"
    systemctl daemon-reload
    unmake_folder "$EXPORT"
  fi
  exit 0
fi

if mounted && [ ! -e "$unit" ]; then
  die "$EXPORT is a mount already ($(findmnt -n -r -o SOURCE,FSTYPE "$EXPORT")): unmount it, or choose another storage.export in the stack's config"
fi
# A boot may come before the server's: the mount is tried for ten minutes, and libvirtd starts behind it.
# hard: a guest waits for a server that restarts; soft would hand it an input/output error.
unit_text() { # unit_text MINOR_VERSION
  cat <<UNIT
# Written by kvm-migration-testbed.
[Unit]
Description=Guests' disks of kvm-migration-testbed
[Mount]
What=$SERVER:$EXPORT
Where=$EXPORT
Type=nfs4
Options=minorversion=$1,hard,noatime,retry=10
TimeoutSec=660
[Install]
WantedBy=remote-fs.target
UNIT
}
start() {
  local code=0
  systemctl daemon-reload
  timeout 40 systemctl restart "$name" 2>/dev/null || code=$?
  [ "$code" = 0 ] || systemctl stop "$name" 2>/dev/null || true
  return "$code"
}

# Version 4.1 where an earlier run found that the server has no 4.2.
version=$(sed -n 's/^Options=minorversion=\([12]\),.*/\1/p' "$unit" 2>/dev/null || true)
if mounted && [ "$(unit_text "${version:-2}")" != "$(cat "$unit")" ]; then unmount; fi
unit_text "${version:-2}" | write "$unit"
if [ -n "$changed" ] || ! mounted; then
  systemctl --quiet enable "$name"
  make_folder "$EXPORT"
  code=0
  start || code=$?
  # Not for one that does not answer at all.
  if [ "$code" != 0 ] && [ "$code" != 124 ] && [ "${version:-2}" = 2 ]; then
    unit_text 1 | write "$unit"
    code=0
    start || code=$?
  fi
  if [ "$code" != 0 ]; then
    reason=$(journalctl -q -o cat -n 5 -u "$name" | grep mount.nfs | tail -n 1 || true)
    systemctl --quiet disable "$name"
    rm -f "$unit"
    systemctl daemon-reload
    unmake_folder "$EXPORT"
    die "cannot mount $SERVER:$EXPORT with NFS 4.1 or newer: ${reason:-no answer within 40 s}. Is the server running (systemctl status nfs-server, on $SERVER), and may this host reach its port 2049?"
  fi
fi
