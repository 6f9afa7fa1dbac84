# QEMU's certificates for migration over TLS, where libvirt looks for them if nobody told it otherwise. Those that someone else put there
# are used as they are. ACTION: apply|remove. CA, CERTIFICATE, KEY: of this host, PEM; it is both a server and a client.

folder=/etc/pki/qemu
own=(ca-cert.pem server-cert.pem server-key.pem client-cert.pem client-key.pem)

if [ "$ACTION" = remove ]; then
  remembers tls "$folder" || exit 0
  for file in "${own[@]}"; do drop "$folder/$file"; done
  unmake_folder "$folder"
  forget tls "$folder"
  exit 0
fi

if [ -e "$folder/ca-cert.pem" ] && ! remembers tls "$folder"; then
  say "$folder has certificates of somebody else's, which are used as they are: each host's must name its migration address, and one authority sign all"
  exit 0
fi

make_folder "$folder"
remembers tls "$folder" || remember tls "$folder"
write "$folder/ca-cert.pem" <<< "$CA"
for end in server client; do
  write "$folder/$end-cert.pem" <<< "$CERTIFICATE"
  (umask 077 && write "$folder/$end-key.pem" <<< "$KEY")
  # libvirt hands them to a QEMU that runs as this user, where there is one.
  ! id libvirt-qemu > /dev/null 2>&1 || chown libvirt-qemu "$folder/$end-key.pem"
done
