# The best CPU that every host can give a guest, as libvirt's <cpu> element on standard output; nothing, when the libvirt of this host
# does not know what the others call their CPUs: each is asked.
# ACCELERATOR: kvm|tcg; HOST_MODELS: every host's host-model, the <mode> element of its domain capabilities.

type=kvm
[ "$ACCELERATOR" = kvm ] || type=qemu
# The command reads <cpu> elements; a host-model is one by another name.
models=$(python3 -c '
import sys
import xml.etree.ElementTree as xml

for mode in xml.fromstring("<all>" + sys.argv[1] + "</all>"):
    mode.tag = "cpu"
    mode.attrib.clear()
    print(xml.tostring(mode, encoding="unicode"))
' "$HOST_MODELS")
if ! baseline=$(LC_ALL=C virsh -q -c qemu:///system hypervisor-cpu-baseline --virttype "$type" --migratable /dev/stdin <<< "$models"); then
  say "$HOSTNAME: its libvirt does not know all of the hosts' CPU models"
  baseline=
fi
printf '%s\n' "$baseline"
