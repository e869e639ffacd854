// Counts the checks in the suite's result files: report.mjs [--client] [--scenario] REVISION=DIR …
// Prints a table, then every check that is not a success, then `N passed, N failed`.
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";

// How many scenarios the pinned suite has for a revision. Fewer means that some never ran.
const SCENARIOS = {
  server: { "2025-11-25": 33, "2026-07-28": 40, extension: 12 },
  client: { "2025-03-26": 2, "2025-11-25": 19, "2026-07-28": 33, extension: 10 },
};
// What the suite skips for every client that is right, and why. Nothing else may be skipped.
const SKIPS = {
  "http-standard-headers": {
    checks: ["ClientMcpMethodHeader_initialize", "ClientMcpMethodHeader_notifications_initialized"],
    why: "2026-07-28 has no handshake; the revisions that have one have no Mcp-Method",
  },
};
const STATUSES = ["SUCCESS", "FAILURE", "WARNING", "SKIPPED", "INFO"];

const args = process.argv.slice(2);
const role = args[0] === "--client" ? args.shift().slice(2) : "server";
const only = args[0] === "--scenario" && args.shift();

const problems = [];
const skips = [];
const total = { SUCCESS: 0, bad: 0 };
const print = (name, counts) =>
  console.log(name.padEnd(50) + STATUSES.map((s) => String(counts[s] ?? s).padStart(9)).join(""));

// What one run of the suite left behind: a folder for each scenario, and one log.
const serverResults = (dir) =>
  readdirSync(dir)
    .filter((folder) => folder.startsWith("server-"))
    .map((folder) => ({
      // server-NAME-2026-01-31T12-00-00-000Z
      scenario: folder.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, ""),
      file: join(dir, folder, "checks.json"),
      log: join(dir, "suite.log"),
    }));

// What run-client left behind: a folder for each scenario, with what its own run of the suite left.
const clientResults = (dir) =>
  readdirSync(dir).map((folder) => {
    const files = readdirSync(join(dir, folder), { recursive: true });
    return {
      scenario: folder.replaceAll("+", "/"),
      file: join(dir, folder, files.find((file) => file.endsWith("checks.json")) ?? "checks.json"),
      log: join(dir, folder, "suite.log"),
      failed: files.includes("failed"),
    };
  });

for (const arg of args) {
  const [revision, dir] = [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)];
  const problem = (scenario, status, what, why) => {
    problems.push({ revision, scenario, status, what, why });
    total.bad += 1;
  };
  console.log();
  print(revision, {});
  let scenarios = 0;
  const results = role === "client" ? clientResults(dir) : serverResults(dir);
  for (const { scenario, file, log, failed } of results.sort((a, b) => (a.scenario < b.scenario ? -1 : 1))) {
    if (!existsSync(file)) {
      problem(scenario, "FAILURE", "no result file", `the scenario did not run or broke off, see ${log}`);
      continue;
    }
    const checks = JSON.parse(readFileSync(file, "utf8"));
    const counts = Object.fromEntries(STATUSES.map((s) => [s, 0]));
    const before = total.bad;
    for (const check of checks) {
      counts[check.status] += 1;
      if (check.status === "SUCCESS") total.SUCCESS += 1;
      else if (role === "client" && check.status === "SKIPPED" && SKIPS[scenario]?.checks.includes(check.name))
        skips.push(`${revision} ${scenario} ${check.name}\n  ${SKIPS[scenario].why}`);
      else if (check.status !== "INFO")
        problem(scenario, check.status, `${check.id}: ${check.description}`, check.errorMessage ?? JSON.stringify(check.details));
    }
    if (counts.SUCCESS === 0) problem(scenario, "FAILURE", "nothing was checked", "no check of this scenario succeeded");
    // With nothing wrong in its checks, it is the client that ended with an error, or not at all.
    if (failed && total.bad === before)
      problem(scenario, "FAILURE", "the client did not end well", readFileSync(log, "utf8").slice(-2000));
    scenarios += 1;
    print(scenario, counts);
  }
  const expected = only ? 1 : SCENARIOS[role][revision];
  if (expected === undefined) console.log(`${scenarios} scenarios; how many ${revision} has is not known here`);
  else if (scenarios < expected)
    problem("(all)", "FAILURE", `${scenarios} of ${expected} scenarios have results`, `see ${dir}`);
}

for (const { revision, scenario, status, what, why } of problems) {
  console.log(`\n${status} ${revision} ${scenario}\n  ${what}`);
  if (why) console.log(`  ${String(why).slice(0, 2000).replaceAll("\n", "\n  ")}`);
}
for (const skip of skips) console.log(`\nSKIPPED as it must be: ${skip}`);
console.log(`\n${total.SUCCESS} passed, ${total.bad} failed`);
process.exit(total.bad === 0 && total.SUCCESS > 0 ? 0 : 1);
