import { type DomainFacts, parseDomain } from "./domain-facts.ts";
import { quote } from "./ssh-session.ts";

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
  /** What the running guest's definition says. */
  domain?: DomainFacts;
}

/** A question to a host, in words of `surveyProgram`. */
export type Question =
  | { ask: "memory" | "bridges" | "machines" | "userfaultfd" }
  | { ask: "resident"; guests: readonly string[] }
  | { ask: "space"; directory: string }
  | { ask: "size"; file: string }
  | { ask: "namesake"; guest: string }
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
virsh() { command virsh -q -c qemu:///system "$@"; }
memory() { awk '/^MemAvailable:/ { print "memory", int($2 / 1024) }' /proc/meminfo; }
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
machines() { virsh capabilities | sed -n 's/.*<machine[^>]*>\([^<]*\)<.*/machine \1/p' | sort -u; }
userfaultfd() {
  user=$(virsh capabilities | sed -n '/<model>dac</,/<\/secmodel>/ s/.*>+\([0-9]*\):.*/\1/p' | head -n 1)
  [ -n "$user" ] || user=0
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
namesake() { uuid=$(virsh domuuid "$1" 2>/dev/null) && echo "namesake $uuid"; }
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
definition() { echo definition && virsh dumpxml "$1"; }
`;

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
  const survey: Survey = { residentMiB: {}, spaceMiB: {}, bridges: {}, machines: [] };
  for (const line of lines.split("\n")) {
    const [key, first = "", second = ""] = line.split(" ");
    const rest = line.slice((key ?? "").length + 1);
    if (key === "memory") survey.availableMiB = Number(first);
    if (key === "resident") survey.residentMiB[first] = Number(second);
    if (key === "space") survey.spaceMiB[first] = Number(second);
    if (key === "size") survey.fileMiB = Math.ceil(Number(first) / 2 ** 20);
    if (key === "bridge") survey.bridges[first] = Number(second);
    if (key === "machine") survey.machines.push(first);
    if (key === "userfaultfd") survey.userfaultfd = rest;
    if (key === "cpu") survey.cpu = rest;
    if (key === "namesake") survey.namesake = first;
    if (key === "port") survey.port = Number(first);
  }
  if (definition?.trim()) survey.domain = parseDomain(definition);
  return survey;
}
