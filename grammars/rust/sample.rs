use std::collections::HashMap; // marks: import std::collections::HashMap
use crate::{alpha, beta::Gamma}; // marks: import crate::{alpha, beta::Gamma}
extern crate alloc; // marks: import alloc

const LIMIT: usize = 3; // marks: definition.constant LIMIT
static mut COUNT: u32 = 0; // marks: definition.variable COUNT

macro_rules! shout { // marks: definition.macro shout
    ($e:expr) => { println!("{}", $e) };
}

/// A thing.
pub struct Stack<T> { // marks: definition.struct Stack
    pub items: Vec<T>, // marks: definition.field items
}
union Bits { // marks: definition.struct Bits
    float: f32, // marks: definition.field float
}
enum Shape { // marks: definition.enum Shape
    Round, // marks: definition.variant Round
    Box { side: u8 }, // marks: definition.variant Box; definition.field side
}
type Map = HashMap<String, Shape>; // marks: definition.type Map

trait Draw { // marks: definition.trait Draw
    type Out; // marks: definition.type Out
    fn draw(&self) -> Self::Out; // marks: definition.method draw
    fn twice(&self) { self.draw(); self.draw(); } // marks: definition.method twice; reference.call draw
}

impl<T: Clone> Stack<T> { // marks: container Stack
    pub fn push(&mut self, item: T) { self.items.push(item) } // marks: definition.method push; reference.call push
}
impl Draw for Shape { // marks: container Shape; reference.implementation Draw
    type Out = (); // marks: definition.type Out
    fn draw(&self) { helper::<u8>(1); crate::beta::run(); shout!("x") } // marks: definition.method draw; reference.call helper; reference.call run; reference.call shout
}
impl std::fmt::Display for Stack<u8> { // marks: container Stack; reference.implementation Display
}

fn helper<T>(_: T) {} // marks: definition.function helper

mod inner { // marks: definition.module inner
    pub async fn run() {} // marks: definition.function run
}
extern "C" {
    fn strlen(s: *const u8) -> usize; // marks: definition.function strlen
}

#[cfg(test)]
mod tests { // marks: definition.module tests; test tests
    use super::*; // marks: import super::*
    #[test]
    #[should_panic]
    fn pushes() { helper(1); } // marks: definition.function pushes; test pushes; reference.call helper
    #[tokio::test]
    async fn waits() {} // marks: definition.function waits; test waits
}
