import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseMonitorEvent } from "../../../libvirt/monitor-event.ts";
import { behindMarker, outputBehindMarker, peerCommand, remoteCommand } from "../../../ssh/remote-command.ts";

const script = `printf '%s\\n' "it's" 'a "b" \\ \\\\ !x $HOME \`é\`' "$LC_ALL" 100%`;
const printed = `it's\na "b" \\ \\\\ !x $HOME \`é\`\nC\n100%\n`;
const shells = ["sh", "bash", "dash", "fish", "tcsh", "zsh"].filter((shell) =>
  ["/bin", "/usr/bin"].some((folder) => existsSync(`${folder}/${shell}`)),
);

describe.each(shells)("a login shell %s", (shell) => {
  test("runs a bash script as it is, in no locale", () => {
    const env = { ...process.env, LC_ALL: "de_DE.UTF-8", BASH_ENV: "/dev/null/none" };
    const stdout = execFileSync(shell, ["-c", remoteCommand(behindMarker(script))], { env, stdio: "pipe" });
    expect(outputBehindMarker(stdout.toString())).toBe(printed);
  });
});

test("one that a host gives another is read by whatever shell root has there", () => {
  // ssh, with sshd and a login shell that is bash: what it was told to run comes as one word.
  const stand = `ssh() { [ "$*" = "-o BatchMode=yes root@192.0.2.12 \${!#}" ] && bash -c "\${!#}"; }\n`;
  const command = stand + peerCommand("192.0.2.12", script);
  expect(execFileSync("bash", ["-c", command], { stdio: "pipe" }).toString()).toBe(printed);
});

test("what stands before the marker is no output, and without one there is none", () => {
  const marker = execFileSync("bash", ["-c", behindMarker(":")], { stdio: "pipe" }).toString();
  expect(outputBehindMarker(`Welcome${marker}out\n`)).toBe("out\n");
  expect(outputBehindMarker("Welcome\n")).toBeUndefined();
});

test("a torn event is none", () => {
  const line = `event VNC_CONNECTED at 1763842000.123456 for domain 'vm1': {"a":{"b":1}`;
  expect(parseMonitorEvent(line)).toBeUndefined();
});
