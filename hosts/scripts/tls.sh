# QEMU's certificates for migration over TLS, where libvirt looks for them if nobody told it otherwise. Those that someone else put there
# are used as they are. ACTION: apply|remove. CA, CERTIFICATE, KEY: of this host, PEM; it is both a server and a client.
# STEP: when the authority was made anew, what all hosts have done before the next step begins on any: "trust" it beside the
# former one, "present" a certificate that it signed, trust it "only". Default: only, with the certificate.

step=${STEP:-only}

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
former=
if [ "$step" != only ] && [ -e "$folder/ca-cert.pem" ]; then
  former=$(CA=$CA awk '/BEGIN CERT/ { one = "" }
    { one = one $0 "\n" }
    /END CERT/ && one != ENVIRON["CA"] "\n" { printf "%s", one }' "$folder/ca-cert.pem")
fi
write "$folder/ca-cert.pem" <<< "$CA${former:+$'\n'$former}"
# The others do not know the authority yet that signed the new one.
[ "$step" != trust ] || [ -z "$former" ] || [ ! -e "$folder/client-key.pem" ] || exit 0
for end in server client; do
  write "$folder/$end-cert.pem" <<< "$CERTIFICATE"
  (umask 077 && write "$folder/$end-key.pem" <<< "$KEY")
  # libvirt hands them to a QEMU that runs as this user, where there is one.
  ! id "$system_qemu_user" > /dev/null 2>&1 || chown "$system_qemu_user" "$folder/$end-key.pem"
done
