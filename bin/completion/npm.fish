# Completes this project's commands behind `npm run` in fish: source it from ~/.config/fish/config.fish.

function __kvm_migration_testbed_here
    grep -qs '"name": "kvm-migration-testbed"' package.json
end

function __kvm_migration_testbed_complete
    sh bin/run bin/complete.ts (commandline -opc) (commandline -ct) 2>/dev/null
end

complete -c npm -n __kvm_migration_testbed_here -f -a '(__kvm_migration_testbed_complete)'
