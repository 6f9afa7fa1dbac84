# Packages that a host needs: only what is missing is installed, and nothing is upgraded.
# PACKAGES: their names, which are the same in Debian 12, Ubuntu 22.04 and Ubuntu 24.04.
# CONTAINER_PACKAGES, MACHINE_PACKAGES: more of them, for a container and for any other machine.

if in_container; then PACKAGES+=" $CONTAINER_PACKAGES"; else PACKAGES+=" $MACHINE_PACKAGES"; fi
missing=()
for package in $PACKAGES; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} != 0 ]; then
  command -v apt-get > /dev/null ||
    die "needs ${missing[*]} and has no apt: this project prepares Debian 12, Ubuntu 22.04 and 24.04; on others install these (or what they are called there) first"
  say "installing ${missing[*]}"
  log=$(mktemp)
  # Another apt may be at work on a machine that has just booted: wait for its lock.
  apt() { apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >> "$log" 2>&1; }
  apt update || say "apt-get update failed; trying with the lists that are there"
  apt install --no-install-recommends "${missing[@]}" || {
    tail -n 20 "$log" >&2
    die "apt-get could not install ${missing[*]} (its last words are above)"
  }
  rm -f "$log"
fi
