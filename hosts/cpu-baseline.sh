# The best CPU that every host can give a guest, as libvirt's <cpu> element on standard output.
# ACCELERATOR: kvm|tcg; HOST_MODELS: every host's host-model, the <mode> element of its domain capabilities.

type=kvm
[ "$ACCELERATOR" = kvm ] || type=qemu
# The command reads <cpu> elements; a host-model is one by another name.
sed -E 's/<mode [^>]*>/<cpu>/g; s/<\/mode>/<\/cpu>/g' <<< "$HOST_MODELS" |
  LC_ALL=C virsh -q -c qemu:///system hypervisor-cpu-baseline --virttype "$type" --migratable /dev/stdin
