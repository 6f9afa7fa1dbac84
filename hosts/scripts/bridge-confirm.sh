# Says that the host can be reached over its new bridge (see bridge.sh): running at all, over a connection that was made
# since, is the proof; where the bridge is not up yet it ends with 75, to be run over another. With ACTION=remove, it
# waits until the bridge is gone. BRIDGE: its name. UPLINK: `none`, or anything else.

verdict=/run/kvm-migration-testbed-bridge-$BRIDGE
journal="journalctl -u kvm-migration-testbed-$BRIDGE on the host says more"
is() { if [ -e "$verdict" ]; then cat "$verdict"; fi; }
is_up() {
  [ -d "/sys/class/net/$BRIDGE/bridge" ] &&
    { [ "$UPLINK" = none ] || [ -n "$(ip -o addr show dev "$BRIDGE" scope global)" ]; }
}

case $ACTION:$(is) in
  apply:pending)
    is_up || exit 75
    echo confirmed > "$verdict"
    ;;
  apply:confirmed | remove:*) ;;
  # There before this testbed came, or made by it long ago.
  *) [ ! -d "/sys/class/net/$BRIDGE/bridge" ] || echo kept > "$verdict" ;;
esac
for _ in $(seq 200); do
  case $(is) in
    confirmed | pending) sleep 0.1 ;;
    kept) break ;;
    removed)
      rm "$verdict"
      exit 0
      ;;
    *) die "the bridge $BRIDGE was not made: $(is | grep . || echo "no word of it"). $journal" ;;
  esac
done
[ "$(is)" = kept ] || die "the bridge $BRIDGE is neither kept nor gone after 20 s. $journal"

# Packet filters see bridged frames too, where Docker and others have switched that on.
filtered=/proc/sys/net/bridge/bridge-nf-call-iptables
if [ -e $filtered ] && [ "$(cat $filtered)" = 1 ] && nft list chains 2>/dev/null | grep 'hook forward .* policy drop' > /dev/null; then
  say "$HOSTNAME: bridged traffic goes through this host's packet filter ($filtered is 1), which drops what it forwards. If guests cannot be reached, let it pass: iptables -I FORWARD -i $BRIDGE -o $BRIDGE -j ACCEPT"
fi
