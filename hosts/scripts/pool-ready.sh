# Before a volume is put into libvirt's pool: the pool is active, and what is in the way of a guest's seed is gone. Whoever reads a volume
# while the pool is not active can take it for gone, and a seed is not taken over by who makes one of its name.
# POOL: its name. EXPORT: its folder. SEED: the file that is to be made, and UUID: its guest's; empty: it is no seed.

virsh=(virsh --quiet --connect qemu:///system)
# grep reads to the end: virsh would fail if nobody took what it has left to say.
is_active() { "${virsh[@]}" pool-info "$POOL" | grep '^State: *running$' > /dev/null; }

# Another guest's volume may be there at the same moment.
is_active || "${virsh[@]}" pool-start "$POOL" > /dev/null || is_active ||
  die "libvirt's pool $POOL on $EXPORT is not active, and cannot be started. Mend that there (virsh pool-start $POOL), then run \`pulumi up\`"
[ -n "$SEED" ] && [ -e "$EXPORT/$SEED" ] || exit 0

# A seed holds its guest's uuid. All else in it is known as well, so that it is made anew; no guest needs it after its first boot.
grep -qaF -- "$UUID" "$EXPORT/$SEED" ||
  die "$EXPORT/$SEED is there already, and is not of this testbed's guest. Nothing was changed; move it away if somebody needs it, or remove it (virsh vol-delete $SEED $POOL), then run \`pulumi up\`"
say "$EXPORT/$SEED is there, and not in Pulumi's state; it is made anew"
"${virsh[@]}" pool-refresh "$POOL" > /dev/null
"${virsh[@]}" vol-delete "$SEED" "$POOL" > /dev/null
