import { quote } from "../ssh/quote.ts";
import { type Belongings, belongingsProgram, parseBelongings } from "./belongings.ts";
import type { DomainFacts } from "./domain-facts.ts";
import { virshFunction } from "./virsh.ts";

/** What one host says about itself when a guest is to come or to go. What was not asked is absent. */
export interface Survey {
  /** Memory that could be had now. */
  availableMiB?: number;
  /** What guests' QEMUs hold of it, by the guest's name. */
  residentMiB: Record<string, number>;
  /** Room in the folders that were asked about. */
  spaceMiB: Record<string, number>;
  /** Size of the file that was asked about. */
  fileMiB?: number;
  /** MTU of each bridge, by its name. */
  bridges: Record<string, number>;
  /** Names of libvirt's networks that are active. */
  networks?: string[];
  /** Names of all network devices. */
  links?: string[];
  /** Machine types that its QEMU knows. */
  machines: string[];
  /** "usable", or what the kernel says to QEMU's user. */
  userfaultfd?: string;
  /** "fits", or what libvirt says against the CPU model. */
  cpu?: string;
  /** The uuid of the guest that has the name. */
  namesake?: string;
  /** The port on which it waits for one call. */
  port?: number;
  /** What the guest's definition says: for a running one, that of the running machine. */
  domain?: DomainFacts;
  /** What belongs to it. */
  belongings?: Belongings;
  /** Files that were asked about and are there; a readable one's fingerprint is of its first MiB. */
  files?: Record<string, FileFacts>;
  /** Images that lie over the one asked about: later writes are in them. */
  over?: string[];
  /** TCP ports that were asked about and that something listens on. */
  takenPorts?: number[];
  /** The host has a saved memory under the guest's name. */
  isNameSaved?: true;
}

export interface FileFacts {
  /** The same on all hosts that mount one file system. */
  inode: string;
  bytes: number;
  fingerprint: string;
  /** "writable", or what is said when QEMU's user, or root, opens it to write. */
  access: string;
}

/** A question to a host, in words of `surveyProgram`. */
export type Question =
  | { ask: "memory" | "bridges" | "networks" | "links" | "machines" | "userfaultfd" }
  | { ask: "resident"; guests: readonly string[] }
  | { ask: "space"; directory: string }
  | { ask: "size"; file: string }
  | { ask: "namesake"; guest: string }
  | { ask: "files"; paths: readonly string[] }
  | { ask: "over"; image: string }
  | { ask: "taken"; ports: readonly number[] }
  /** The CPU model comes on standard input. */
  | { ask: "cpu"; virtType: string; machine: string }
  /**
   * Waits for one call, for some seconds, on the last of these ports that is free: libvirt gives the first one to a guest that comes, and a
   * moment later its QEMU must find it free.
   */
  | { ask: "listen"; first: number; last: number }
  /** The last question, since what follows is the answer. */
  | { ask: "definition"; uuid: string };

/**
 * A function for each question, to be asked in one go: a call over SSH takes longer than most answers. An answer is a line that begins
 * with what it is about; what cannot be answered is not there. Perl is on every Debian and Ubuntu, and can do what a shell can't.
 */
