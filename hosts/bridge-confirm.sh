# Says that the host can be reached over its new bridge (see bridge.sh): running at all, over a new connection, is the
# proof. Or, with ACTION=remove, waits until the bridge is gone. BRIDGE: its name. UPLINK: `none`, or anything else.

verdict=/run/kvm-migration-testbed-bridge-$BRIDGE
journal="journalctl -u kvm-migration-testbed-$BRIDGE on the host says more"

has_address() { [ "$UPLINK" = none ] || [ -n "$(ip -o addr show dev "$BRIDGE" scope global)" ]; }

# There before this testbed came, or made by it long ago.
case $ACTION:$(cat "$verdict" 2>/dev/null) in
  apply:pending | apply:confirmed) ;;
  apply:*) [ ! -d "/sys/class/net/$BRIDGE/bridge" ] || echo kept > "$verdict" ;;
esac
# The job may not have begun yet; what it does then takes a moment.
for _ in $(seq 200); do
  case $ACTION:$(cat "$verdict" 2>/dev/null) in
    apply:kept | remove:removed) break ;;
    apply:pending) [ ! -d "/sys/class/net/$BRIDGE/bridge" ] || ! has_address || echo confirmed > "$verdict" ;;
    apply:confirmed | remove:pending) ;;
    *) die "the bridge $BRIDGE was not ${ACTION/%apply/made}: $(cat "$verdict" 2>/dev/null || echo 'no word of it'). $journal" ;;
  esac
  sleep 0.1
done
case $ACTION:$(cat "$verdict") in
  remove:removed) rm -f "$verdict" ;;
  remove:*) die "the bridge $BRIDGE is not gone after 20 s. $journal" ;;
  apply:kept) ;;
  *) die "the bridge $BRIDGE has no address 20 s after it was made; it is being taken back. $journal" ;;
esac

# Packet filters see bridged frames too, where Docker and others have switched that on.
if [ "$ACTION" = apply ] && [ "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null)" = 1 ] &&
  nft list chains 2>/dev/null | grep -q 'hook forward .* policy drop'; then
  say "$HOSTNAME: bridged traffic goes through this host's packet filter (net.bridge.bridge-nf-call-iptables is 1), which drops what it forwards. If guests cannot be reached, let it pass: iptables -I FORWARD -i $BRIDGE -o $BRIDGE -j ACCEPT"
fi
