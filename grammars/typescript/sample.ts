import type { Alpha } from "./alpha"; // marks: import ./alpha
export { gamma } from "./gamma"; // marks: import ./gamma

export const LIMIT: number = 3; // marks: definition.constant LIMIT
declare const VERSION: string; // marks: definition.constant VERSION

export interface Shape extends Base { // marks: definition.interface Shape; reference.implementation Base
  side: number; // marks: definition.field side
  area(): number; // marks: definition.method area
}
type Pair = [number, number]; // marks: definition.type Pair
export enum Color { // marks: definition.enum Color
  Red, // marks: definition.variant Red
  Green = "g", // marks: definition.variant Green
}
namespace Inner { // marks: definition.module Inner
  export function run(): void {} // marks: definition.function run
}
declare function external(x: number): void; // marks: definition.function external

abstract class Abstract { // marks: definition.class Abstract
  abstract draw(): void; // marks: definition.method draw
}
export class Square extends Abstract implements Shape { // marks: definition.class Square; reference.implementation Abstract; reference.implementation Shape
  private side = 1; // marks: definition.field side
  handler = (): void => this.draw(); // marks: definition.method handler; reference.call draw
  constructor(public x: number) { super(); } // marks: definition.constructor constructor
  draw(): void { external(this.x); } // marks: definition.method draw; reference.call external
  area() { return new Inner.Thing(1).size<number>(); } // marks: definition.method area; reference.call Thing; reference.call size
}
export default function main<T>(x: T): T { return helper(x); } // marks: definition.function main; reference.call helper
const helper = <T,>(x: T): T => x; // marks: definition.function helper

describe("a square", () => { // marks: test a square
  it(`draws`, async () => { main(1); }); // marks: test draws; reference.call main
});
