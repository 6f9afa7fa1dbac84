import { join } from "node:path";

/** Where the report of a stack or an experiment is: a path in the project, since a stack's state is read on other machines, too. */
export const reportFolder = (name: string): string => join("results", "reports", name);

export const pageName = "index.html";

/** What a stack's `report` output says. */
interface ReportLink {
  /** In the project's folder. It is as old as the last time it was made. */
  page: string;
  /** Makes it of the records so far. */
  command: string;
}

export const reportLink = (stack: string): ReportLink => ({
  page: join(reportFolder(stack), pageName),
  command: `npm run report -- ${stack}`,
});
