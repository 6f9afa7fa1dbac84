#!/usr/bin/env bash
# Sourced, by scripts that log in from this machine: what options.ts has for the program, for them. A test holds the two together.

# What ~/.ssh/config may say for a person's own logins, and what would spoil ours.
# shellcheck disable=SC2034
own_session=(
  -o 'IgnoreUnknown=*' -o ControlMaster=no -o ControlPath=none -o ControlPersist=no -o RequestTTY=no -o RemoteCommand=none
  -o SessionType=default -o StdinNull=no -o ForkAfterAuthentication=no -o PermitLocalCommand=no -o ClearAllForwardings=yes
  -o ForwardAgent=no -o ForwardX11=no -o Tunnel=no -o VisualHostKey=no
)

# path_value PATH: a path as a value of OpenSSH's configuration, where blanks end a value and percent signs begin tokens. In an option
# -o alone: -i wants the path as it is, and expands tokens in it all the same.
path_value() {
  local text=${1/#\~\//$HOME/}
  text=${text//%/%%}
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"\n' "$text"
}
