# Looks at what a new bridge concerns of a host's network, and changes nothing. Prints nothing where the bridge is there
# already; otherwise lines that bridge-plan.ts reads: a key, for a file its path, and the value in base64.
# BRIDGE: its name. UPLINK: an interface, `none`, or empty: the one that carries the SSH connection.

tell() { printf '%s %s\n' "$1" "$(printf %s "$2" | base64 -w 0)"; }
tell_file() { printf 'file %s %s\n' "$1" "$(base64 -w 0 < "$1")"; }
# /etc/network/interfaces, and what it sources.
tell_ifupdown_files() {
  tell_file /etc/network/interfaces
  local word path
  while read -r word path _; do
    case $word in
      source) ;;
      source-dir*) path+="/*" ;;
      *) continue ;;
    esac
    [[ $path == /* ]] || path=/etc/network/$path
    # The pattern is to be expanded.
    # shellcheck disable=SC2086
    for path in $path; do [ ! -f "$path" ] || tell_file "$path"; done
  done < /etc/network/interfaces
}
# Lines in which other settings speak of the uplink; bridge-mentions.ts knows which of them matter.
tell_mentions() {
  local path line
  while IFS= read -r -d '' path && IFS= read -r line; do
    printf 'mention %s %s\n' "$path" "$(base64 -w 0 <<< "$line")"
  done < <(grep -rIHZsFw -- "$1" /etc/{systemd/network,netplan,networkd-dispatcher,network,sysctl.conf,sysctl.d,nftables.conf,nftables.d,iptables,ufw,dhcp,dnsmasq.conf,dnsmasq.d} | head -n 200 || true)
}
has_networkd() { systemctl --quiet is-active systemd-networkd.service; }
has_ifupdown() { [ -e /etc/network/interfaces ] && command -v ifup > /dev/null; }
by_hand() { echo "Make a bridge called $BRIDGE${1:+ with $1 in it} yourself (it will be used as it is), or name another bridge or uplink in the stack's config"; }

if [ -d "/sys/class/net/$BRIDGE" ]; then
  [ -d "/sys/class/net/$BRIDGE/bridge" ] ||
    die "the interface $BRIDGE is not a bridge: give the bridge of this testbed another name"
  exit 0
fi
! systemctl --quiet is-active "kvm-migration-testbed-$BRIDGE.service" ||
  die "$BRIDGE is being made or taken back by an earlier run: run this again in a minute"
state=$own_state/bridge-$BRIDGE
[ ! -e "$state/kept" ] ||
  die "$BRIDGE was made by this testbed, and is gone, though its settings are there ($(cd "$state/keep" && find . -type f -printf '%P ' | sed 's,[^ ]*,/&,g')). A reboot brings it back"

if [ "$UPLINK" = none ]; then
  if has_networkd; then
    if command -v netplan > /dev/null && compgen -G '/etc/netplan/*.yaml' > /dev/null; then
      tell manager netplan
    else
      tell manager networkd
    fi
  elif has_ifupdown; then
    tell manager ifupdown
    tell_ifupdown_files
  else
    die "its network is configured by neither systemd-networkd, netplan nor ifupdown, and a new bridge can only be made with one of these. $(by_hand)"
  fi
  tell bridge "$BRIDGE"
  exit 0
fi

uplink=$UPLINK
if [ -z "$uplink" ]; then
  # SSH_CONNECTION: client's address and port, server's address and port.
  read -r _ _ address _ <<< "${SSH_CONNECTION:-}"
  uplink=$(ip -o addr show to "$address" | awk '{ print $2; exit }')
  [ -n "$uplink" ] || die "no interface here has the address ${address:-of the SSH connection}: name the bridge's uplink in the stack's config"
fi
[ -d "/sys/class/net/$uplink" ] ||
  die "there is no interface $uplink: the bridge's uplink must be one of $(cd /sys/class/net && printf '%s\n' */ | sed 's,/$,,' | grep -vx lo | paste -sd ' ')"
[ "$uplink" != lo ] || die "the SSH connection comes in over the loopback interface: name the bridge's uplink in the stack's config"
[ ! -d "/sys/class/net/$uplink/wireless" ] || die "$uplink is a wireless interface, which cannot join a bridge: name another uplink in the stack's config"
[ ! -d "/sys/class/net/$uplink/bridge" ] || die "$uplink is a bridge itself: name it as the stack's bridge, and it is used as it is"
if [ -e "/sys/class/net/$uplink/master" ]; then
  master=$(basename "$(readlink "/sys/class/net/$uplink/master")")
  die "$uplink is part of $master already: if that is a bridge, name it as the stack's bridge, and it is used as it is"
fi
uppers=$(find "/sys/class/net/$uplink/" -maxdepth 1 -name 'upper_*' -printf '%f\n' | sed 's/^upper_//' | paste -sd ' ')
[ -z "$uppers" ] || die "$uplink carries $uppers, which would be cut off if it joined a new bridge. $(by_hand "$uplink")"
# 10 is unmanaged.
if [ "$(nmcli -g GENERAL.STATE device show "$uplink" 2>/dev/null | cut -d ' ' -f 1)" -gt 10 ] 2>/dev/null; then
  die "$uplink is configured by NetworkManager, and only what systemd-networkd, netplan or ifupdown configure can be moved to a new bridge. $(by_hand "$uplink")"
fi

# ifupdown first: networkd may think that it has an interface, by a file for any such, which ifupdown set up.
original=$(networkctl status --no-pager "$uplink" 2>/dev/null | sed -n 's/^ *Network File: //p' || true)
if has_ifupdown && ifquery --state "$uplink" > /dev/null 2>&1 && ifquery "$uplink" > /dev/null 2>&1; then
  tell manager ifupdown
  tell_ifupdown_files
elif [[ $original == /run/systemd/network/10-netplan-*.network ]]; then
  tell manager netplan
  definition=${original#/run/systemd/network/10-netplan-}
  tell definition "${definition%.network}"
  tell ethernets "$(netplan get ethernets)"
elif [ -f "$original" ]; then
  tell manager networkd
  tell_file "$original"
  shopt -s nullglob
  for drop_in in {/etc,/run,/usr/local/lib,/usr/lib}/systemd/network/"${original##*/}".d/*.conf; do tell_file "$drop_in"; done
else
  die "$uplink is configured by neither systemd-networkd, netplan nor ifupdown, and only their settings can be moved to a new bridge. $(by_hand "$uplink")"
fi
tell bridge "$BRIDGE"
tell uplink "$uplink"
tell mac "$(cat "/sys/class/net/$uplink/address")"
lease=/run/systemd/netif/leases/$(cat "/sys/class/net/$uplink/ifindex")
tell dhcp-client "$(sed -n 's/^CLIENTID=//p' "$lease" 2>/dev/null || true)"
tell_mentions "$uplink"
