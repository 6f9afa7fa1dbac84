# Says that the host can be reached over its new bridge (see bridge.sh): running at all, over a new connection, is the
# proof. BRIDGE: its name.

verdict=/run/kvm-migration-testbed-bridge-$BRIDGE

# The job may not have begun yet; what it does then takes a moment.
for _ in $(seq 100); do
  case $(cat "$verdict" 2>/dev/null) in
    confirmed) break ;;
    pending) [ ! -d "/sys/class/net/$BRIDGE/bridge" ] || [ -z "$(ip -o addr show dev "$BRIDGE" scope global)" ] || echo confirmed > "$verdict" ;;
    *) die "the bridge $BRIDGE was not made: $(cat "$verdict" 2>/dev/null || echo 'no word of it'). journalctl -u systemd-networkd on the host says more" ;;
  esac
  sleep 0.1
done
[ "$(cat "$verdict")" = confirmed ] ||
  die "the bridge $BRIDGE has no address 10 s after it was made; it is being taken back. journalctl -u systemd-networkd on the host says more"
