# Prints the address that this host has for the storage host: what it comes from when it mounts the export.
# SERVER: the storage host's address, or its name.

server=$(getent ahostsv4 "$SERVER" | awk '{ print $1; exit }' || true)
[ -n "$server" ] || die "does not know the storage host's name $SERVER: give an address in the stack's config (storage.nfsAddress), or add the name to /etc/hosts"
route=$(ip -o -4 route get "$server" 2>&1) || die "has no route to the storage host at $server (${route##*$'\n'}): mend its routes, or give the address at which it reaches that host (storage.nfsAddress in the stack's config)"
sed -n 's/.* src \([0-9.]*\).*/\1/p' <<< "$route"
