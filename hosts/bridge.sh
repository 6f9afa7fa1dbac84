# A bridge that guests are connected to, with one of the host's interfaces as its uplink. A bridge that exists is used
# as it is. A new one takes over the uplink's addresses, so the SSH connection this runs over is at stake: the change
# is made by a job of the host's own, which takes it back unless bridge-confirm.sh says in time, over a new
# connection, that the host can still be reached.
# ACTION: apply|remove. BRIDGE: its name. UPLINK: an interface, or empty: the one that carries the SSH connection.

confirm_seconds=60
files=/etc/systemd/network/05-kvm-migration-testbed-$BRIDGE
verdict=/run/kvm-migration-testbed-bridge-$BRIDGE

# These two run in the job, with the variables above and `uplink`.
switch_over() {
  sleep 0.3 # the command that started the job shall get its answer out
  for kind in .netdev -uplink.network .network; do mv "$files$kind.new" "$files$kind"; done
  networkctl reload
  for _ in $(seq $((confirm_seconds * 10))); do
    [ "$(cat "$verdict")" != confirmed ] || return 0
    sleep 0.1
  done
  take_back
  echo "taken back: nobody reached the host over the bridge within $confirm_seconds s" > "$verdict"
}
take_back() {
  rm -f "$files".netdev "$files"-uplink.network "$files".network
  networkctl reload
  ip link delete "$BRIDGE" || true
  networkctl reconfigure "$uplink"
}
job() {
  systemd-run --quiet --collect --unit="kvm-migration-testbed-$BRIDGE" \
    bash -c "$(declare -p BRIDGE confirm_seconds files verdict uplink); $(declare -f switch_over take_back); $1"
}

if [ "$ACTION" = remove ]; then
  rm -f "$verdict"
  [ -e "$files.netdev" ] || exit 0
  uplink=$(sed -n 's/^Name=//p' "$files-uplink.network")
  job take_back
  exit 0
fi

# A bridge that was there before, or that an earlier run made.
if [ -d "/sys/class/net/$BRIDGE" ]; then
  [ -d "/sys/class/net/$BRIDGE/bridge" ] ||
    die "the interface $BRIDGE is not a bridge: give the bridge of this testbed another name"
  [ -e "$verdict" ] || echo confirmed > "$verdict"
  exit 0
fi

uplink=$UPLINK
if [ -z "$uplink" ]; then
  # SSH_CONNECTION: client's address and port, server's address and port.
  read -r _ _ address _ <<< "${SSH_CONNECTION:-}"
  uplink=$(ip -o addr show to "$address" | awk '{ print $2; exit }')
  [ -n "$uplink" ] || die "no interface here has the address ${address:-of the SSH connection}: name the bridge's uplink in the stack's config"
fi
[ -d "/sys/class/net/$uplink" ] || die "there is no interface $uplink: the bridge's uplink must be one of $(ls /sys/class/net | paste -sd ' ')"
[ "$uplink" != lo ] || die "the SSH connection comes in over the loopback interface: name the bridge's uplink in the stack's config"

by_hand="Make a bridge called $BRIDGE with $uplink in it yourself (it will be used as it is), or name an existing bridge"
if [ "$(nmcli -g GENERAL.STATE device show "$uplink" 2>/dev/null | cut -d ' ' -f 1)" -gt 10 ] 2>/dev/null; then
  die "$uplink is configured by NetworkManager, and only systemd-networkd's settings can be moved to a new bridge. $by_hand"
fi
if grep -qsE "^[[:space:]]*iface[[:space:]]+${uplink}[[:space:]]" /etc/network/interfaces /etc/network/interfaces.d/*; then
  die "$uplink is configured by ifupdown (/etc/network/interfaces), and only systemd-networkd's settings can be moved to a new bridge. $by_hand"
fi
original=$(networkctl status --no-pager "$uplink" 2>/dev/null | sed -n 's/^ *Network File: //p')
[ -f "$original" ] || die "$uplink is not configured by systemd-networkd, and only its settings can be moved to a new bridge. $by_hand"

write "$files.netdev.new" <<NETDEV
# Written by kvm-migration-testbed.
[NetDev]
Name=$BRIDGE
Kind=bridge
# The uplink's own: a DHCP server and the neighbours' tables know the host by it.
MACAddress=$(cat "/sys/class/net/$uplink/address")
[Bridge]
STP=no
ForwardDelaySec=0
NETDEV
write "$files-uplink.network.new" <<NETWORK
# Written by kvm-migration-testbed.
[Match]
Name=$uplink
[Network]
Bridge=$BRIDGE
LinkLocalAddressing=no
NETWORK
# The bridge's network is the uplink's, word by word, but for what it applies to.
{
  echo "# Written by kvm-migration-testbed, from $original and its drop-ins."
  printf '[Match]\nName=%s\n' "$BRIDGE"
  shopt -s nullglob
  cat "$original" {/etc,/run,/usr/lib,/lib}/systemd/network/"${original##*/}".d/*.conf |
    awk '/^\[/ { skip = /^\[(Match|Link)\]/ } !skip'
} | write "$files.network.new"

echo pending > "$verdict"
job switch_over
