# Packages that a host needs: only what is missing is installed, and nothing is upgraded.
# NEEDS: what for, by the names that follow system_packages_ in the system's file.
# CONTAINER_NEEDS, MACHINE_NEEDS: more of them, for a container and for any other machine.

if in_container; then NEEDS+=" $CONTAINER_NEEDS"; else NEEDS+=" $MACHINE_NEEDS"; fi
missing=()
for need in $NEEDS; do
  packages=system_packages_$need
  for package in ${!packages}; do system_has_package "$package" || missing+=("$package"); done
done

if [ ${#missing[@]} != 0 ]; then
  say "installing ${missing[*]}"
  log=$(mktemp)
  system_refresh_packages >> "$log" 2>&1 || say "${system_package_manager[0]} could not refresh its lists; trying with those that are there"
  system_install "${missing[@]}" >> "$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "${system_package_manager[0]} could not install ${missing[*]} (its last words are above)"
  }
  rm -f "$log"
fi
