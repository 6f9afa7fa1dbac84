# shellcheck shell=sh
# Sourced, not run: where a Debian release's packages come from on this machine, for mmdebstrap.
#
#   apt_sources DIR [CODENAME]    writes DIR/sources.list (that release's archive as this machine reaches it; default:
#                      bookworm) and DIR/apt.conf (what its own apt needs to reach it: proxies, certificates, retries)
#
#   mmdebstrap --aptopt=DIR/apt.conf ... CODENAME TARGET DIR/sources.list
#
# mmdebstrap leaves both in TARGET, as etc/apt/sources.list and etc/apt/apt.conf.d/99mmdebstrap: replace them
# in whatever leaves this machine. TESTBED_DEBIAN_MIRROR (a URL) overrides where the packages come from.

apt_sources() {
	mkdir -p "$1"
	_codename=${2:-bookworm}

	# The keys that sign it: on Ubuntu they are not among apt's own trusted ones.
	_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -s "$_keyring" ] || {
		echo "apt-sources: $_keyring is missing: install the package debian-archive-keyring" >&2
		return 1
	}

	# apt itself is asked, as its configuration has many forms (one-line, deb822, mirror lists), and third
	# parties' archives have a suite called bookworm too: only what calls itself Debian's is taken.
	# A machine of another Debian release has its archive, which holds this one as well. One of another
	# distribution has none of it, and gets the public archive.
	: >"$1/sources.list"
	if [ -z "${TESTBED_DEBIAN_MIRROR:-}" ]; then
		apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
			awk -F '|' -v codename="$_codename" -v keyring="$_keyring" '
				$1 != "Debian" || $2 !~ /^[a-z]+(-updates|-security)?$/ { next }
				{ suite = $2; sub(/^[a-z]+/, codename, suite); split($3, at, " ")
				  # Its own sources may call it otherwise: stable.
				  print "deb [signed-by=" keyring "] " at[1] " " ($2 == suite ? at[2] : suite) " main" }' |
			sort -u >"$1/sources.list"
	fi
	if ! grep -q " $_codename main\$" "$1/sources.list"; then
		_mirror=${TESTBED_DEBIAN_MIRROR:-http://deb.debian.org}
		for _suite in "debian/ $_codename" "debian/ $_codename-updates" "debian-security/ $_codename-security"; do
			echo "deb [signed-by=$_keyring] ${_mirror%/}/$_suite main"
		done >"$1/sources.list"
	fi

	# mmdebstrap's apt does not read this machine's configuration, so what concerns the way to the archive is
	# handed over. Empty values and heads of lists are left out: apt would take them for settings.
	apt-config dump |
		grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv[46]|https?|ftp|CaInfo)\b' |
		grep -vE ' "";$|::Dl-Limit "0";$' >"$1/apt.conf" || true
}
