# On a host where the export is mounted already and is used as it is: it is (mount-usable.sh tries it). Changes nothing, and takes nothing away.
# EXPORT: the folder. TRANSPORT: kernel, or userspace: then nothing is mounted.

[ "$TRANSPORT" = kernel ] || exit 0
# The kernel's list: whoever looks at the folder itself waits for a server that does not answer.
cut -d ' ' -f 2 /proc/self/mounts | grep -xF -- "$EXPORT" > /dev/null ||
  die "$EXPORT is to be there already (storage.existing), and nothing is mounted there. Mount it, now and after every boot (/etc/fstab), at the path that it has on the storage host, then run \`pulumi up\`"
