# A machine belongs to one testbed: pools, networks, exports, mounts and settings have the same names in all of them. Runs before
# anything else does, so that nothing of another testbed's is touched.
# ACTION: apply|remove. CLAIM: the file that says whose the machine is. TESTBED: what it says, one line.

if [ "$ACTION" = remove ]; then
  if [ "$(cat "$CLAIM" 2>/dev/null)" = "$TESTBED" ]; then
    rm -f "$CLAIM"
    rm -rf "$(dirname "$CLAIM")/scripts"
    rmdir "$(dirname "$CLAIM")" 2>/dev/null || true
  fi
  exit 0
fi

install -d "$(dirname "$CLAIM")"
# Whole or not at all, and by one of two who come at the same time.
printf '%s\n' "$TESTBED" > "$CLAIM.$$"
ln "$CLAIM.$$" "$CLAIM" 2>/dev/null || true
rm -f "$CLAIM.$$"
owner=$(cat "$CLAIM")
[ "$owner" = "$TESTBED" ] ||
  die "this machine belongs to the testbed $owner, and a machine serves one; nothing was changed. Destroy that stack where it was made (pulumi destroy --stack ${owner%% *}), or, if it no longer exists, remove $CLAIM on this machine"
