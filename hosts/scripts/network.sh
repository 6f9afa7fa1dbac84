# libvirt's network on the bridge, by the same name on every host: it starts with the host. One that is there already is used as it is.
# ACTION: apply|remove, which takes away only what was made here. NETWORK: its name. BRIDGE: the bridge's.

virsh=(virsh --quiet --connect qemu:///system)

if [ "$ACTION" = remove ]; then
  if remembers made-networks "$NETWORK"; then
    "${virsh[@]}" net-destroy "$NETWORK" > /dev/null 2>&1 || true
    "${virsh[@]}" net-undefine "$NETWORK" > /dev/null 2>&1 || true
    forget made-networks "$NETWORK"
  fi
  exit 0
fi

escaped() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g' <<< "$1"; }
if ! "${virsh[@]}" net-uuid "$NETWORK" > /dev/null 2>&1; then
  remembers made-networks "$NETWORK" || remember made-networks "$NETWORK"
  "${virsh[@]}" net-define /dev/stdin > /dev/null << XML
<network>
  <name>$(escaped "$NETWORK")</name>
  <forward mode="bridge"/>
  <bridge name="$(escaped "$BRIDGE")"/>
</network>
XML
fi
joined=$("${virsh[@]}" net-info "$NETWORK" | sed -n 's/^Bridge: *//p')
[ "$joined" = "$BRIDGE" ] ||
  die "libvirt has a network called $NETWORK already, on ${joined:-no bridge}, where the testbed's is to be on $BRIDGE. It was left as it is; take it away if nobody needs it (virsh net-destroy $NETWORK; virsh net-undefine $NETWORK), then run \`pulumi up\`"
"${virsh[@]}" net-autostart "$NETWORK" > /dev/null
is_active() { "${virsh[@]}" net-info "$NETWORK" | grep '^Active: *yes$' > /dev/null; }
is_active || "${virsh[@]}" net-start "$NETWORK" > /dev/null || is_active
