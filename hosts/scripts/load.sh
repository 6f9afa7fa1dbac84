# Every EVERY seconds, a sample of what keeps this host and its guests busy (load-sample.sh), kept for a day in a folder of our own.
# ACTION: apply|remove. EVERY: see there. SAMPLER: load-sample.sh's name in this version.

folder=$own_state/load
units=/etc/systemd/system
name=kvm-migration-testbed-load-sampler

if [ "$ACTION" = remove ]; then
  if [ -e "$units/$name.timer" ]; then
    systemctl --quiet disable --now "$name.timer"
    systemctl stop "$name.service"
  fi
  drop "$units/$name.timer" "$units/$name.service"
  [ -z "$changed" ] || systemctl daemon-reload
  rm -rf "$folder"
  rmdir "$own_state" 2>/dev/null || true
  exit 0
fi

install -d "$folder"
# LogLevelMax: systemd has nothing to say each minute.
write "$units/$name.service" << UNIT
# Written by kvm-migration-testbed.
[Unit]
Description=Sample of what keeps this host and its guests busy, for kvm-migration-testbed
[Service]
Type=oneshot
ExecStart=/bin/bash $scripts/$SAMPLER $folder
TimeoutStartSec=30
LogLevelMax=notice
UNIT
# By a clock that nobody sets: one that jumps neither skips samples nor takes many.
write "$units/$name.timer" << UNIT
# Written by kvm-migration-testbed.
[Unit]
Description=Samples of what keeps this host and its guests busy, for kvm-migration-testbed
[Timer]
OnActiveSec=1
OnUnitActiveSec=$EVERY
AccuracySec=1
[Install]
WantedBy=timers.target
UNIT
if [ -n "$changed" ] || outdated "$name.timer" "$units/$name.timer" "$units/$name.service"; then
  systemctl daemon-reload
  systemctl try-restart "$name.timer"
fi
systemctl --quiet enable --now "$name.timer"
