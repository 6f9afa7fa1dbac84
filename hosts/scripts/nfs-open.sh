# Proves that QEMU's own NFS client (libnfs) gets into the storage host's export from here.
# TRANSPORT: userspace, or kernel: then it is not used. SERVER: the storage host's address. EXPORT: the folder.

[ "$TRANSPORT" = userspace ] || exit 0

# A freshly started server may take a few seconds to answer. What is asked for is not there: that answer is the proof.
for try in 1 2 3 4 5 6 7 8 9 10; do
  answer=$(timeout 10 qemu-img info "nfs://$SERVER$EXPORT/.kvm-migration-testbed" 2>&1) || true
  case $answer in
    *NFS3ERR_NOENT*) exit 0 ;;
    *NFS3ERR_* | *MNT3ERR_*) break ;;
  esac
  [ "$try" = 10 ] || sleep 0.5
done
die "QEMU's NFS client cannot open $EXPORT on $SERVER: ${answer:-no answer within 10 s}. Is the NFS server there running, does it export that folder to this host, and is qemu-block-extra installed here?"