export const surveyProgram = String.raw`
export LC_ALL=C
${virshFunction}
memory() {
  {
    awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo
    left_to_groups "$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/self/mounts)" \
      "$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)" memory.limit_in_bytes memory.usage_in_bytes total_
    left_to_groups "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)" \
      "$(sed -n 's/^0:://p' /proc/self/cgroup)" memory.max memory.current ''
  } 2>/dev/null | sort -n | sed -n '1s/^/memory /p'
}
# A container has no more than its control group leaves it, or one above that. What files have in memory can be given back.
left_to_groups() { # left_to_groups MOUNT GROUP LIMIT USED PREFIX
  [ -n "$1" ] || return
  group=$2
  while :; do
    limit=$(cat "$1$group/$3") && [ "$limit" != max ] && awk -v limit="$limit" -v used="$(cat "$1$group/$4")" -v of="$5" '
      $1 == of "inactive_file" || $1 == of "active_file" { files += $2 }
      END { printf "%d\n", (limit - used + files) / 1048576 }' "$1$group/memory.stat"
    [ "$group" != / ] || break
    group=$(dirname "$group")
  done
}
resident() {
  for guest; do
    pid=$(cat "/run/libvirt/qemu/$guest.pid" 2>/dev/null) || continue
    awk -v guest="$guest" '/^VmRSS:/ { print "resident", guest, int($2 / 1024) }' "/proc/$pid/status" 2>/dev/null
  done
}
space() {
  folder=$1
  while [ ! -d "$folder/" ]; do folder=$(dirname "$folder"); done
  df -Pm "$folder/" | awk -v asked="$1" 'NR == 2 { print "space", asked, $4 }'
}
size() { stat -c 'size %s' "$1"; }
bridges() {
  for each in /sys/class/net/*/bridge; do
    [ -e "$each" ] || continue
    each=$(dirname "$each")
    echo "bridge $(basename "$each") $(cat "$each/mtu")"
  done
}
networks() { virsh net-list --name | sed -n 's/^ *\(.*[^ ]\) *$/network \1/p'; }
links() { for each in /sys/class/net/*; do echo "link $(basename "$each")"; done; }
machines() { virsh capabilities | sed -n 's/.*<machine[^>]*>\([^<]*\)<.*/machine \1/p' | sort -u; }
qemu_user() {
  user=$(virsh capabilities | sed -n '/<model>dac</,/<\/secmodel>/ s/.*>+\([0-9]*\):.*/\1/p' | head -n 1)
  [ -n "$user" ] || user=0
  echo "$user"
}
userfaultfd() {
  user=$(qemu_user)
  setpriv --clear-groups --reuid="$user" \
    perl -e 'print "userfaultfd ", syscall(323, 02004000) < 0 ? "$!" : "usable", "\n"' 2>&1
}
cpu() {
  if answer=$(virsh hypervisor-cpu-compare --virttype "$1" --machine "$2" --error /dev/stdin 2>&1); then
    echo "cpu fits"
  else
    echo "cpu $(sed -n 's/^error: //; /./p' <<< "$answer" | tail -n 1)"
  fi
}
namesake() {
  uuid=$(virsh domuuid "$1" 2>/dev/null) && echo "namesake $uuid"
  [ ! -e "/var/lib/libvirt/qemu/save/$1.save" ] || echo saved
}
files() {
  for file; do
    perl -e '
      my ($file, $user, $chowns) = @ARGV;
      my ($inode, $size) = (stat $file)[1, 7] or exit;
      my $sum = "-";
      if (-f _ and open(my $in, "<", $file)) { read($in, my $start, 2 ** 20); $sum = unpack("%32C*", $start); }
      my $access = "writable";
      if (-f _) {
        sysopen(my $out, $file, 2) or $access = "$!";
        $> = $user;
        if ($access eq "writable" and !stat $file) { $access = "its folder: $!"; }
        elsif ($access eq "writable" and !$chowns) { sysopen(my $again, $file, 2) or $access = "$!"; }
      }
      $access =~ s/ /_/g;
      print "file $inode $size $sum $access $file\n";
    ' "$file" "$(qemu_user)" "$(! grep -Eqs '^ *dynamic_ownership *= *0' /etc/libvirt/qemu.conf && echo 1)"
  done
}
over() {
  perl -MFile::Basename -e '
    my $image = shift;
    my $folder = dirname($image);
    for my $other (glob(quotemeta($folder) . "/*")) {
      next if $other eq $image or !-f $other or !open(my $in, "<:raw", $other);
      my ($head, $backing);
      next unless read($in, $head, 20) == 20 and substr($head, 0, 4) eq "QFI\xfb";
      my ($at, $length) = unpack("x8 Q> N", $head);
      next unless $at and $length and $length < 4096 and seek($in, $at, 0) and read($in, $backing, $length) == $length;
      $backing =~ s,^(file:|nfs://[^/]*),,;
      $backing = "$folder/$backing" unless $backing =~ m,^/,;
      print "$other\n" if $backing eq $image;
    }' "$1" | while IFS= read -r other; do
    # One that was merged is left behind; the image was written to since.
    [ "$other" -ot "$1" ] || echo "over $other"
  done
}
taken() {
  perl -MSocket -e '
    for my $port (@ARGV) {
      socket(my $server, PF_INET, SOCK_STREAM, 0) or die;
      setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
      bind($server, sockaddr_in($port, INADDR_ANY)) and listen($server, 1) or print "taken $port\n";
    }' "$@"
}
listen() {
  perl -MSocket -e '
    my ($first, $last) = @ARGV;
    for my $port (reverse $first .. $last) {
      socket(my $server, PF_INET, SOCK_STREAM, 0) or die;
      setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
      bind($server, sockaddr_in($port, INADDR_ANY)) and listen($server, 1) or next;
      $| = 1;
      print "port $port\n";
      exit if fork;
      open(STDIN, "<", "/dev/null"); open(STDOUT, ">", "/dev/null"); open(STDERR, ">", "/dev/null");
      alarm 20;
      accept(my $caller, $server);
      sysread($caller, my $end, 1);
      exit;
    }' "$@"
}
${belongingsProgram}`;

