// Tells Node that dist/cjs is CommonJS, although the package is of modules.
import { writeFileSync } from "node:fs";

writeFileSync("dist/cjs/package.json", '{ "type": "commonjs" }\n');
