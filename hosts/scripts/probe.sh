# What this host can do, as one line of JSON on standard output. Nothing is assumed: KVM counts once a kernel has
# booted under it, the kernel's NFS client once it has got as far as a server.
# ACCELERATOR: auto|kvm|tcg; with tcg, KVM is not tried.

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

boot() { # boot ACCELERATOR CPU
  # Without a root file system a kernel panics at the end of its boot, which is as far as it has to come.
  exec "$system_qemu" -accel "$1" -cpu "$2" -machine q35 -m 256 -no-user-config -nodefaults -display none -no-reboot \
    -kernel "$kernel" -append 'console=ttyS0 panic=-1' -serial "file:$dir/$1" < /dev/null > "$dir/$1.err" 2>&1
}
stop() {
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
size() { stat -c %s "$dir/$1" 2>/dev/null || echo 0; }

# Milliseconds on the clock.
now() { echo $((${EPOCHREALTIME/./} / 1000)); }

# Where KVM is nested badly, a guest hangs without a word. How long silence is normal depends on the machine, so
# emulation, which works everywhere, sets the measure: KVM may take three times as long for a line, and 2 s more.
kvm_verdict() {
  local kernel guest start patience heard=0 last
  [ -e /dev/kvm ] || { echo "no /dev/kvm"; return; }
  kernel=$(find /boot -maxdepth 1 -name 'vmlinuz-*' | sort -V | tail -n 1)
  [ -n "$kernel" ] || { echo "no kernel in /boot to try it with"; return; }

  start=$(now)
  boot tcg max &
  guest=$!
  while [ "$(size tcg)" = 0 ] && kill -0 "$guest" 2>/dev/null && [ $(($(now) - start)) -lt 60000 ]; do sleep 0.1; done
  stop "$guest"
  patience=$((3 * ($(now) - start) + 2000))

  boot kvm host &
  guest=$!
  last=$(now)
  while :; do
    sleep 0.1
    if grep -qs 'Unable to mount root fs' "$dir/kvm"; then
      echo usable
      break
    elif ! kill -0 "$guest" 2>/dev/null; then
      echo "QEMU gave up: $(tail -n 1 "$dir/kvm.err")"
      break
    elif [ "$(size kvm)" != "$heard" ]; then
      heard=$(size kvm)
      last=$(now)
    elif [ $(($(now) - last)) -gt "$patience" ]; then
      echo "a guest under it gave no sign of life for $((patience / 1000)) s"
      break
    fi
  done
  stop "$guest"
}

# A client that works is refused by a port where nobody listens; one that doesn't never gets that far.
nfs_verdict() {
  local answer
  command -v mount.nfs4 > /dev/null || { echo "mount.nfs4 is missing"; return; }
  modprobe nfsv4 2>/dev/null || true
  mkdir "$dir/mnt"
  if answer=$(timeout 10 mount -t nfs4 -o vers=4.1,soft,timeo=10,retrans=1,retry=0,port=1 127.0.0.1:/ "$dir/mnt" 2>&1); then
    umount "$dir/mnt"
    echo usable
  elif [[ $answer == *refused* ]]; then
    echo usable
  else
    echo "${answer##*$'\n'}"
  fi
}

text() { printf '"%s"' "$(tr -s '\n ' ' ' <<< "$1" | sed 's/\\/\\\\/g; s/"/\\"/g; s/ *$//')"; }
usable() { if [ "$1" = usable ]; then echo true; else echo false; fi; }

[ "$ACCELERATOR" = tcg ] && kvm="not tried" || kvm=$(kvm_verdict)
[ "$ACCELERATOR" != kvm ] || [ "$kvm" = usable ] ||
  die "KVM was asked for and does not work here: $kvm. Set this host's accelerator to auto or tcg, or turn on (nested) virtualisation"
[ "$kvm" = usable ] && accelerator=kvm || accelerator=tcg
nfs=$(nfs_verdict)

machines=$("$system_qemu" -machine help | grep -oE "^$system_machines" | sort -Vur)
[ "$accelerator" = kvm ] && virt_type=kvm || virt_type=qemu
version=$(virsh --connect qemu:///system version)
# shellcheck source=/dev/null
distro=$(. /etc/os-release && echo "$PRETTY_NAME")

# What libvirt says in XML, as members of a JSON object.
virsh --connect qemu:///system domcapabilities --virttype "$virt_type" --machine q35 > "$dir/domain.xml"
virsh --connect qemu:///system capabilities > "$dir/host.xml"
virsh -q --connect qemu:///system cpu-models x86_64 > "$dir/models"
of_libvirt=$(python3 - "$dir" <<'PYTHON'
import glob, json, sys
import xml.etree.ElementTree as xml

folder = sys.argv[1]
host_model = xml.parse(folder + "/domain.xml").find("./cpu/mode[@name='host-model']")
is_supported = host_model is not None and host_model.get("supported") == "yes"
features = {
    feature.get("name")
    for file in glob.glob("/usr/share/libvirt/cpu_map/x86_features.xml")
    for feature in xml.parse(file).iter("feature")
}
print(json.dumps({
    "cpuModel": host_model.findtext("model", "") if is_supported else "",
    "hostModel": " ".join(xml.tostring(host_model, encoding="unicode").split()) if is_supported else "",
    "models": [line.strip() for line in open(folder + "/models") if line.strip()],
    "features": sorted(features),
    "uuid": xml.parse(folder + "/host.xml").findtext("./host/uuid", ""),
})[1:-1])
PYTHON
)
# The least of its CPUs; a virtual one may have fewer than the machine. None: the kernel does not say.
address_bits=$(sed -n 's/^address sizes.*: \([0-9]*\) bits physical.*/\1/p' /proc/cpuinfo | sort -n | head -n 1)

cat <<JSON | tr -d '\n'
{"accelerator":"$accelerator","kvm":$(text "$kvm"),
"kernelNfs":$(usable "$nfs"),"nfs":$(text "$nfs"),
$of_libvirt,
${address_bits:+\"addressBits\":$address_bits,}
"cpus":$(nproc),
"memoryMiB":$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo),
"qemu":$(text "$(sed -n 's/^Running hypervisor: QEMU //p' <<< "$version")"),
"libvirt":$(text "$(sed -n 's/^Using library: libvirt //p' <<< "$version")"),
"kernel":$(text "$(uname -r)"),
"machine":$(text "$(head -n 1 <<< "$machines")"),
"machines":[$(sed 's/.*/"&"/' <<< "$machines" | paste -sd,)],
"distro":$(text "$distro")}
JSON
echo
