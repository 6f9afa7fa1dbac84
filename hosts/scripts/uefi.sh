# Which files are UEFI for guests here, on standard output: its code and, on the next line, the variables of a new guest.
# The package is there already (packages.sh, with uefi).

for file in "$system_uefi_code" "$system_uefi_variables"; do
  [ -r "$file" ] || die "$file is missing, which the package $system_packages_uefi should have brought: see which version it has (ls ${file%/*}), or give guests firmware: bios"
  echo "$file"
done
