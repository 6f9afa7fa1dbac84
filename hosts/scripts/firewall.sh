# Opens TCP ports to other machines of the testbed, in a firewall that is on: ufw, or the nftables service. One that is
# off is left alone. What else filters here is for its owner to open: it is said what.
# ACTION: apply|remove. OPENS_FOR: what the ports are for, one word that marks these rules. PEERS: the addresses that may
# come in. TCP_PORTS: ports and ranges of them (49152-49215), and `mountd`, for that of the kernel's NFS server.

mark="kvm-migration-testbed $OPENS_FOR"
service=$system_nftables
drop_in=/etc/systemd/system/$service.d/kvm-migration-testbed-$OPENS_FOR.conf
mountd_conf=/etc/nfs.conf.d/kvm-migration-testbed.conf

# Makes addresses of names among the peers.
resolve_peers() {
  local peer known=""
  for peer in $PEERS; do
    if [[ ! $peer =~ ^[0-9.]+$ ]]; then
      peer=$(getent ahostsv4 "$peer" | awk '{ print $1 }' | sort -u || true)
      [ -n "$peer" ] ||
        die "its firewall is to let other hosts in, and one of $PEERS has no IPv4 address here: give its address in the stack's config"
    fi
    known+=$peer$'\n'
  done
  PEERS=$(printf %s "$known" | sort -u)
}
# mountd has another port after every boot, unless it is told one: this one is registered for it.
fix_mountd() {
  local port
  [[ " $TCP_PORTS " == *" mountd "* ]] || return 0
  port=$(nfsconf --get mountd port || true)
  if [ -z "$port" ]; then
    port=20048
    changed=
    printf '# Written by kvm-migration-testbed.\n[mountd]\nport=%s\n' "$port" | write "$mountd_conf"
    [ -z "$changed" ] || systemctl try-restart nfs-mountd.service
  fi
  TCP_PORTS=${TCP_PORTS/mountd/$port}
}
release_mountd() {
  [[ " $TCP_PORTS " == *" mountd "* ]] || return 0
  changed=
  drop "$mountd_conf"
  [ -z "$changed" ] || systemctl try-restart nfs-mountd.service
}

has() { command -v "$1" > /dev/null; }
is_active() { systemctl --quiet is-active "$1" 2>/dev/null; }

# --- ufw ---
# In front of others, which may limit or deny; what is allowed already stays its owner's.
ufw_apply() {
  local peer port rule wanted="" added
  added=$(ufw show added)
  for peer in $PEERS; do
    for port in $TCP_PORTS; do
      rule="allow from $peer to any port ${port/-/:} proto tcp"
      grep -F "ufw $rule" <<< "$added" | grep -vF "comment '$mark'" > /dev/null || wanted+=$rule$'\n'
    done
  done
  ufw_drop_all_but "$wanted"
  while read -r rule; do
    if [ -n "$rule" ] && ! grep -qFx "ufw $rule comment '$mark'" <<< "$added"; then
      # Words.
      # shellcheck disable=SC2086
      ufw prepend $rule comment "$mark" > /dev/null
    fi
  done <<< "$wanted"
}
ufw_drop_all_but() {
  local rule
  while read -r rule; do
    if ! grep -qFx "$rule" <<< "$1"; then
      # shellcheck disable=SC2086
      ufw --force delete $rule > /dev/null
    fi
  done < <(ufw show added | sed -n "s/^ufw \(.*\) comment '$mark'\$/\1/p")
}

# --- nftables ---
# Input chains that let in only what a rule names: "family table chain".
nft_closed_chains() {
  nft list ruleset | awk '
    $1 == "table" { family = $2; table = $3; next }
    $1 == "chain" { chain = $2; is_input = is_closed = 0; last = ""; next }
    chain == "" { next }
    $1 == "type" && $2 == "filter" && / hook input / { is_input = 1; is_closed = / policy drop;/; next }
    $1 == "}" {
      gsub(/counter packets [0-9]+ bytes [0-9]+ |log( prefix "[^"]*")?( level [a-z]+)?( flags [a-z]+)? /, "", last)
      if (is_input && family ~ /^(ip|inet)$/ && (is_closed || last ~ /^[ \t]*(drop|reject)/)) print family, table, chain
      chain = ""
      next
    }
    { last = $0 " " }'
}
nft_own_rules() {
  nft -a list ruleset | awk -v mark="comment \"$mark\"" '
    $1 == "table" { family = $2; table = $3 }
    $1 == "chain" { chain = $2 }
    index($0, mark) { print "delete rule", family, table, chain, "handle", $NF }'
}
# nft_apply CHAINS: now, and whenever the service loads its rules, which it does with a file that is not ours.
nft_apply() {
  local nft rule inserts
  nft=$(command -v nft)
  rule="ip saddr { ${PEERS//$'\n'/, } } tcp dport { ${TCP_PORTS// /, } } accept comment \"$mark\""
  inserts=$(while read -r chain; do echo "insert rule $chain $rule"; done <<< "$1")
  { nft_own_rules && echo "$inserts"; } | nft -f -
  {
    echo '# Written by kvm-migration-testbed.'
    echo '[Service]'
    for verb in ExecStartPost ExecReload; do
      while read -r insert; do echo "$verb=-$nft '$insert'"; done <<< "$inserts"
    done
  } | write "$drop_in"
  [ -z "$changed" ] || systemctl daemon-reload
}
nft_remove() {
  changed=
  drop "$drop_in"
  if [ -n "$changed" ]; then
    rmdir "${drop_in%/*}" 2>/dev/null || true
    systemctl daemon-reload
  fi
  ! has nft || nft_own_rules | nft -f -
}

tell_owner() {
  say "$HOSTNAME: $1 filters what comes in, and is not this project's to change. It must let $(paste -sd ' ' <<< "$PEERS") in to TCP ports $TCP_PORTS"
}

if [ "$ACTION" = remove ]; then
  release_mountd
  nft_remove
  ! has ufw || ufw_drop_all_but ""
elif has ufw && [[ $(ufw status) == "Status: active"* ]]; then
  resolve_peers
  fix_mountd
  ufw_apply
elif is_active firewalld.service; then
  tell_owner firewalld
elif has nft && chains=$(nft_closed_chains) && [ -n "$chains" ]; then
  if is_active "$service" || systemctl --quiet is-enabled "$service" 2>/dev/null; then
    resolve_peers
    fix_mountd
    nft_apply "$chains"
  else
    tell_owner "a ruleset of nftables or iptables (chain ${chains//$'\n'/, }) that the $service did not load"
  fi
fi