/** The script that asks a host all of it at once. */
export const surveyScript = (questions: readonly Question[]): string =>
  `${surveyProgram}\n${questions.map(words).join("\n")}\ntrue`;

function words(question: Question): string {
  switch (question.ask) {
    case "resident":
      return ["resident", ...question.guests.map(quote)].join(" ");
    case "space":
      return `space ${quote(question.directory)}`;
    case "size":
      return `size ${quote(question.file)}`;
    case "namesake":
      return `namesake ${quote(question.guest)}`;
    case "files":
      return ["files", ...question.paths.map(quote)].join(" ");
    case "over":
      return `over ${quote(question.image)}`;
    case "taken":
      return ["taken", ...question.ports].join(" ");
    case "cpu":
      return `cpu ${quote(question.virtType)} ${quote(question.machine)}`;
    case "listen":
      return `listen ${question.first} ${question.last}`;
    case "definition":
      return `definition ${quote(question.uuid)}`;
    default:
      return question.ask;
  }
}

/** Reads what the survey's script prints. */
export function parseSurvey(printed: string): Survey {
  const [lines = "", definition] = printed.split(/^definition\n/m);
  const survey: Survey = {
    residentMiB: {},
    spaceMiB: {},
    bridges: {},
    machines: [],
  };
  for (const line of lines.split("\n")) {
    const [key, first = "", second = ""] = line.split(" ");
    const rest = line.slice((key ?? "").length + 1);
    if (key === "memory") survey.availableMiB = Number(first);
    if (key === "resident") survey.residentMiB[first] = Number(second);
    if (key === "space") survey.spaceMiB[first] = Number(second);
    if (key === "size") survey.fileMiB = Math.ceil(Number(first) / 2 ** 20);
    if (key === "bridge") survey.bridges[first] = Number(second);
    if (key === "network") survey.networks = [...(survey.networks ?? []), rest];
    if (key === "link") survey.links = [...(survey.links ?? []), rest];
    if (key === "machine") survey.machines.push(first);
    if (key === "userfaultfd") survey.userfaultfd = rest;
    if (key === "cpu") survey.cpu = rest;
    if (key === "namesake") survey.namesake = first;
    if (key === "port") survey.port = Number(first);
    if (key === "saved") survey.isNameSaved = true;
    if (key === "over") survey.over = [...(survey.over ?? []), rest];
    if (key === "taken") survey.takenPorts = [...(survey.takenPorts ?? []), Number(first)];
    if (key === "file") {
      const [, inode = "", bytes, fingerprint = "", access = "", path = ""] =
        /^(\S+) (\S+) (\S+) (\S+) (.*)$/.exec(rest) ?? [];
      survey.files = { ...survey.files };
      survey.files[path] = { inode, bytes: Number(bytes), fingerprint, access: access.replaceAll("_", " ") };
    }
  }
  Object.assign(survey, parseBelongings(definition ?? ""));
  return survey;
}
