// Counts the checks in the suite's result files: report.mjs [--scenario] REVISION=DIR …
// Prints a table, then every check that is not a success, then `N passed, N failed`.
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";

// How many scenarios the pinned suite has for a revision. Fewer means that some never ran.
const SCENARIOS = { "2025-11-25": 33, "2026-07-28": 40, extension: 12 };
const STATUSES = ["SUCCESS", "FAILURE", "WARNING", "SKIPPED", "INFO"];

const args = process.argv.slice(2);
const only = args[0] === "--scenario" && args.shift();

const problems = [];
const total = { SUCCESS: 0, bad: 0 };
const print = (name, counts) =>
  console.log(name.padEnd(50) + STATUSES.map((s) => String(counts[s] ?? s).padStart(9)).join(""));

for (const arg of args) {
  const [revision, dir] = [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)];
  const problem = (scenario, status, what, why) => {
    problems.push({ revision, scenario, status, what, why });
    total.bad += 1;
  };
  console.log();
  print(revision, {});
  let scenarios = 0;
  for (const folder of readdirSync(dir).filter((f) => f.startsWith("server-")).sort()) {
    // server-NAME-2026-01-31T12-00-00-000Z
    const scenario = folder.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, "");
    const file = join(dir, folder, "checks.json");
    if (!existsSync(file)) {
      problem(scenario, "FAILURE", "no result file", `the scenario did not run or broke off, see ${join(dir, "suite.log")}`);
      continue;
    }
    const checks = JSON.parse(readFileSync(file, "utf8"));
    const counts = Object.fromEntries(STATUSES.map((s) => [s, 0]));
    for (const check of checks) {
      counts[check.status] += 1;
      if (check.status === "SUCCESS") total.SUCCESS += 1;
      else if (check.status !== "INFO")
        problem(scenario, check.status, `${check.id}: ${check.description}`, check.errorMessage ?? JSON.stringify(check.details));
    }
    if (counts.SUCCESS === 0) problem(scenario, "FAILURE", "nothing was checked", "no check of this scenario succeeded");
    scenarios += 1;
    print(scenario, counts);
  }
  const expected = only ? 1 : SCENARIOS[revision];
  if (expected === undefined) console.log(`${scenarios} scenarios; how many ${revision} has is not known here`);
  else if (scenarios < expected)
    problem("(all)", "FAILURE", `${scenarios} of ${expected} scenarios have results`, `see ${join(dir, "suite.log")}`);
}

for (const { revision, scenario, status, what, why } of problems) {
  console.log(`\n${status} ${revision} ${scenario}\n  ${what}`);
  if (why) console.log(`  ${String(why).slice(0, 2000).replaceAll("\n", "\n  ")}`);
}
console.log(`\n${total.SUCCESS} passed, ${total.bad} failed`);
process.exit(total.bad === 0 && total.SUCCESS > 0 ? 0 : 1);
