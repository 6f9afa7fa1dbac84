# shellcheck shell=bash
# Sourced, by reach.sh: whether a host's system is one that the scripts can prepare (hosts/scripts/system-*.sh). One that is not is
# refused by its name, before anything is done there, with what somebody who has such a machine would have to write.
#
#   system_problem OS_RELEASE [MARK]   the text of the host's /etc/os-release; `proxmox-ve` if it is that, which has Debian's text.
#                       Prints why not, or nothing; on standard error, what else is to be known of it

system_problem() {
  local ID='' ID_LIKE='' VERSION_ID='' NAME='' PRETTY_NAME='' known all=() file
  # The text is data, so it is not run: names and values, perhaps in quotes.
  local line
  while IFS= read -r line; do
    [[ $line =~ ^(ID|ID_LIKE|VERSION_ID|NAME|PRETTY_NAME)=[\"\']?([^\"\']*)[\"\']?$ ]] || continue
    printf -v "${BASH_REMATCH[1]}" %s "${BASH_REMATCH[2]}"
  done <<< "$1"
  local name=${PRETTY_NAME:-${NAME:-a system without an /etc/os-release}}

  if [ "${2:-}" = proxmox-ve ]; then
    echo "runs Proxmox VE, which has a QEMU of its own (pve-qemu-kvm) and no libvirt; Debian's libvirt and QEMU would take that one's place, and its guests' with it. Nothing was touched, and no file of this project could change that: take a machine without Proxmox VE"
    return
  fi
  for file in "${BASH_SOURCE[0]%/*}"/scripts/system-*.sh; do
    known=$(
      # shellcheck source=hosts/scripts/system-debian.sh
      . "$file"
      ! is_this_system <(printf '%s\n' "ID='$ID'" "ID_LIKE='$ID_LIKE'") || echo yes
      echo "$system_written_for"
    )
    all+=("${known#yes$'\n'}")
    [[ $known == yes$'\n'* ]] || continue
    [[ ", ${known#yes$'\n'}, " == *", $ID $VERSION_ID, "* ]] ||
      echo "runs $name, for which this project was not written; it is prepared as these are: ${known#yes$'\n'}" >&2
    return
  done
  echo "runs $name, which this project does not know how to prepare: it knows $(printf '%s; ' "${all[@]}" | sed 's/; $//'). Nothing was touched. $(what_to_write)"
}

# What is known of such systems, and was not tried.
what_to_write() {
  case " $ID $ID_LIKE " in
    *' rhel '* | *' fedora '* | *' centos '*)
      file_to_write rhel "packages by dnf, QEMU at /usr/libexec/qemu-kvm with machine types of its own (pc-q35-rhel…), libvirt's separate daemons (virtqemud and others) in the place of libvirtd, SELinux's labels for the export, firewalld's ports, and a bridge by NetworkManager"
      ;;
    *' suse '* | *' opensuse '* | *' sles '*)
      file_to_write suse "packages by zypper, libvirt's separate daemons (virtqemud and others) in the place of libvirtd, firewalld's ports, and a bridge by NetworkManager or wicked"
      ;;
    *' arch '*)
      file_to_write arch "packages by pacman, of which there is one version at a time, an NFS server in user space for containers, and a bridge by systemd-networkd or NetworkManager"
      ;;
    *) file_to_write "${ID:-NAME}" "its packages, services, programs, files and accounts, its firewall, and what configures its network" ;;
  esac
}
file_to_write() {
  echo "On such a machine somebody would have to write and try hosts/scripts/system-$1.sh, as system-debian.sh is: $2. Until then take a host with Debian or Ubuntu"
}
