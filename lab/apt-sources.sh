# shellcheck shell=sh
# Sourced, not run: where Debian 12 packages come from on this machine, for mmdebstrap.
#
#   apt_sources DIR    writes DIR/sources.list (Debian 12's archive as this machine reaches it) and
#                      DIR/apt.conf (what its own apt needs to reach it: proxies, certificates, retries)
#
#   mmdebstrap --aptopt=DIR/apt.conf ... bookworm TARGET DIR/sources.list
#
# mmdebstrap leaves both in TARGET, as etc/apt/sources.list and etc/apt/apt.conf.d/99mmdebstrap: replace them
# in whatever leaves this machine. TESTBED_DEBIAN_MIRROR (a URL) overrides where the packages come from.

apt_sources() {
	mkdir -p "$1"

	# The keys that sign Debian 12: on Ubuntu they are not among apt's own trusted ones.
	_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -s "$_keyring" ] || {
		echo "apt-sources: $_keyring is missing: install the package debian-archive-keyring" >&2
		return 1
	}

	# apt itself is asked, as its configuration has many forms (one-line, deb822, mirror lists), and third
	# parties' archives have a suite called bookworm too: only what calls itself Debian's is taken.
	# A machine of another release or distribution has none of it, and gets the public archive.
	: >"$1/sources.list"
	if [ -z "${TESTBED_DEBIAN_MIRROR:-}" ]; then
		apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
			sed -n "s,^Debian|bookworm\(-updates\|-security\)\{0\,1\}|\(.*\),deb [signed-by=$_keyring] \2 main,p" |
			sort -u >"$1/sources.list"
	fi
	if ! grep -q ' bookworm main$' "$1/sources.list"; then
		_mirror=${TESTBED_DEBIAN_MIRROR:-http://deb.debian.org}
		for _suite in debian/\ bookworm debian/\ bookworm-updates debian-security/\ bookworm-security; do
			echo "deb [signed-by=$_keyring] ${_mirror%/}/$_suite main"
		done >"$1/sources.list"
	fi

	# mmdebstrap's apt does not read this machine's configuration, so what concerns the way to the archive is
	# handed over. Empty values and heads of lists are left out: apt would take them for settings.
	apt-config dump |
		grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv[46]|https?|ftp|CaInfo)\b' |
		grep -vE ' "";$|::Dl-Limit "0";$' >"$1/apt.conf" || true
}
