/** Says on a machine which testbed it belongs to: see claim.sh. */
export const claimFile = "/var/lib/kvm-migration-testbed/claim";
