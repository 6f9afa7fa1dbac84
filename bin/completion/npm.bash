# Completes this project's commands behind `npm run`, in bash and in zsh: source it from ~/.bashrc or ~/.zshrc.
# Elsewhere, and for npm's other commands, npm's own completion is asked, if it is there (npm completion).

if [ -n "${ZSH_VERSION-}" ]; then
	autoload -U +X compinit bashcompinit
	compinit -u
	bashcompinit
fi

_kvm_migration_testbed() {
	local IFS=$'\n' found
	if grep -qs '"name": "kvm-migration-testbed"' package.json &&
		found=$(sh bin/run bin/complete.ts "${COMP_WORDS[@]:0:$((COMP_CWORD + 1))}" 2>/dev/null); then
		COMPREPLY=($found)
	elif command -v _npm_completion >/dev/null; then
		_npm_completion
	fi
}
complete -o default -F _kvm_migration_testbed npm
