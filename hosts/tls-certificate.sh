# A host's certificate, signed on this machine: prints its key and the certificate, which is for both ends of a connection.
# NAME, ADDRESS: the host's, the latter as the other hosts reach it. Standard input: the authority's key and certificate.
set -euo pipefail
umask 077

# In memory, where the machine has that: keys are not left on a disk.
folder=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$folder"' EXIT
cat > "$folder/ca"

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$NAME" \
  -keyout "$folder/key" -out "$folder/request" 2>/dev/null
openssl x509 -req -in "$folder/request" -CA "$folder/ca" -CAkey "$folder/ca" -set_serial "0x00$(openssl rand -hex 16)" -days 3650 \
  -extfile - -out "$folder/certificate" 2>/dev/null <<EXTENSIONS
basicConstraints = critical, CA:FALSE
# QEMU asks for both, whatever the kind of key.
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:$NAME, IP:$ADDRESS
EXTENSIONS
cat "$folder/key" "$folder/certificate"
