# A certificate authority for one testbed, on this machine: prints its key and its certificate. Nothing is left in a file.
# NAME: what the authority is called.
set -euo pipefail

# openssl opens its outputs anew: into pipes, which have no beginning to be overwritten.
{
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$NAME" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout /dev/stdout 2> /dev/null
} | cat
