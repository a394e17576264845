#!/usr/bin/env node
import { alpha } from "./alpha.js"; // marks: import ./alpha.js
export * from "./beta.js"; // marks: import ./beta.js
const fs = require("fs"); // marks: definition.constant fs; import fs; reference.call require

export const LIMIT = 3; // marks: definition.constant LIMIT
var count = 0; // marks: definition.variable count
let [first, second] = [1, 2];

function plain(a, b = 1) { // marks: definition.function plain
  const local = a + b;
  return alpha(local); // marks: reference.call alpha
}
export default async function fetchAll() { // marks: definition.function fetchAll
  await import("./late.js"); // marks: import ./late.js
}
function* steps() { yield 1; } // marks: definition.function steps
export const arrow = (x) => plain(x); // marks: definition.function arrow; reference.call plain
module.exports.helper = function () {}; // marks: definition.function helper
const table = { // marks: definition.constant table
  run: () => fs.readFile("x"), // marks: definition.function run; reference.call readFile
};

class Stack extends Base { // marks: definition.class Stack; reference.implementation Base
  size = 0; // marks: definition.field size
  #secret = 1; // marks: definition.field #secret
  onClick = () => this.push(1); // marks: definition.method onClick; reference.call push
  constructor() { super(); } // marks: definition.constructor constructor
  push(item) { this.items.push(item); } // marks: definition.method push; reference.call push
  static get empty() { return new Stack(); } // marks: definition.method empty; reference.call Stack
}
const Button = () => <Panel title="x"><Icon /></Panel>; // marks: definition.function Button; reference.call Panel; reference.call Icon

describe("a stack", () => { // marks: test a stack
  it("pushes", () => { plain(1); }); // marks: test pushes; reference.call plain
  test.only("alone", () => {}); // marks: test alone
});
