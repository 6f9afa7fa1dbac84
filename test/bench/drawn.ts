import Table from "cli-table3";

export function drawn(head: string[], rows: string[][], textColumns: readonly number[] = [0]): string {
  const colAligns = head.map((_, column) => (textColumns.includes(column) ? "left" : "right"));
  const table = new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}
